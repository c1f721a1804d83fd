/**
 * What the appends in flight add to the index: the heads and ids of events decided and not yet applied. Kept apart from
 * the index because in a cluster they may still be withdrawn, and because nothing unstable may reach a checkpoint.
 *
 * Events leave by becoming applied, in order. Two generations make that cheap: nothing is ever removed singly, a whole
 * generation is emptied once the index has all of it.
 */
import { type EvolvingState, eventIdOffset, revisionOf, type StreamHead } from '../kernel/index.ts';
import { SEQUENCE_NONE, type Sequence, type TenantId } from '../types.ts';
import { EventRows } from './event-rows.ts';
import { idHash } from './hash.ts';
import { HashTable } from './hash-table.ts';
import { NameTable } from './name-table.ts';
import { PagedColumn, u32 } from './paged-column.ts';
import { numberOfStream } from './scoped-name.ts';
import type { StreamKey } from './stream-key.ts';

/** Few enough for the tables of both generations to stay in the processor's cache. */
const GENERATION_EVENTS = 1 << 12;
const NONE: readonly Sequence[] = [];

export class InFlightEvents implements EvolvingState {
  readonly #applied: () => Sequence;
  #current: Generation;
  #previous: Generation;

  /** `applied` tells up to where the index knows everything. */
  constructor(seed: number, applied: () => Sequence) {
    this.#applied = applied;
    this.#current = new Generation(seed);
    this.#previous = new Generation(seed);
  }

  eventAppended(position: Sequence, tenant: TenantId, payload: Uint8Array): void {
    if (this.#current.events >= GENERATION_EVENTS && this.#previous.newest <= this.#applied()) {
      const emptied = this.#previous;
      emptied.clear();
      this.#previous = this.#current;
      this.#current = emptied;
    }
    this.#current.add(position, tenant, payload);
  }

  /** Head of a stream that has events in flight, or null. */
  head(key: StreamKey): StreamHead | null {
    const applied = this.#applied();
    return this.#current.head(key, applied) ?? this.#previous.head(key, applied);
  }

  /** Positions of events in flight whose id has this hash: nearly always none. */
  candidates(key: StreamKey, idHash: number): readonly Sequence[] {
    const applied = this.#applied();
    const current = this.#current.candidates(key, idHash, applied);
    const previous = this.#previous.candidates(key, idHash, applied);
    if (previous.length === 0) return current;
    return current.length === 0 ? previous : [...current, ...previous];
  }
}

class Generation {
  readonly #names: NameTable;
  readonly #rows = new EventRows();
  readonly #ids = new HashTable(1);
  /** By stream: row and revision of its newest event. */
  readonly #lastRows = new PagedColumn(u32);
  readonly #lastRevisions = new PagedColumn(u32);

  constructor(seed: number) {
    this.#names = new NameTable(seed);
  }

  get events(): number {
    return this.#rows.count;
  }

  /** Position of the newest event, 0 without one. */
  get newest(): Sequence {
    return this.#rows.count === 0 ? SEQUENCE_NONE : this.#rows.position(this.#rows.count - 1);
  }

  add(position: Sequence, tenant: TenantId, payload: Uint8Array): void {
    const stream = numberOfStream(this.#names, tenant, payload);
    const row = this.#rows.count;
    if (stream === this.#lastRows.length) {
      this.#lastRows.push(row);
      this.#lastRevisions.push(revisionOf(payload));
    } else {
      this.#lastRows.set(stream, row);
      this.#lastRevisions.set(stream, revisionOf(payload));
    }
    const id = idHash(payload, eventIdOffset, this.#names.lastHash);
    this.#rows.add(position, stream, id);
    this.#ids.add(id, row);
  }

  head(key: StreamKey, applied: Sequence): StreamHead | null {
    if (this.newest <= applied) return null;
    const stream = this.#names.find(key.bytes, 0, key.length, key.hash);
    if (stream < 0) return null;
    const position = this.#rows.position(this.#lastRows.get(stream));
    return position <= applied ? null : { revision: this.#lastRevisions.get(stream), position };
  }

  candidates(key: StreamKey, idHash: number, applied: Sequence): readonly Sequence[] {
    if (this.newest <= applied) return NONE;
    let found: Sequence[] | null = null;
    for (let row = this.#ids.first(idHash); row >= 0; row = this.#ids.next()) {
      if (this.#rows.position(row) <= applied) continue;
      const stream = this.#rows.stream(row);
      if (!this.#names.equals(stream, key.bytes, 0, key.length)) continue;
      found ??= [];
      found.push(this.#rows.position(row));
    }
    return found ?? NONE;
  }

  clear(): void {
    this.#names.clear();
    this.#rows.clear();
    this.#ids.clear();
    this.#lastRows.clear();
    this.#lastRevisions.clear();
  }
}
