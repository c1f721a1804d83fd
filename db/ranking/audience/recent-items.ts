/**
 * The items that each user had to do with last, up to a number, in the order of the events' times, each once: a repeated one
 * moves to the end. With each how much it means, in fifteenths.
 *
 * Content of a block: items, then by item, oldest first: the item, and its seconds with the lowest four bits replaced by what
 * it means. So those within 16 seconds of each other stand as they came.
 */
import { NUMBERS_END } from './number-table.ts';
import { type BlockSource, type CommitMark, OwnedBlocks, WORD_IN_PAGE } from './owned-blocks.ts';
import type { WordReader, WordWriter } from './words.ts';

/** What an item means at most. */
export const LEVEL_MAX = 15;
const LEVEL_BITS = 4;
const HEAD_WORDS = 1;
const ITEM_WORDS = 2;
const ROOM_FIRST = 4;

const addresses = new Uint32Array(64);

export class RecentItems {
  readonly blocks: OwnedBlocks;
  /** Items kept of a user. */
  readonly #most: number;
  #count = 0;
  #page: Uint32Array = new Uint32Array(0);
  #first = 0;

  constructor(most: number, mark: CommitMark) {
    this.#most = most;
    this.blocks = new OwnedBlocks(mark);
  }

  get bytes(): number {
    return this.blocks.bytes;
  }

  /** Stands at the user's items and returns how many there are. */
  open(user: number): number {
    const address = this.blocks.find(user);
    if (address === 0) return 0;
    this.#look(this.blocks.page(address), address);
    return this.#count;
  }

  /** From the oldest, which is 0. */
  item(index: number): number {
    return this.#page[this.#first + index * ITEM_WORDS]!;
  }

  /** 1 to 15. */
  level(index: number): number {
    return this.#stamp(index) & LEVEL_MAX;
  }

  /**
   * Adds an item, or moves it where it belongs now. Returns its index when it is new, -1 when it was there or is older than
   * all that are kept. Stands at the user's items.
   */
  add(user: number, item: number, seconds: number, level: number): number {
    const count = this.open(user);
    const stamp = (((seconds >>> LEVEL_BITS) << LEVEL_BITS) | level) >>> 0;
    const hole = this.#indexOf(item, count);
    if (hole >= 0) {
      this.#write(user);
      const before = this.#stamp(hole);
      if (tickOf(before) > tickOf(stamp)) this.#put(hole, item, withLevel(before, level));
      else this.#insert(hole, item, stamp);
      return -1;
    }
    if (count === this.#most) return this.#replaceOldest(user, item, stamp);
    if (count === 0 || count === this.#room(user)) this.#grow(user, count);
    else this.#write(user);
    this.#page[this.#first - HEAD_WORDS] = count + 1;
    this.#count = count + 1;
    return this.#insert(count, item, stamp);
  }

  /**
   * The newest items of many users, at most 64, as far as there are: up to `each` of every one, into `items`, and whose they
   * are by index, into `of`. Returns how many.
   */
  newest(users: Uint32Array, count: number, each: number, items: Uint32Array, of: Uint8Array): number {
    this.blocks.findAll(users, count, addresses);
    let found = this.blocks.readAll(addresses, count) & 0;
    for (let index = 0; index < count; index++) {
      const there = addresses[index] === 0 ? 0 : this.open(users[index]!);
      for (let item = Math.max(0, there - each); item < there; item++) {
        items[found] = this.item(item);
        of[found++] = index;
      }
    }
    return found;
  }

  remove(user: number, item: number): void {
    const count = this.open(user);
    const hole = this.#indexOf(item, count);
    if (hole < 0) return;
    if (count === 1) {
      this.blocks.remove(user);
      return;
    }
    this.#write(user);
    for (let index = hole; index < count - 1; index++)
      this.#put(index, this.item(index + 1), this.#stamp(index + 1));
    this.#page[this.#first - HEAD_WORDS] = count - 1;
  }

  removeUser(user: number): void {
    this.blocks.remove(user);
  }

  write(source: BlockSource, user: number, to: WordWriter): void {
    const address = source.find(user);
    const page = source.page(address);
    const at = address & WORD_IN_PAGE;
    to.addAll(page.subarray(at, at + HEAD_WORDS + page[at]! * ITEM_WORDS));
  }

  /** Fills the block of a user who has none. Errors: CORRUPT. */
  read(user: number, from: WordReader): void {
    const count = from.count(ITEM_WORDS);
    if (count === 0 || count > this.#most) throw from.corrupt(`has a user with ${count} recent items`);
    const words = from.take(count * ITEM_WORDS);
    for (let index = 0; index < count; index++) {
      const item = words[index * ITEM_WORDS]!;
      const stamp = words[index * ITEM_WORDS + 1]!;
      const before = index === 0 ? 0 : words[index * ITEM_WORDS - 1]!;
      if (item === 0 || item >= NUMBERS_END || (stamp & LEVEL_MAX) === 0 || tickOf(stamp) < tickOf(before))
        throw from.corrupt('has recent items that are out of order');
    }
    this.#place(user, count);
    this.#page.set(words, this.#first);
    this.#page[this.#first - HEAD_WORDS] = count;
  }

  #look(page: Uint32Array, address: number): void {
    this.#page = page;
    this.#first = (address & WORD_IN_PAGE) + HEAD_WORDS;
    this.#count = page[this.#first - HEAD_WORDS]!;
  }

  /** -1 when it is not there. */
  #indexOf(item: number, count: number): number {
    const page = this.#page;
    let index = count - 1;
    for (let at = this.#first + index * ITEM_WORDS; index >= 0 && page[at] !== item; at -= ITEM_WORDS)
      index -= 1;
    return index;
  }

  #stamp(index: number): number {
    return this.#page[this.#first + index * ITEM_WORDS + 1]!;
  }

  #put(index: number, item: number, stamp: number): void {
    this.#page[this.#first + index * ITEM_WORDS] = item;
    this.#page[this.#first + index * ITEM_WORDS + 1] = stamp;
  }

  #write(user: number): void {
    const address = this.blocks.find(user);
    this.#look(this.blocks.pageForWriting(user, address), address);
  }

  #room(user: number): number {
    return (this.blocks.room(this.blocks.find(user)) - HEAD_WORDS) / ITEM_WORDS;
  }

  #place(user: number, room: number): void {
    const address = this.blocks.place(user, HEAD_WORDS + room * ITEM_WORDS);
    this.#look(this.blocks.pageForWriting(user, address), address);
  }

  #grow(user: number, count: number): void {
    const addressBefore = this.blocks.find(user);
    const before = this.#page;
    const first = this.#first;
    this.#place(user, Math.min(this.#most, Math.max(ROOM_FIRST, count * 2)));
    if (count === 0) return;
    this.#page.set(before.subarray(first, first + count * ITEM_WORDS), this.#first);
    this.#page[this.#first - HEAD_WORDS] = count;
    this.blocks.giveUp(addressBefore);
    this.#write(user);
  }

  #replaceOldest(user: number, item: number, stamp: number): number {
    if (tickOf(this.#stamp(0)) > tickOf(stamp)) return -1;
    this.#write(user);
    return this.#insert(0, item, stamp);
  }

  /** Puts an item in its place by time; what is at `hole` is free. Returns the place. */
  #insert(hole: number, item: number, stamp: number): number {
    const tick = tickOf(stamp);
    const last = this.#count - 1;
    if (hole < last && tickOf(this.#stamp(last)) <= tick) {
      const first = this.#first + hole * ITEM_WORDS;
      this.#page.copyWithin(first, first + ITEM_WORDS, this.#first + this.#count * ITEM_WORDS);
      this.#put(last, item, stamp);
      return last;
    }
    let at = hole;
    for (; at < this.#count - 1 && tickOf(this.#stamp(at + 1)) <= tick; at++)
      this.#put(at, this.item(at + 1), this.#stamp(at + 1));
    for (; at > 0 && tickOf(this.#stamp(at - 1)) > tick; at--)
      this.#put(at, this.item(at - 1), this.#stamp(at - 1));
    this.#put(at, item, stamp);
    return at;
  }
}

function tickOf(stamp: number): number {
  return stamp >>> LEVEL_BITS;
}

function withLevel(stamp: number, level: number): number {
  return ((stamp & ~LEVEL_MAX) | level) >>> 0;
}
