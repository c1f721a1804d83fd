/**
 * Which items go with which: for each item the others that the same people took up shortly before or after it, with a weight
 * that adds up over people, and how many people took it up. Kept as signals come, so that asking costs a look at a short list
 * (docs/decisions on neighbours: rings of recent users, which are worked through when somebody asks, find less and take longer).
 *
 * A list is bounded. When it is full, a newcomer takes the place of the lightest with a chance of its weight over both
 * together, and inherits that weight: so what comes again and again gets in, and what came once mostly does not. The chance is
 * a hash of the two items and of how often the item was taken up. Source: Ben-Basat, Einziger, Friedman, Kassner, "Randomized
 * admission policy for efficient top-k and frequency estimation" (2017).
 *
 * Content of a block: companions, people, then room for companions twice: items, and weights as single-precision numbers.
 * Weights are positive, so they compare as their words do.
 */
import { floatOfWord, wordOfFloat } from './floats.ts';
import { NUMBERS_END } from './number-table.ts';
import { type BlockSource, type CommitMark, OwnedBlocks, WORD_IN_PAGE } from './owned-blocks.ts';
import { LEVEL_MAX, type RecentItems } from './recent-items.ts';
import type { WordReader, WordWriter } from './words.ts';

const HEAD_WORDS = 2;
const ROOM_FIRST = 4;
/** Companions kept of an item. */
export const COMPANIONS_MAX = 64;
/** How many items before it an item goes with; each a little less than the one behind it. */
const REACH = 10;
const NEARNESS = 0.9;
const HASH_SPAN = 0x1_0000_0000;

export class Companions {
  readonly blocks: OwnedBlocks;
  #page = new Uint32Array(0);
  #base = 0;
  #room = 0;

  constructor(mark: CommitMark) {
    this.blocks = new OwnedBlocks(mark);
  }

  get bytes(): number {
    return this.blocks.bytes;
  }

  /** Somebody has taken up the item that stands at `index` of the open recent ones. */
  adopt(item: number, recent: RecentItems, index: number): void {
    this.#writeTo(item);
    this.#page[this.#base + 1]! += 1;
    let weight = recent.level(index) / LEVEL_MAX;
    for (let back = 1; back <= REACH && back <= index; back++) {
      const other = recent.item(index - back);
      const both = (weight * recent.level(index - back)) / LEVEL_MAX;
      this.#add(item, other, both);
      this.#add(other, item, both);
      weight *= NEARNESS;
    }
  }

  /** Stands at an item's companions and returns how many there are. */
  open(item: number): number {
    const address = this.blocks.find(item);
    if (address === 0) return 0;
    this.#look(this.blocks.page(address), address);
    return this.#page[this.#base]!;
  }

  companion(index: number): number {
    return this.#page[this.#base + HEAD_WORDS + index]!;
  }

  weight(index: number): number {
    return floatOfWord(this.#page[this.#base + HEAD_WORDS + this.#room + index]!);
  }

  /** How many took the item up. */
  people(item: number): number {
    const address = this.blocks.find(item);
    return address === 0 ? 0 : this.blocks.page(address)[(address & WORD_IN_PAGE) + 1]!;
  }

  write(source: BlockSource, item: number, to: WordWriter): void {
    const address = source.find(item);
    const page = source.page(address);
    const base = address & WORD_IN_PAGE;
    const count = page[base]!;
    const room = (page[base - 1]! - HEAD_WORDS) / 2;
    to.addAll(page.subarray(base, base + HEAD_WORDS + count));
    to.addAll(page.subarray(base + HEAD_WORDS + room, base + HEAD_WORDS + room + count));
  }

  /** Fills the block of an item that has none. Errors: CORRUPT. */
  read(item: number, from: WordReader): void {
    const count = from.count(2);
    const people = from.next();
    if (count > COMPANIONS_MAX) throw from.corrupt(`has an item with ${count} companions`);
    const items = from.take(count);
    const weights = from.take(count);
    for (let index = 0; index < count; index++) {
      const weight = floatOfWord(weights[index]!);
      const isItem = items[index]! > 0 && items[index]! < NUMBERS_END;
      if (!(isItem && weight > 0 && weight < Number.POSITIVE_INFINITY))
        throw from.corrupt('has a companion that is none');
    }
    this.#place(item, Math.min(COMPANIONS_MAX, Math.ceil(count / ROOM_FIRST) * ROOM_FIRST));
    this.#page[this.#base] = count;
    this.#page[this.#base + 1] = people;
    this.#page.set(items, this.#base + HEAD_WORDS);
    this.#page.set(weights, this.#base + HEAD_WORDS + this.#room);
  }

  /** Stands at the block of an item for writing; it gets one when it has none. */
  #writeTo(item: number): void {
    const address = this.blocks.find(item);
    if (address === 0) this.#place(item, 0);
    else this.#look(this.blocks.pageForWriting(item, address), address);
  }

  #look(page: Uint32Array, address: number): void {
    this.#page = page;
    this.#base = address & WORD_IN_PAGE;
    this.#room = (page[this.#base - 1]! - HEAD_WORDS) / 2;
  }

  #place(item: number, room: number): void {
    const address = this.blocks.place(item, HEAD_WORDS + 2 * room);
    this.#look(this.blocks.pageForWriting(item, address), address);
  }

  #add(item: number, other: number, weight: number): void {
    this.#writeTo(item);
    const first = this.#base + HEAD_WORDS;
    const count = this.#page[this.#base]!;
    const page = this.#page;
    for (let at = first; at < first + count; at++) {
      if (page[at] !== other) continue;
      page[at + this.#room] = wordOfFloat(floatOfWord(page[at + this.#room]!) + weight);
      return;
    }
    if (count === COMPANIONS_MAX) this.#admit(item, other, weight);
    else this.#append(item, count, other, weight);
  }

  #append(item: number, count: number, other: number, weight: number): void {
    if (count === this.#room) this.#grow(item, count);
    const at = this.#base + HEAD_WORDS + count;
    this.#page[at] = other;
    this.#page[at + this.#room] = wordOfFloat(weight);
    this.#page[this.#base] = count + 1;
  }

  #grow(item: number, count: number): void {
    const before = this.#page;
    const first = this.#base + HEAD_WORDS;
    const people = before[this.#base + 1]!;
    this.#place(item, Math.min(COMPANIONS_MAX, Math.max(ROOM_FIRST, count * 2)));
    this.#page[this.#base] = count;
    this.#page[this.#base + 1] = people;
    this.#page.set(before.subarray(first, first + count), this.#base + HEAD_WORDS);
    this.#page.set(before.subarray(first + count, first + 2 * count), this.#base + HEAD_WORDS + this.#room);
  }

  /** Into a full list, or not. */
  #admit(item: number, other: number, weight: number): void {
    const page = this.#page;
    const weights = this.#base + HEAD_WORDS + COMPANIONS_MAX;
    let lightest = weights;
    for (let at = weights + 1; at < weights + COMPANIONS_MAX; at++)
      if (isBefore(page, at, lightest)) lightest = at;
    const together = floatOfWord(page[lightest]!) + weight;
    if (chance(item, other, page[this.#base + 1]!) * together >= weight) return;
    page[lightest - COMPANIONS_MAX] = other;
    page[lightest] = wordOfFloat(together);
  }
}

/** Lighter, or as light with the smaller number. */
function isBefore(page: Uint32Array, at: number, other: number): boolean {
  if (page[at]! !== page[other]!) return page[at]! < page[other]!;
  return page[at - COMPANIONS_MAX]! < page[other - COMPANIONS_MAX]!;
}

/** From 0 to before 1, evenly (the last steps of MurmurHash3; Appleby). */
function chance(item: number, other: number, people: number): number {
  let hash = Math.imul(item, 0xcc9e2d51) ^ Math.imul(other, 0x1b873593) ^ Math.imul(people, 0x9e3779b1);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / HASH_SPAN;
}
