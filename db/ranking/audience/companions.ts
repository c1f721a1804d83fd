/**
 * Which items go with which: for each item the others that the same people took up shortly before or after it, with a weight
 * that adds up over people, and how many people took it up. Kept as signals come, so that asking is a look at one short list.
 * (Rings of recent users, worked through when somebody asks, find no more and take ten times as long.)
 *
 * A list is a hash table of buckets that have one cache line each: a companion stands in the bucket its hash names. A full
 * bucket makes the list twice as long, up to a bucket for each of the people and sixteen in all; after that the lightest of the
 * bucket gives way. What comes again gets heavier before it is its turn; what came once mostly is gone. This finds nearly as
 * much as exact counts of all pairs, at any number of items; admitting newcomers by chance, or letting them inherit what they
 * replace, finds less.
 *
 * Content of a block: people, companions, then buckets of eight items (0: free) and their eight weights, single-precision
 * numbers. Weights are positive, so they compare as their words do.
 */
import { floatOfWord, wordOfFloat } from './floats.ts';
import { NUMBERS_END } from './number-table.ts';
import { type BlockSource, type CommitMark, OwnedBlocks, WORD_IN_PAGE } from './owned-blocks.ts';
import { LEVEL_MAX, type RecentItems } from './recent-items.ts';
import type { WordReader, WordWriter } from './words.ts';

const HEAD_WORDS = 2;
const BUCKET_ITEMS = 8;
const BUCKET_SHIFT = 4;
const BUCKET_WORDS = 1 << BUCKET_SHIFT;
/** A power of two. */
const BUCKETS_MAX = 16;
/** How many items before it an item goes with; each a little less than the one behind it. */
const REACH = 5;
const NEARNESS = 0.9;
/** What leads to an item says more of what comes next than what it led to. */
const BACKWARDS = 0.5;
/** Words of positive numbers are below it. */
const INFINITE_WEIGHT = 0x7f80_0000;

/** For reading ahead: addresses of items' own lists, and pairs: the other item, its list, and which item it goes with. */
const FETCHED = 64;
const own = new Uint32Array(FETCHED);
const others = new Uint32Array(FETCHED * REACH);
const theirs = new Uint32Array(FETCHED * REACH);
const pairedWith = new Uint8Array(FETCHED * REACH);

export class Companions {
  readonly blocks: OwnedBlocks;
  // The list it stands at.
  #page: Uint32Array = new Uint32Array(0);
  #base = 0;
  #buckets = 0;

  constructor(mark: CommitMark) {
    this.blocks = new OwnedBlocks(mark);
  }

  get bytes(): number {
    return this.blocks.bytes;
  }

  /** Somebody has taken up the item that stands at `index` of the open recent ones. */
  adopt(item: number, recent: RecentItems, index: number): void {
    const level = recent.level(index) / (LEVEL_MAX * LEVEL_MAX);
    let weight = level;
    for (let back = 1; back <= REACH && back <= index; back++) {
      this.#writeTo(recent.item(index - back));
      this.#add(recent.item(index - back), item, weight * recent.level(index - back));
      weight *= NEARNESS;
    }
    this.#writeTo(item);
    this.#page[this.#base]! += 1;
    weight = level * BACKWARDS;
    for (let back = 1; back <= REACH && back <= index; back++) {
      this.#add(item, recent.item(index - back), weight * recent.level(index - back));
      weight *= NEARNESS;
    }
  }

  /**
   * Reads ahead what `adopt` will need when users take up items, at most 64: the lists of these and of the last items of the
   * users, there the buckets of each other.
   */
  fetch(recent: RecentItems, users: Uint32Array, items: Uint32Array, count: number): number {
    const pairs = recent.newest(users, count, REACH, others, pairedWith);
    this.blocks.findAll(items, count, own);
    this.blocks.findAll(others, pairs, theirs);
    let seen = this.blocks.readAll(own, count) ^ this.blocks.readAll(theirs, pairs);
    for (let pair = 0; pair < pairs; pair++) {
      const index = pairedWith[pair]!;
      seen ^= this.#readBucket(theirs[pair]!, items[index]!) ^ this.#readBucket(own[index]!, others[pair]!);
    }
    return seen;
  }

  /** Stands at an item's list and returns how many places it has. */
  open(item: number): number {
    const address = this.blocks.find(item);
    if (address === 0) this.#buckets = 0;
    else this.#look(this.blocks.page(address), address);
    return this.#buckets * BUCKET_ITEMS;
  }

  /** 0 where the place is free. */
  companion(place: number): number {
    return this.#page[this.#wordAt(place)]!;
  }

  weight(place: number): number {
    return floatOfWord(this.#page[this.#wordAt(place) + BUCKET_ITEMS]!);
  }

  /** Of a companion in the list it stands at; 0 where it is not in it. */
  weightOf(other: number): number {
    if (this.#buckets === 0) return 0;
    const page = this.#page;
    const first = this.#base + HEAD_WORDS + this.#bucketOf(other) * BUCKET_WORDS;
    for (let at = first; at < first + BUCKET_ITEMS; at++)
      if (page[at] === other) return floatOfWord(page[at + BUCKET_ITEMS]!);
    return 0;
  }

  /** How many took the item up. */
  people(item: number): number {
    const address = this.blocks.find(item);
    return address === 0 ? 0 : this.blocks.page(address)[address & WORD_IN_PAGE]!;
  }

  /** How many took each of many items up, side by side. */
  peopleOfAll(items: Uint32Array, count: number, people: Uint32Array): void {
    this.blocks.findAll(items, count, people);
    for (let each = 0; each < count; each++) {
      const address = people[each]!;
      if (address !== 0) people[each] = this.blocks.page(address)[address & WORD_IN_PAGE]!;
    }
  }

  /** People, buckets, and these as they are: places are part of what follows from the log. */
  write(source: BlockSource, item: number, to: WordWriter): void {
    const address = source.find(item);
    const page = source.page(address);
    const base = address & WORD_IN_PAGE;
    const words = page[base - 1]!;
    to.add(page[base]!);
    to.add((words - HEAD_WORDS) / BUCKET_WORDS);
    to.addAll(page.subarray(base + HEAD_WORDS, base + words));
  }

  /** Fills the block of an item that has none. Errors: CORRUPT. */
  read(item: number, from: WordReader): void {
    const people = from.next();
    const buckets = from.count(BUCKET_WORDS);
    if (buckets > BUCKETS_MAX || (buckets & (buckets - 1)) !== 0)
      throw from.corrupt(`has a list of ${buckets} buckets`);
    const words = from.take(buckets * BUCKET_WORDS);
    this.#place(item, buckets);
    this.#page.set(words, this.#base + HEAD_WORDS);
    this.#page[this.#base] = people;
    this.#page[this.#base + 1] = this.#countPlaces(words, from);
  }

  #countPlaces(words: Uint32Array, from: WordReader): number {
    let count = 0;
    for (let at = 0; at < words.length; at += (at + 1) % BUCKET_ITEMS === 0 ? BUCKET_ITEMS + 1 : 1) {
      const other = words[at]!;
      const weight = words[at + BUCKET_ITEMS]!;
      if (other === 0 && weight === 0) continue;
      const isRight = other > 0 && other < NUMBERS_END && this.#bucketOf(other) === at >>> BUCKET_SHIFT;
      if (!isRight || weight === 0 || weight >= INFINITE_WEIGHT)
        throw from.corrupt('has a companion that is none');
      count += 1;
    }
    return count;
  }

  /** Stands at the list of an item for writing; it gets one when it has none. */
  #writeTo(item: number): void {
    const address = this.blocks.find(item);
    if (address === 0) this.#place(item, 0);
    else this.#look(this.blocks.pageForWriting(item, address), address);
  }

  #look(page: Uint32Array, address: number): void {
    this.#page = page;
    this.#base = address & WORD_IN_PAGE;
    this.#buckets = (page[this.#base - 1]! - HEAD_WORDS) >>> BUCKET_SHIFT;
  }

  #place(item: number, buckets: number): void {
    const address = this.blocks.place(item, HEAD_WORDS + buckets * BUCKET_WORDS);
    this.#look(this.blocks.pageForWriting(item, address), address);
  }

  #wordAt(place: number): number {
    const bucket = Math.floor(place / BUCKET_ITEMS);
    return this.#base + HEAD_WORDS + bucket * BUCKET_WORDS + (place % BUCKET_ITEMS);
  }

  #bucketOf(other: number): number {
    return hashOf(other) & (this.#buckets - 1);
  }

  #readBucket(address: number, other: number): number {
    if (address === 0) return 0;
    const page = this.blocks.page(address);
    const base = address & WORD_IN_PAGE;
    const buckets = (page[base - 1]! - HEAD_WORDS) >>> BUCKET_SHIFT;
    return buckets === 0 ? 0 : page[base + HEAD_WORDS + ((hashOf(other) & (buckets - 1)) << BUCKET_SHIFT)]!;
  }

  /** To the list it stands at, of `item`. */
  #add(item: number, other: number, weight: number): void {
    if (this.#buckets === 0) this.#grow(item);
    let at = this.#placeFor(other);
    while (this.#page[at] !== 0 && this.#page[at] !== other && this.#mayGrow) {
      this.#grow(item);
      at = this.#placeFor(other);
    }
    const page = this.#page;
    if (page[at] === other) {
      page[at + BUCKET_ITEMS] = wordOfFloat(floatOfWord(page[at + BUCKET_ITEMS]!) + weight);
      return;
    }
    if (page[at] === 0) page[this.#base + 1]! += 1;
    page[at] = other;
    page[at + BUCKET_ITEMS] = wordOfFloat(weight);
  }

  /** Where the companion is, else a free place of its bucket, else that of the lightest there: of equal ones the smallest number. */
  #placeFor(other: number): number {
    const page = this.#page;
    const first = this.#base + HEAD_WORDS + this.#bucketOf(other) * BUCKET_WORDS;
    const end = first + BUCKET_ITEMS;
    for (let at = first; at < end; at++) if (page[at] === other || page[at] === 0) return at;
    let lightest = first;
    for (let at = first + 1; at < end; at++) {
      const weight = page[at + BUCKET_ITEMS]!;
      const least = page[lightest + BUCKET_ITEMS]!;
      if (weight < least || (weight === least && page[at]! < page[lightest]!)) lightest = at;
    }
    return lightest;
  }

  /** A list that is less than half full is longer than it needs to be already. */
  get #mayGrow(): boolean {
    const people = this.#page[this.#base]!;
    const count = this.#page[this.#base + 1]!;
    const isOpen = this.#buckets < BUCKETS_MAX && this.#buckets <= people;
    return isOpen && count * 2 >= this.#buckets * BUCKET_ITEMS;
  }

  /** Twice as many buckets: each is split in two by another bit of the hash, so they stay filled from their beginnings. */
  #grow(item: number): void {
    const addressBefore = this.blocks.find(item);
    const before = this.#page;
    const from = this.#base;
    const places = this.#buckets * BUCKET_ITEMS;
    this.#place(item, Math.max(1, this.#buckets * 2));
    const page = this.#page;
    page[this.#base] = before[from]!;
    page[this.#base + 1] = before[from + 1]!;
    for (let place = 0; place < places; place++) {
      const at = from + HEAD_WORDS + Math.floor(place / BUCKET_ITEMS) * BUCKET_WORDS + (place % BUCKET_ITEMS);
      if (before[at] === 0) continue;
      const to = this.#placeFor(before[at]!);
      page[to] = before[at]!;
      page[to + BUCKET_ITEMS] = before[at + BUCKET_ITEMS]!;
    }
    this.blocks.giveUp(addressBefore);
    this.#writeTo(item);
  }
}

function hashOf(item: number): number {
  return Math.imul(item, 0x9e3779b1) >>> 8;
}
