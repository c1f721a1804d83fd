/**
 * Lists of rows, each of a bounded length, in pages of words: the links of a graph. A page that a checkpoint holds is copied
 * before it changes.
 */
import type { Position } from './position.ts';

const PAGE_SHIFT = 12;
export const PAGE_LISTS = 1 << PAGE_SHIFT;

export class LinkLists {
  /** Rows a list has at most. */
  readonly width: number;
  /** Words of a list: how many, then that many rows. */
  readonly stride: number;
  readonly #position: Position;
  readonly #pages: Uint32Array[] = [];
  readonly #changed: number[] = [];
  readonly #held: boolean[] = [];

  constructor(width: number, position: Position) {
    this.width = width;
    this.stride = width + 1;
    this.#position = position;
  }

  /** Makes room for lists up to one. */
  reach(list: number): void {
    while (this.#pages.length <= list >>> PAGE_SHIFT) {
      this.#pages.push(new Uint32Array(PAGE_LISTS * this.stride));
      this.#changed.push(this.#position.sequence);
      this.#held.push(false);
    }
  }

  /** The page a list is in; it begins at `start`. */
  page(list: number): Uint32Array {
    return this.#pages[list >>> PAGE_SHIFT]!;
  }

  start(list: number): number {
    return (list & (PAGE_LISTS - 1)) * this.stride;
  }

  /** The page of a list, to be written to. */
  writable(list: number): Uint32Array {
    const page = list >>> PAGE_SHIFT;
    if (this.#held[page]!) {
      this.#pages[page] = this.#pages[page]!.slice();
      this.#held[page] = false;
    }
    this.#changed[page] = this.#position.sequence;
    return this.#pages[page]!;
  }

  /** Replaces a list by the first `count` of some rows. */
  write(list: number, rows: Uint32Array, count: number): void {
    const words = this.writable(list);
    const start = this.start(list);
    words[start] = count;
    for (let at = 0; at < count; at++) words[start + 1 + at] = rows[at]!;
    // Nothing is left of what was there: the same lists are the same bytes.
    words.fill(0, start + 1 + count, start + this.stride);
  }

  clear(list: number): void {
    const words = this.writable(list);
    const start = this.start(list);
    words.fill(0, start, start + this.stride);
  }

  /** By page: the sequence of the log at which it last changed. */
  get changed(): readonly number[] {
    return this.#changed;
  }

  /** A page as it is now, for good. */
  hold(page: number): Uint8Array {
    this.#held[page] = true;
    const { buffer, byteOffset, byteLength } = this.#pages[page]!;
    return new Uint8Array(buffer, byteOffset, byteLength);
  }

  /** Memory taken. */
  get bytes(): number {
    return this.#pages.length * this.pageBytes;
  }

  /** Bytes of a page. */
  get pageBytes(): number {
    return PAGE_LISTS * this.stride * 4;
  }

  /** Adds a page read back, of `pageBytes`. */
  restorePage(bytes: Uint8Array, changed: number): void {
    this.#pages.push(new Uint32Array(bytes.slice().buffer));
    this.#changed.push(changed);
    this.#held.push(false);
  }
}
