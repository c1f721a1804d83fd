/**
 * The newest changes of a store, in memory: whether anything of a range changed lately is known without reading the range, which
 * can be a whole table. Bounded: of what is older nothing is known.
 */
import type { Sequence } from '../../types.ts';
import type { StoredRange } from './space-key.ts';

const CHANGES_MAX = 8192;
const BYTES_MAX = 1024 * 1024;

interface Change {
  readonly key: Uint8Array;
  readonly at: Sequence;
}

export interface RecentMark {
  readonly count: number;
  readonly forgotten: number;
}

export class RecentChanges {
  /** Oldest first, from `#first` on; positions never decrease. */
  #changes: Change[] = [];
  #first = 0;
  /** How many were there before the first of the array. */
  #base = 0;
  #forgotten = 0;
  #bytes = 0;
  /** All changes after it are here; of what was written before the first change nothing is known. */
  #from: number = Number.MAX_SAFE_INTEGER;

  /** What `undo` goes back to. */
  mark(): RecentMark {
    return { count: this.#base + this.#changes.length, forgotten: this.#forgotten };
  }

  /** `key`: with its space; not copied. */
  add(key: Uint8Array, at: Sequence): void {
    this.#changes.push({ key, at });
    // Positions never decrease, but after changes that were undone: whatever there is after this one is here.
    if (at < this.#from) this.#from = at;
    this.#bytes += key.length;
    while (this.#changes.length - this.#first > CHANGES_MAX || this.#bytes > BYTES_MAX) {
      const oldest = this.#changes[this.#first]!;
      this.#first += 1;
      this.#bytes -= oldest.key.length;
      this.#from = oldest.at;
    }
    if (this.#first < CHANGES_MAX) return;
    this.#changes = this.#changes.slice(this.#first);
    this.#base += this.#first;
    this.#first = 0;
  }

  /** Takes back the changes behind a mark. */
  undo({ count, forgotten }: RecentMark): void {
    if (forgotten !== this.#forgotten) this.forget();
    else {
      const from = Math.max(count - this.#base, this.#first);
      for (const { key } of this.#changes.splice(from)) this.#bytes -= key.length;
    }
  }

  /** Nothing is known of what was before. */
  forget(): void {
    this.#forgotten += 1;
    this.#changes = [];
    this.#first = 0;
    this.#bytes = 0;
    this.#from = Number.MAX_SAFE_INTEGER;
  }

  /** Whether a key of the range was changed after a position; null where that is not known. */
  since({ from, to }: StoredRange, after: Sequence): boolean | null {
    for (let index = this.#changes.length - 1; index >= this.#first; index -= 1) {
      const { key, at } = this.#changes[index]!;
      if (at <= after) return false;
      if (Buffer.compare(key, from) >= 0 && Buffer.compare(key, to) < 0) return true;
    }
    return after >= this.#from ? false : null;
  }
}
