import type { KeyRange, Space } from '../store/index.ts';
import type { ReadRange } from './query.ts';

/** Single keys that are kept apart; where a query read more rows of a space, it counts as having read the whole space. */
const KEYS_MAX = 10_000;

/** What an answer rests on, gathered while it is made. */
export interface ReadLog {
  range(space: Space, range: KeyRange): void;
  key(space: Space, key: Uint8Array): void;
}

/** For answers whose ground cannot change, or about which nobody will ask. */
export const NO_READ_LOG: ReadLog = Object.freeze({ range: () => {}, key: () => {} });

export class ReadRanges implements ReadLog {
  readonly #ranges: ReadRange[] = [];
  /** By space; null: too many, the whole space. */
  readonly #keys = new Map<Space, Uint8Array[] | null>();

  range(space: Space, range: KeyRange): void {
    this.#ranges.push({ space, range });
  }

  key(space: Space, key: Uint8Array): void {
    const keys = this.#keys.get(space);
    if (keys === null) return;
    if (keys === undefined) this.#keys.set(space, [key]);
    else if (keys.length < KEYS_MAX) keys.push(key);
    else this.#keys.set(space, null);
  }

  /** Everything noted so far. */
  all(): ReadRange[] {
    const ranges = [...this.#ranges];
    for (const [space, keys] of this.#keys) {
      if (keys === null) ranges.push({ space, range: { from: null, to: null } });
      else for (const key of keys) ranges.push({ space, range: { from: key, to: after(key) } });
    }
    return ranges;
  }
}

/** The smallest key behind another. */
function after(key: Uint8Array): Uint8Array {
  const next = new Uint8Array(key.length + 1);
  next.set(key);
  return next;
}
