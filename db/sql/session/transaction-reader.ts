import { type RecordedAt, SEQUENCE_NONE, type Sequence } from '../../types.ts';
import type { ReadRange } from '../execute/query.ts';
import type {
  HistoricVersion,
  KeyRange,
  ScanOptions,
  Space,
  StoredCommit,
  StoredVersion,
  StoreReader,
} from '../store/contract.ts';

/** Ranges remembered of one space; beyond, the whole of it counts as read. */
const RANGES_MAX = 4096;

/** What a transaction has read, as ranges of keys: what must not have changed when it ends. */
export class ReadSet {
  readonly #ranges = new Map<Space, ReadRange[] | 'all'>();

  add({ space, range }: ReadRange): void {
    const ranges = this.#ranges.get(space);
    if (ranges === 'all') return;
    if (ranges === undefined) this.#ranges.set(space, [{ space, range }]);
    else if (ranges.length < RANGES_MAX) ranges.push({ space, range });
    else this.#ranges.set(space, 'all');
  }

  addKey(space: Space, key: Uint8Array): void {
    this.add({ space, range: { from: key, to: behind(key) } });
  }

  list(): ReadRange[] {
    return [...this.#ranges].flatMap(([space, ranges]) =>
      ranges === 'all' ? [{ space, range: { from: null, to: null } }] : ranges,
    );
  }
}

/**
 * A store as it was at one position, and a note of every range that is read in it. A position needs no snapshot that is kept
 * open: versions stay, so any later state of the store answers for it.
 */
export class TransactionReader implements StoreReader {
  readonly #below: StoreReader;
  readonly #pin: Sequence;
  readonly #reads: ReadSet;
  /** Nothing was committed since: the present costs less to read than the past. */
  readonly #isPresent: boolean;

  constructor(below: StoreReader, pin: Sequence, reads: ReadSet) {
    this.#below = below;
    this.#pin = pin;
    this.#reads = reads;
    this.#isPresent = (below.position?.sequence ?? SEQUENCE_NONE) === pin;
  }

  get position(): StoredCommit | null {
    return this.#below.commitAtPosition(this.#pin);
  }

  get(space: Space, key: Uint8Array): StoredVersion | null {
    this.#reads.addKey(space, key);
    return this.#isPresent ? this.#below.get(space, key) : this.#below.getAt(space, key, this.#pin);
  }

  *scan(space: Space, options: ScanOptions): Iterable<StoredVersion> {
    let last: Uint8Array | null = null;
    let ended = false;
    try {
      const versions = this.#isPresent
        ? this.#below.scan(space, options)
        : this.#below.scanAt(space, options, this.#pin);
      for (const version of versions) {
        last = version.key;
        yield version;
      }
      ended = options.limit === null;
    } finally {
      this.#reads.add({ space, range: ended ? options.range : upTo(options, last) });
    }
  }

  /** What lies before the pin does not change: nothing is noted. */
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
    let count = 0;
    for (const _ of this.scan(space, { range: { from: null, to: null }, reverse: false, limit: null }))
      count++;
    return count;
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
}

/** The part of a range that was gone through when it was left at a key. With nothing found it is all of it. */
function upTo({ range, reverse }: ScanOptions, last: Uint8Array | null): KeyRange {
  if (last === null) return range;
  return reverse ? { from: last, to: range.to } : { from: range.from, to: behind(last) };
}

/** The smallest key behind another. */
function behind(key: Uint8Array): Uint8Array {
  const next = new Uint8Array(key.length + 1);
  next.set(key);
  return next;
}
