/**
 * Rows of a projection's sources while some of them have just changed: as they are now, and as they were before. The store
 * has the new ones; what was before is put together from the changes.
 */
import type { StoreReader } from '../store/contract.ts';
import { encodeKey, prefixRange, type Row, type SqlValue } from '../types/index.ts';
import type { Budget } from './budget.ts';
import { type Lookup, type Source, valuesAt } from './compile.ts';

export interface KeyedRow {
  readonly key: Uint8Array;
  /** The columns the source has in the projection. */
  readonly row: Row;
}

/** One row's change, in the source's columns. Each key is there once. */
export interface SourceChange {
  readonly key: Uint8Array;
  readonly before: Row | null;
  readonly after: Row | null;
}

export type Moment = 'before' | 'now';

/** The changes of one table, by key and by what they had in some columns. */
export class SourceChanges {
  readonly list: readonly SourceChange[];
  readonly #keys: ReadonlySet<string>;
  readonly #befores = new Map<string, Map<string, KeyedRow[]>>();

  constructor(list: readonly SourceChange[]) {
    this.list = list;
    this.#keys = new Set(list.map(({ key }) => hex(key)));
  }

  has(key: Uint8Array): boolean {
    return this.#keys.has(hex(key));
  }

  *before(): Iterable<KeyedRow> {
    for (const { key, before } of this.list) if (before !== null) yield { key, row: before };
  }

  beforeWith(lookup: Lookup, values: readonly SqlValue[]): readonly KeyedRow[] {
    const name = lookup.places.join();
    let byValues = this.#befores.get(name);
    if (byValues === undefined) {
      byValues = new Map();
      for (const keyed of this.before()) {
        const own = valuesAt(keyed.row, lookup.places);
        if (own === null) continue;
        const place = hex(encodeKey(lookup.types, own));
        const known = byValues.get(place);
        if (known === undefined) byValues.set(place, [keyed]);
        else known.push(keyed);
      }
      this.#befores.set(name, byValues);
    }
    return byValues.get(hex(encodeKey(lookup.types, values))) ?? [];
  }
}

export class SourceRows {
  readonly #store: StoreReader;
  readonly #changes: ReadonlyMap<number, SourceChanges>;
  readonly #budget: Budget;

  /** `changes` by id of the table or projection that has changed. */
  constructor(store: StoreReader, changes: ReadonlyMap<number, SourceChanges>, budget: Budget) {
    this.#store = store;
    this.#changes = changes;
    this.#budget = budget;
  }

  *all(source: Source, moment: Moment): Iterable<KeyedRow> {
    const changes = this.#undone(source, moment);
    const range = { from: null, to: null };
    for (const { key, value } of this.#store.scan(source.space, { range, reverse: false, limit: null })) {
      this.#budget.take();
      if (changes?.has(key) !== true) yield { key, row: source.decode(value) };
    }
    if (changes !== null) yield* changes.before();
  }

  *matching(source: Source, lookup: Lookup, values: readonly SqlValue[], moment: Moment): Iterable<KeyedRow> {
    const changes = this.#undone(source, moment);
    for (const keyed of this.#stored(source, lookup, values)) {
      if (changes?.has(keyed.key) !== true) yield keyed;
    }
    if (changes !== null) yield* changes.beforeWith(lookup, values);
  }

  /** Rows that have not changed. */
  *unchanged(source: Source, lookup: Lookup | null, values: readonly SqlValue[]): Iterable<KeyedRow> {
    const changes = this.#changes.get(source.id);
    const rows = lookup === null ? this.all(source, 'now') : this.#stored(source, lookup, values);
    for (const keyed of rows) if (changes?.has(keyed.key) !== true) yield keyed;
  }

  *#stored(source: Source, lookup: Lookup, values: readonly SqlValue[]): Iterable<KeyedRow> {
    const range = prefixRange(lookup.types, values);
    for (const { key, value } of this.#store.scan(lookup.space, { range, reverse: false, limit: null })) {
      this.#budget.take();
      if (!lookup.arranged) {
        yield { key, row: source.decode(value) };
        continue;
      }
      const stored = this.#store.get(source.space, value);
      if (stored === null) throw new Error('an arrangement names a row that is not there');
      yield { key: stored.key, row: source.decode(stored.value) };
    }
  }

  #undone(source: Source, moment: Moment): SourceChanges | null {
    return moment === 'before' ? (this.#changes.get(source.id) ?? null) : null;
  }
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}
