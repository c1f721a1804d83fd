/**
 * The best items by a value that changes all the time, without ever looking at all of them as a rule. It knows some items, and
 * a floor: a place in the order (value, then number) that every item it does not know is behind. Who rises above the floor
 * becomes known; when too many are known the floor is raised, and only when too few of those known are still above it are
 * all items looked at. Answers are exact, whatever was asked before.
 */
import { Best, type Ranking } from './best.ts';
import { ITEM_IN_PAGE, ITEM_PAGE_BITS, ITEM_PAGE_ROWS } from './item-pages.ts';

/** Known at least after all items were looked at, if there are as many. */
const KNOWN_MIN = 1024;
/** How many more are kept than were asked for, so that some may fall. */
const KEPT_PER_ASKED = 4;
/** Known at most, of what is kept. */
const KNOWN_PER_KEPT = 4;

/** Where the values lie. Only those above 0 are in the order. */
export interface Ranked {
  value(item: number): number;
  /** Offers all items whose value is above 0. */
  offerAll(best: Best): void;
}

export class Leaders {
  readonly #ranked: Ranked;
  #keep = KNOWN_MIN;
  #known = new Uint32Array(KNOWN_MIN);
  #count = 0;
  /** Bits by item in pages: whether it is known. */
  readonly #isKnown: Uint32Array[] = [];
  // At first nothing is known: the floor is above everything.
  #floorValue = Number.POSITIVE_INFINITY;
  #floorItem = 0;
  /** The last answer and how many it was asked for; no value has changed since. */
  #last: Ranking | null = null;
  #lastLimit = 0;

  constructor(ranked: Ranked) {
    this.#ranked = ranked;
  }

  /** To be told of every change of a value. */
  moved(item: number, value: number): void {
    this.#last = null;
    if (value > this.#floorValue || (value === this.#floorValue && item <= this.#floorItem)) this.#know(item);
  }

  /** Values have changed without it being told: it looks at all items when it is asked next. */
  forget(): void {
    this.#last = null;
    for (let at = 0; at < this.#count; at++) this.#unmark(this.#known[at]!);
    this.#count = 0;
    this.#floorValue = Number.POSITIVE_INFINITY;
    this.#floorItem = 0;
  }

  /** The best `limit`, fewer when there are no more whose value is above 0. Not to be written to: the next may be given the same. */
  top(limit: number): Ranking {
    if (this.#last === null || this.#lastLimit < limit) {
      const found = this.#found(limit);
      this.#last = found;
      this.#lastLimit = limit;
    }
    const { items, values } = this.#last!;
    return items.length <= limit
      ? { items, values }
      : { items: items.subarray(0, limit), values: values.subarray(0, limit) };
  }

  #found(limit: number): Ranking {
    const found = this.#best(limit);
    if (found.size >= limit || this.#knowsAll) return found.take();
    this.#lookAtAll(limit);
    return this.#best(limit).take();
  }

  get memoryBytes(): number {
    const pages = this.#isKnown.reduce((sum, page) => sum + page.byteLength, 0);
    const last = this.#last === null ? 0 : this.#last.items.byteLength + this.#last.values.byteLength;
    return pages + this.#known.byteLength + last;
  }

  /** Whether nothing is behind the floor. */
  get #knowsAll(): boolean {
    return this.#floorValue === 0 && this.#floorItem === 0;
  }

  /** The best of those known that are not behind the floor. */
  #best(limit: number): Best {
    const best = new Best(limit);
    for (let at = 0; at < this.#count; at++) {
      const item = this.#known[at]!;
      const value = this.#ranked.value(item);
      if (value > 0 && this.#isAbove(value, item)) best.offer(value, item);
    }
    return best;
  }

  #isAbove(value: number, item: number): boolean {
    return value > this.#floorValue || (value === this.#floorValue && item <= this.#floorItem);
  }

  #lookAtAll(limit: number): void {
    this.forget();
    this.#keep = Math.max(KNOWN_MIN, limit * KEPT_PER_ASKED);
    const best = new Best(this.#keep);
    this.#ranked.offerAll(best);
    this.#setFloor(best);
    for (const item of best.take().items) this.#know(item);
  }

  /** Below the worst of a full list; below everything if there were fewer. */
  #setFloor(best: Best): void {
    this.#floorValue = best.isFull ? best.worstValue : 0;
    this.#floorItem = best.isFull ? best.worstItem : 0;
  }

  #know(item: number): void {
    const page = this.#page(item);
    const bit = 1 << (item & 31);
    const word = (item & ITEM_IN_PAGE) >>> 5;
    if ((page[word]! & bit) !== 0) return;
    if (this.#count >= this.#keep * KNOWN_PER_KEPT) this.#raiseFloor();
    if (!this.#isAbove(this.#ranked.value(item), item)) return;
    page[word]! |= bit;
    if (this.#count === this.#known.length) this.#growKnown();
    this.#known[this.#count++] = item;
  }

  /** Keeps the best of those known. */
  #raiseFloor(): void {
    const best = this.#best(this.#keep);
    for (let at = 0; at < this.#count; at++) this.#unmark(this.#known[at]!);
    this.#count = 0;
    // If not full, some have fallen behind the floor and it stays where it is.
    if (best.isFull) this.#setFloor(best);
    for (const item of best.take().items) {
      this.#page(item)[(item & ITEM_IN_PAGE) >>> 5]! |= 1 << (item & 31);
      this.#known[this.#count++] = item;
    }
  }

  #unmark(item: number): void {
    this.#page(item)[(item & ITEM_IN_PAGE) >>> 5]! &= ~(1 << (item & 31));
  }

  #page(item: number): Uint32Array {
    const number = item >>> ITEM_PAGE_BITS;
    const page = this.#isKnown[number];
    if (page !== undefined) return page;
    const added = new Uint32Array(ITEM_PAGE_ROWS >>> 5);
    this.#isKnown[number] = added;
    return added;
  }

  #growKnown(): void {
    const known = new Uint32Array(this.#known.length * 2);
    known.set(this.#known);
    this.#known = known;
  }
}
