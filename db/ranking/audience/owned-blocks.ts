/**
 * One block of words for each owner, cut from large pages. A block that becomes too small is given up for a larger one; what
 * was given up goes to the next owner that needs just as much, and once it is more than a share of all, the page that has
 * most of it is emptied into the open one and dropped. So memory stays near what is used, however owners grow.
 *
 * A block is its owner (0 once it is given up), the number of its words, and these. Its address is that of the first of them.
 */
import { invariant } from '../../kernel/index.ts';
import { NumberTable, numbersWithWord, wordOf } from './number-table.ts';
import { type HeldPages, SharedPages } from './shared-pages.ts';

const PAGE_SHIFT = 16;
const PAGE_WORDS = 1 << PAGE_SHIFT;
/** Place of an address in its page. */
export const WORD_IN_PAGE = PAGE_WORDS - 1;
const PAGES_MAX = 1 << 16;
const FIRST_PAGE_WORDS = 1 << 8;
const HEAD_WORDS = 2;
const LOST_SHARE_MAX = 0.15;
/** Emptying a page that has lost less is more work than it is worth. */
const LOST_SHARE_OF_PAGE = 0.1;
const NO_PAGE = new Uint32Array(0);
/** Addresses are below it; above it stands which page of several under one number is meant. */
const ADDRESSES = 0x1_0000_0000;
/** Owners whose changes are told apart from those of others. */
const SHARD_SHIFT = 14;
export const SHARD_OWNERS = 1 << SHARD_SHIFT;

/** The commit that is being applied. One for all blocks of a view. */
export interface CommitMark {
  sequence: number;
}

/** Blocks to be read, now or as they were. */
export interface BlockSource {
  /** Address of the owner's block; 0 without one. */
  find(owner: number): number;
  /** What the address lies in, at `address & WORD_IN_PAGE`. */
  page(address: number): Uint32Array;
  /** Ascending. */
  owners(from: number, to: number): Iterable<number>;
}

export class OwnedBlocks implements BlockSource {
  readonly #mark: CommitMark;
  readonly #addresses = new NumberTable();
  readonly #pages = new SharedPages();
  /** By page: words that are taken, those of them that were given up, and how many pages its number has had. */
  readonly #ends: number[] = [];
  readonly #lost: number[] = [];
  readonly #turns: number[] = [];
  #wordsTaken = 0;
  #wordsLost = 0;
  /** The page that blocks are added to. */
  #open = -1;
  readonly #freePages: number[] = [];
  /** Given up, by their size: address, and turn of the page. Those whose page was dropped since are none any more. */
  readonly #freeBlocks = new Map<number, number[]>();
  /** By shard of owners: the commit that changed one of them last. */
  readonly #changed: number[] = [];

  constructor(mark: CommitMark) {
    this.#mark = mark;
  }

  find(owner: number): number {
    return this.#addresses.get(owner);
  }

  page(address: number): Uint32Array {
    return this.#pages.pages[address >>> PAGE_SHIFT]!;
  }

  /** Addresses of many owners' blocks side by side, so that their misses overlap. */
  findAll(owners: Uint32Array, count: number, addresses: Uint32Array): void {
    const pages = this.#addresses.pages;
    for (let each = 0; each < count; each++) addresses[each] = wordOf(pages, owners[each]!);
  }

  /** Reads the beginning of many blocks, of those that are there, to have it in the cache. */
  readAll(addresses: Uint32Array, count: number): number {
    const pages = this.#pages.pages;
    let seen = 0;
    for (let each = 0; each < count; each++) {
      const address = addresses[each]!;
      if (address !== 0) seen ^= pages[address >>> PAGE_SHIFT]![address & WORD_IN_PAGE]!;
    }
    return seen;
  }

  /** Words of the block. */
  room(address: number): number {
    return this.page(address)[(address & WORD_IN_PAGE) - 1]!;
  }

  /** Pages read before may be copies of old content afterwards. */
  pageForWriting(owner: number, address: number): Uint32Array {
    this.#changed[owner >>> SHARD_SHIFT] = this.#mark.sequence;
    return this.#pages.forWriting(address >>> PAGE_SHIFT);
  }

  owners(from: number, to: number): Iterable<number> {
    return numbersWithWord(this.#addresses.pages, from, to);
  }

  /** A block of zeros for the owner. One that it had before is still there until it is given up by its address. */
  place(owner: number, words: number): number {
    this.#changed[owner >>> SHARD_SHIFT] = this.#mark.sequence;
    const address = this.#reuse(owner, words) ?? this.#add(owner, words);
    this.#addresses.set(owner, address);
    return address;
  }

  /** Nobody's any more: an address that `place` has replaced. */
  giveUp(address: number): void {
    const page = address >>> PAGE_SHIFT;
    const memory = this.#pages.forWriting(page);
    const start = (address & WORD_IN_PAGE) - HEAD_WORDS;
    const words = memory[start + 1]!;
    memory[start] = 0;
    this.#lost[page]! += HEAD_WORDS + words;
    this.#wordsLost += HEAD_WORDS + words;
    const alike = this.#freeBlocks.get(words);
    const block = this.#turns[page]! * ADDRESSES + address;
    if (alike === undefined) this.#freeBlocks.set(words, [block]);
    else alike.push(block);
  }

  /** The owner has no block any more. */
  remove(owner: number): void {
    this.#changed[owner >>> SHARD_SHIFT] = this.#mark.sequence;
    const address = this.#addresses.get(owner);
    if (address === 0) return;
    this.#addresses.set(owner, 0);
    this.giveUp(address);
  }

  /** Takes back what was given up, where it has become too much. Addresses may be others afterwards. */
  tidy(): void {
    while (this.#wordsLost > this.#wordsTaken * LOST_SHARE_MAX) {
      const page = this.#emptiest();
      if (page < 0 || this.#lost[page]! < this.#ends[page]! * LOST_SHARE_OF_PAGE) return;
      this.#empty(page);
    }
  }

  /** Number of shards that may have owners. */
  get shards(): number {
    return this.#changed.length;
  }

  /** Sequence of the commit that changed the shard last; 0: none did. */
  changed(shard: number): number {
    return this.#changed[shard] ?? 0;
  }

  /** What a restored shard was changed by. */
  setChanged(shard: number, sequence: number): void {
    this.#changed[shard] = sequence;
  }

  /** The blocks as they are now, for reading while these change. */
  hold(): HeldBlocks {
    return new HeldBlocks(this.#addresses.hold(), this.#pages.hold());
  }

  get bytes(): number {
    return this.#addresses.bytes + this.#pages.bytes;
  }

  #reuse(owner: number, words: number): number | null {
    const alike = this.#freeBlocks.get(words);
    for (let block = alike?.pop(); block !== undefined; block = alike?.pop()) {
      const address = block % ADDRESSES;
      const page = address >>> PAGE_SHIFT;
      if (this.#turns[page] !== Math.floor(block / ADDRESSES)) continue;
      const memory = this.#pages.forWriting(page);
      const at = address & WORD_IN_PAGE;
      memory[at - HEAD_WORDS] = owner;
      memory.fill(0, at, at + words);
      this.#lost[page]! -= HEAD_WORDS + words;
      this.#wordsLost -= HEAD_WORDS + words;
      return address;
    }
    return null;
  }

  #add(owner: number, words: number): number {
    const size = HEAD_WORDS + words;
    const page = this.#pageFor(size);
    const start = this.#take(page, size);
    const memory = this.#pages.forWriting(page);
    memory[start] = owner;
    memory[start + 1] = words;
    return page * PAGE_WORDS + start + HEAD_WORDS;
  }

  #pageFor(size: number): number {
    if (size > PAGE_WORDS) return this.#newPage(size);
    if (this.#open < 0) this.#open = this.#newPage(FIRST_PAGE_WORDS);
    else if (this.#ends[this.#open]! + size > PAGE_WORDS) this.#open = this.#newPage(PAGE_WORDS);
    const words = this.#pages.pages[this.#open]!;
    const needed = this.#ends[this.#open]! + size;
    if (needed > words.length) {
      const larger = new Uint32Array(Math.min(PAGE_WORDS, Math.max(needed, words.length * 2)));
      larger.set(words);
      this.#pages.put(this.#open, larger);
    }
    return this.#open;
  }

  #newPage(words: number): number {
    const page = this.#freePages.pop() ?? this.#ends.length;
    invariant(page < PAGES_MAX, 'blocks of one kind take less than 16 GiB');
    this.#pages.put(page, new Uint32Array(words));
    this.#ends[page] = 0;
    this.#lost[page] = 0;
    this.#turns[page] = (this.#turns[page] ?? 0) + 1;
    return page;
  }

  #take(page: number, size: number): number {
    const start = this.#ends[page]!;
    this.#ends[page] = start + size;
    this.#wordsTaken += size;
    return start;
  }

  #emptiest(): number {
    let found = -1;
    let most = 0;
    for (let page = 0; page < this.#lost.length; page++) {
      if (page === this.#open || this.#lost[page]! <= most) continue;
      most = this.#lost[page]!;
      found = page;
    }
    return found;
  }

  #empty(page: number): void {
    const memory = this.#pages.pages[page]!;
    const end = this.#ends[page]!;
    for (let start = 0; start < end; ) {
      const owner = memory[start]!;
      const size = HEAD_WORDS + memory[start + 1]!;
      if (owner !== 0) this.#moveBlock(memory, start, size);
      start += size;
    }
    this.#wordsTaken -= end;
    this.#wordsLost -= this.#lost[page]!;
    this.#ends[page] = 0;
    this.#lost[page] = 0;
    this.#turns[page]! += 1;
    this.#pages.put(page, NO_PAGE);
    this.#freePages.push(page);
  }

  #moveBlock(memory: Uint32Array, from: number, size: number): void {
    const page = this.#pageFor(size);
    const start = this.#take(page, size);
    const target = this.#pages.forWriting(page);
    for (let word = 0; word < size; word++) target[start + word] = memory[from + word]!;
    this.#addresses.set(memory[from]!, page * PAGE_WORDS + start + HEAD_WORDS);
  }
}

/** Blocks as they were when they were held. */
class HeldBlocks implements BlockSource {
  readonly #addresses: HeldPages;
  readonly #pages: HeldPages;

  constructor(addresses: HeldPages, pages: HeldPages) {
    this.#addresses = addresses;
    this.#pages = pages;
  }

  find(owner: number): number {
    return wordOf(this.#addresses.pages, owner);
  }

  page(address: number): Uint32Array {
    return this.#pages.pages[address >>> PAGE_SHIFT]!;
  }

  owners(from: number, to: number): Iterable<number> {
    return numbersWithWord(this.#addresses.pages, from, to);
  }

  release(): void {
    this.#addresses.release();
    this.#pages.release();
  }
}
