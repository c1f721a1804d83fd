/**
 * The hashes of the last signals, exactly: 128 bits each, found by the first 64 and compared with all. Rows come in at one
 * end and go out at the other; between the two they never change, so a checkpoint takes their pages as they are.
 *
 * A row has a mark that only grows: the time it was recorded, or its place in the log.
 */
import { invariant } from '../../kernel/index.ts';
import type { SignalHash } from './state.ts';

const PAGE_SHIFT = 10;
export const WINDOW_PAGE_ROWS = 1 << PAGE_SHIFT;
const ROW_IN_PAGE = WINDOW_PAGE_ROWS - 1;
export const HASH_WORDS = 4;
/** Rows are numbered modulo this in the table: more than twice what a window holds. */
const ORDINALS = 1 << 22;
export const WINDOW_ROWS_MAX = 1 << 20;
const SLOTS_FIRST = 256;
/** The table doubles when it is fuller. */
const FILL_MOST = 0.5;

export interface WindowPage {
  /** Four words a row: hash high, hash low, check high, check low. */
  readonly words: Uint32Array;
  readonly marks: Float64Array;
}

export class HashWindow {
  readonly #pages: (WindowPage | null)[] = [];
  /** Row number modulo ORDINALS, and one; 0: free. Linear probing. */
  #slots = new Uint32Array(SLOTS_FIRST);
  #first: number;
  #end: number;

  /** Empty; rows are numbered from `first` on. */
  constructor(first: number) {
    this.#first = first;
    this.#end = first;
  }

  get size(): number {
    return this.#end - this.#first;
  }

  /** Number of the oldest row; rows are counted from the first there ever was. */
  get first(): number {
    return this.#first;
  }

  get end(): number {
    return this.#end;
  }

  get bytes(): number {
    const pages = this.#pages.reduce((count, page) => count + (page === null ? 0 : 1), 0);
    return this.#slots.byteLength + pages * WINDOW_PAGE_ROWS * (HASH_WORDS * 4 + 8);
  }

  /** Whether the hash has a row with a mark greater than this. */
  has({ hashHigh, hashLow, checkHigh, checkLow }: SignalHash, above: number): boolean {
    const slots = this.#slots;
    const mask = slots.length - 1;
    // Ends: the table is never full.
    for (let slot = hashLow & mask; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const ordinal = slots[slot]! - 1;
      const page = this.#pages[ordinal >>> PAGE_SHIFT]!;
      const row = (ordinal & ROW_IN_PAGE) * HASH_WORDS;
      const { words } = page;
      if (
        words[row + 1] === hashLow &&
        words[row] === hashHigh &&
        words[row + 2] === checkHigh &&
        words[row + 3] === checkLow &&
        page.marks[ordinal & ROW_IN_PAGE]! > above
      )
        return true;
    }
    return false;
  }

  /** Adds a row behind the last; the oldest goes when there are as many as there may be. */
  add({ hashHigh, hashLow, checkHigh, checkLow }: SignalHash, mark: number): void {
    if (this.size === WINDOW_ROWS_MAX) this.#removeOldest();
    const ordinal = this.#end % ORDINALS;
    const page = this.#pageFor(ordinal);
    const row = (ordinal & ROW_IN_PAGE) * HASH_WORDS;
    page.words[row] = hashHigh;
    page.words[row + 1] = hashLow;
    page.words[row + 2] = checkHigh;
    page.words[row + 3] = checkLow;
    page.marks[ordinal & ROW_IN_PAGE] = mark;
    this.#end += 1;
    if (this.size > this.#slots.length * FILL_MOST) this.#grow();
    else this.#place(ordinal);
  }

  /** Removes rows from the oldest on whose mark is at most this. */
  removeThrough(mark: number): void {
    while (this.size > 0 && this.markOf(this.#first) <= mark) this.#removeOldest();
  }

  markOf(row: number): number {
    const ordinal = row % ORDINALS;
    return this.#pages[ordinal >>> PAGE_SHIFT]!.marks[ordinal & ROW_IN_PAGE]!;
  }

  /** The page that a row lies in. Rows that are there never change in it; others may be added behind them. */
  pageOf(row: number): WindowPage {
    invariant(row >= this.#first && row < this.#end, 'a row lies within the window');
    return this.#pages[(row % ORDINALS) >>> PAGE_SHIFT]!;
  }

  #pageFor(ordinal: number): WindowPage {
    const index = ordinal >>> PAGE_SHIFT;
    const there = this.#pages[index];
    if (there !== undefined && there !== null) return there;
    while (this.#pages.length < index) this.#pages.push(null);
    const page: WindowPage = {
      words: new Uint32Array(WINDOW_PAGE_ROWS * HASH_WORDS),
      marks: new Float64Array(WINDOW_PAGE_ROWS),
    };
    this.#pages[index] = page;
    return page;
  }

  #removeOldest(): void {
    const ordinal = this.#first % ORDINALS;
    this.#unplace(ordinal);
    this.#first += 1;
    if ((this.#first & ROW_IN_PAGE) === 0) this.#pages[ordinal >>> PAGE_SHIFT] = null;
  }

  #home(ordinal: number): number {
    return this.#pages[ordinal >>> PAGE_SHIFT]!.words[(ordinal & ROW_IN_PAGE) * HASH_WORDS + 1]!;
  }

  #place(ordinal: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = this.#home(ordinal) & mask;
    while (slots[slot] !== 0) slot = (slot + 1) & mask;
    slots[slot] = ordinal + 1;
  }

  /** Frees the row's slot and moves up what was placed behind it, so that no search ends at the hole. */
  #unplace(ordinal: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let hole = this.#home(ordinal) & mask;
    while (slots[hole] !== ordinal + 1) hole = (hole + 1) & mask;
    for (let slot = (hole + 1) & mask; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const home = this.#home(slots[slot]! - 1) & mask;
      // It may move to the hole unless its home lies behind the hole, up to where it is.
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue;
      slots[hole] = slots[slot]!;
      hole = slot;
    }
    slots[hole] = 0;
  }

  #grow(): void {
    this.#slots = new Uint32Array(this.#slots.length * 2);
    for (let row = this.#first; row < this.#end; row++) this.#place(row % ORDINALS);
  }
}
