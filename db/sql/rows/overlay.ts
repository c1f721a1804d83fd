import { invariant } from '../../kernel/index.ts';
import type { RecordedAt, Sequence } from '../../types.ts';
import type {
  HistoricVersion,
  KeyRange,
  ScanOptions,
  Space,
  StoredCommit,
  StoredVersion,
  StoreReader,
} from '../store/contract.ts';

/** Stands for the place of what has none yet: later than everything that has one. */
const NOT_PLACED = Number.MAX_SAFE_INTEGER as Sequence;

interface Written {
  readonly key: Uint8Array;
  /** Null: deleted. */
  readonly value: Uint8Array | null;
  /** What is there below; null: nothing. */
  readonly before: Uint8Array | null;
}

interface OwnSpace {
  readonly written: Map<string, Written>;
  /** In key order; null after a new key has come. */
  sorted: Written[] | null;
  /** Keys more, or fewer, than below. */
  countDelta: number;
}

interface OwnWrites {
  readonly spaces: Map<Space, OwnSpace>;
  bytes: number;
}

/**
 * A state with one's own changes laid over it: reads see both, the state stays as it is. What is asked as of a position,
 * and of versions, is answered from below: changes that have no place in the log have no history.
 */
export class Overlay implements StoreReader {
  readonly #below: StoreReader;
  readonly #own: OwnWrites;

  constructor(below: StoreReader, own: OwnWrites = { spaces: new Map(), bytes: 0 }) {
    this.#below = below;
    this.#own = own;
  }

  get #spaces(): Map<Space, OwnSpace> {
    return this.#own.spaces;
  }

  get position(): StoredCommit | null {
    return this.#below.position;
  }

  /** Bytes of keys and values written, those written over included. */
  get bytes(): number {
    return this.#own.bytes;
  }

  /** Nothing has been written. */
  get empty(): boolean {
    return this.#spaces.size === 0;
  }

  /** `there`: what is read under the key now, which the caller knows; null: nothing. */
  put(space: Space, key: Uint8Array, value: Uint8Array, there: Uint8Array | null): void {
    this.#write(space, key, value, there);
  }

  delete(space: Space, key: Uint8Array, there: Uint8Array | null): void {
    this.#write(space, key, null, there);
  }

  /** Everything written into a space, in the order in which each key was first written. */
  *written(space: Space): Iterable<Written> {
    yield* this.#spaces.get(space)?.written.values() ?? [];
  }

  /** The same changes, also those to come, over another reader of the same state. */
  over(below: StoreReader): Overlay {
    return new Overlay(below, this.#own);
  }

  get(space: Space, key: Uint8Array): StoredVersion | null {
    const own = this.#spaces.get(space)?.written.get(nameOf(key));
    if (own === undefined) return this.#below.get(space, key);
    return own.value === null ? null : { key: own.key, value: own.value, since: NOT_PLACED };
  }

  scan(space: Space, options: ScanOptions): Iterable<StoredVersion> {
    const own = this.#spaces.get(space);
    return own === undefined ? this.#below.scan(space, options) : this.#merged(space, own, options);
  }

  getAt(space: Space, key: Uint8Array, at: Sequence): StoredVersion | null {
    return this.#below.getAt(space, key, at);
  }

  scanAt(space: Space, options: ScanOptions, at: Sequence): Iterable<StoredVersion> {
    return this.#below.scanAt(space, options, at);
  }

  versions(space: Space, range: KeyRange, after: Sequence, to: Sequence): Iterable<HistoricVersion> {
    return this.#below.versions(space, range, after, to);
  }

  changedSince(space: Space, range: KeyRange, after: Sequence): boolean {
    return this.#below.changedSince(space, range, after);
  }

  count(space: Space): number {
    return this.#below.count(space) + (this.#spaces.get(space)?.countDelta ?? 0);
  }

  commitAtPosition(at: Sequence): StoredCommit | null {
    return this.#below.commitAtPosition(at);
  }

  commitAtTime(at: RecordedAt): StoredCommit | null {
    return this.#below.commitAtTime(at);
  }

  writeAt(sequence: Sequence): { readonly actor: string; readonly recordedAt: RecordedAt } | null {
    return this.#below.writeAt(sequence);
  }

  #write(space: Space, key: Uint8Array, value: Uint8Array | null, there: Uint8Array | null): void {
    let own = this.#spaces.get(space);
    if (own === undefined) {
      own = { written: new Map(), sorted: null, countDelta: 0 };
      this.#spaces.set(space, own);
    }
    const name = nameOf(key);
    const last = own.written.get(name);
    // What was never written here is what lies below.
    const before = last === undefined ? there : last.before;
    if ((there !== null) !== (value !== null)) own.countDelta += value === null ? -1 : 1;
    own.written.set(name, { key, value, before });
    own.sorted = null;
    this.#own.bytes += key.length + (value?.length ?? 0);
  }

  *#merged(space: Space, own: OwnSpace, options: ScanOptions): Iterable<StoredVersion> {
    const { range, reverse, limit } = options;
    const sign = reverse ? -1 : 1;
    const mine = inRange(sortedKeys(own), range);
    if (reverse) mine.reverse();
    let given = 0;
    let next = 0;
    for (const below of this.#below.scan(space, { range, reverse, limit: null })) {
      while (next < mine.length && sign * Buffer.compare(mine[next]!.key, below.key) < 0) {
        const written = mine[next++]!;
        if (written.value === null) continue;
        if (given++ === limit) return;
        yield { key: written.key, value: written.value, since: NOT_PLACED };
      }
      const over = next < mine.length && Buffer.compare(mine[next]!.key, below.key) === 0;
      const written = over ? mine[next++]! : null;
      if (written !== null && written.value === null) continue;
      if (given++ === limit) return;
      yield written === null ? below : { key: written.key, value: written.value!, since: NOT_PLACED };
    }
    for (; next < mine.length; next++) {
      const written = mine[next]!;
      if (written.value === null) continue;
      if (given++ === limit) return;
      yield { key: written.key, value: written.value, since: NOT_PLACED };
    }
    invariant(limit === null || given <= limit, 'a scan gives no more than it was asked for');
  }
}

function sortedKeys(own: OwnSpace): Written[] {
  own.sorted ??= [...own.written.values()].sort((a, b) => Buffer.compare(a.key, b.key));
  return own.sorted;
}

/** A part of the sorted keys, as a new array. */
function inRange(sorted: readonly Written[], { from, to }: KeyRange): Written[] {
  const first = from === null ? 0 : placeOf(sorted, from);
  const end = to === null ? sorted.length : placeOf(sorted, to);
  return sorted.slice(first, Math.max(first, end));
}

/** Index of the first key that is not smaller. */
function placeOf(sorted: readonly Written[], key: Uint8Array): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (Buffer.compare(sorted[middle]!.key, key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function nameOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1');
}
