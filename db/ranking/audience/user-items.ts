/** What users have done with items: for each pair the states as bits, and when the user last had to do with the item. */

import { SortedNumbers } from '../indexes/bitmaps/index.ts';
import type { NumberSet } from '../reading.ts';
import { KeyedRows } from './keyed-rows.ts';
import type { CommitMark } from './owned-blocks.ts';

const LAST = 0;

export class UserItems {
  readonly rows: KeyedRows;

  constructor(mark: CommitMark) {
    this.rows = new KeyedRows({ words: 1, byte: true }, mark);
  }

  /** The user had to do with the item at `seconds`; takes the bits of `cleared` away, then sets those of `set`. */
  record(user: number, item: number, seconds: number, set: number, cleared: number): void {
    const rows = this.rows;
    if (!rows.seek(user, item)) {
      rows.add(user, item);
      rows.setWord(LAST, seconds);
      if (set !== 0) rows.setByte(set);
      return;
    }
    if (rows.word(LAST) < seconds) rows.setWord(LAST, seconds);
    const before = rows.byte;
    const bits = (before & ~cleared) | set;
    if (bits !== before) rows.setByte(bits);
  }

  /** Bits of the pair; 0 where there is nothing. */
  bits(user: number, item: number): number {
    return this.rows.seek(user, item) ? this.rows.byte : 0;
  }

  /** Seconds; 0: never. */
  last(user: number, item: number): number {
    return this.rows.seek(user, item) ? this.rows.word(LAST) : 0;
  }

  /** Items of which the user has one of the bits, without those that are gone. */
  items(user: number, bits: number, gone: NumberSet): NumberSet {
    const rows = this.rows;
    const count = rows.open(user);
    const found = new Uint32Array(count);
    let length = 0;
    for (let row = 0; row < count; row++) {
      rows.moveTo(row);
      if ((rows.byte & bits) === 0 || gone.has(rows.key)) continue;
      found[length++] = rows.key;
    }
    const items = found.subarray(0, length);
    if (count > 0 && !rows.isSorted) items.sort();
    return new SortedNumbers(items);
  }

  removeUser(user: number): void {
    this.rows.removeOwner(user);
  }
}
