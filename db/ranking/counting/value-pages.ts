/**
 * A value by item, 0 where nothing was added. Pages know which of their blocks were touched, so that a few values among a million
 * items are found, and wiped for the next use, without looking at all of them.
 */
import type { Best } from './best.ts';
import { ITEM_IN_PAGE, ITEM_PAGE_BITS, ITEM_PAGE_ROWS } from './item-pages.ts';

const BLOCK_BITS = 6;
const BLOCK_ROWS = 1 << BLOCK_BITS;
/** Blocks of a page whose marks fit one word. */
const MARKS = 32;

class Page {
  readonly values = new Float64Array(ITEM_PAGE_ROWS);
  /** Marks of the blocks that were touched. */
  readonly marks = new Uint32Array(ITEM_PAGE_ROWS >>> (BLOCK_BITS + 5));

  /** Calls `visit` with the first row of each block that was touched, in order. */
  forEachTouched(visit: (row: number) => void): void {
    for (let word = 0; word < this.marks.length; word++) {
      for (let marks = this.marks[word]!; marks !== 0; marks &= marks - 1) {
        const block = word * MARKS + (31 - Math.clz32(marks & -marks));
        visit(block << BLOCK_BITS);
      }
    }
  }

  wipe(): void {
    this.forEachTouched((row) => this.values.fill(0, row, row + BLOCK_ROWS));
    this.marks.fill(0);
  }
}

/** Pages that nobody uses any more, wiped: making one takes longer than to wipe it. */
const waiting: Page[] = [];
const WAITING_MAX = 1024;

export class ValuePages {
  #pages: (Page | undefined)[] = [];
  #count = 0;

  get memoryBytes(): number {
    return this.#count * ITEM_PAGE_ROWS * Float64Array.BYTES_PER_ELEMENT;
  }

  get(item: number): number {
    const page = this.#pages[item >>> ITEM_PAGE_BITS];
    return page === undefined ? 0 : page.values[item & ITEM_IN_PAGE]!;
  }

  /** Adds to a value and returns it. */
  add(item: number, change: number): number {
    const page = this.#pages[item >>> ITEM_PAGE_BITS] ?? this.#put(item >>> ITEM_PAGE_BITS);
    const row = item & ITEM_IN_PAGE;
    const value = page.values[row]! + change;
    page.values[row] = value;
    page.marks[row >>> (BLOCK_BITS + 5)]! |= 1 << ((row >>> BLOCK_BITS) & 31);
    return value;
  }

  /** Offers all that are above 0. */
  offerAll(best: Best): void {
    for (const [number, page] of this.#pages.entries()) {
      page?.forEachTouched((from) => {
        const first = number * ITEM_PAGE_ROWS;
        for (let row = from; row < from + BLOCK_ROWS; row++) {
          const value = page.values[row]!;
          if (value > 0) best.offer(value, first + row);
        }
      });
    }
  }

  /** Gives its pages back; it is empty afterwards. */
  release(): void {
    for (const page of this.#pages) {
      if (page === undefined || waiting.length >= WAITING_MAX) continue;
      page.wipe();
      waiting.push(page);
    }
    this.#pages = [];
    this.#count = 0;
  }

  #put(number: number): Page {
    const page = waiting.pop() ?? new Page();
    this.#pages[number] = page;
    this.#count += 1;
    return page;
  }
}
