/**
 * Rows by owner and key: for each owner a block of columns, sorted by key, with a short unsorted tail that is sorted in when it
 * has grown with the block. Finding is a binary search and a look along the tail; adding costs the same for an owner of ten
 * rows and of a million, about; a row takes its words and no more than a fifth on top.
 *
 * A row has a key, words and, if wanted, one byte. `seek`, `add` and `open` stand at a row; what reads and writes its values
 * goes there. Content of a block: rows, sorted rows, room for rows, keys, columns of words, bytes.
 */

import { NUMBERS_END } from './number-table.ts';
import { type BlockSource, type CommitMark, OwnedBlocks, WORD_IN_PAGE } from './owned-blocks.ts';
import type { WordReader, WordWriter } from './words.ts';

const HEAD_WORDS = 3;
const ROOM_FIRST = 4;
const GROWTH = 1.2;
const TAIL_LEAST = 16;
const TAIL_SHARE = 1 / 16;
const TAIL_MOST = 1_024;
const COPIED_IN_LOOP = 128;
/** Rows whose bytes lie in one word. */
const ROWS_OF_WORD = 4;

/** Of the tail that is being sorted in: keys with rows, and values by row, the byte last. */
const TAIL_ROWS = 2 * TAIL_MOST;
const TAIL_WORDS = 4;
const tailOrder = new Float64Array(TAIL_ROWS);
const tailWords = new Uint32Array(TAIL_ROWS * TAIL_WORDS);
const addresses = new Uint32Array(64);

export interface RowShape {
  /** Words beside the key. */
  readonly words: number;
  /** Whether there is a byte too. */
  readonly byte: boolean;
}

export class KeyedRows {
  readonly blocks: OwnedBlocks;
  readonly #shape: RowShape;
  #count = 0;
  // Where it stands: row of a block that lies in a page.
  #owner = 0;
  #address = 0;
  #page: Uint32Array = new Uint32Array(0);
  #base = 0;
  #room = 0;
  #row = 0;

  constructor(shape: RowShape, mark: CommitMark) {
    this.#shape = shape;
    this.blocks = new OwnedBlocks(mark);
  }

  /** Of all owners. */
  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.blocks.bytes;
  }

  /** Stands at the row, or at none and returns false. */
  seek(owner: number, key: number): boolean {
    const count = this.open(owner);
    if (count === 0) return false;
    const keys = this.#page;
    const first = this.#base + HEAD_WORDS;
    let low = first;
    const sortedEnd = first + keys[this.#base + 1]!;
    let high = sortedEnd;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (keys[middle]! < key) low = middle + 1;
      else high = middle;
    }
    if (low < sortedEnd && keys[low] === key) {
      this.#row = low - first;
      return true;
    }
    for (let at = sortedEnd; at < first + count; at++) {
      if (keys[at] !== key) continue;
      this.#row = at - first;
      return true;
    }
    return false;
  }

  /** Stands at the owner's first row, and returns how many there are: sorted ones, then the tail. */
  open(owner: number): number {
    this.#owner = owner;
    this.#address = this.blocks.find(owner);
    if (this.#address === 0) return 0;
    this.#look(this.blocks.page(this.#address));
    return this.#page[this.#base]!;
  }

  /** Whether the rows of the open owner are in order of their keys. */
  get isSorted(): boolean {
    return this.#page[this.#base + 1] === this.#page[this.#base];
  }

  moveTo(row: number): void {
    this.#row = row;
  }

  get key(): number {
    return this.#page[this.#base + HEAD_WORDS + this.#row]!;
  }

  word(column: number): number {
    return this.#page[this.#wordAt(column)]!;
  }

  setWord(column: number, value: number): void {
    this.#page = this.blocks.pageForWriting(this.#owner, this.#address);
    this.#page[this.#wordAt(column)] = value;
  }

  get byte(): number {
    return this.#byteOf(this.#row);
  }

  setByte(value: number): void {
    this.#page = this.blocks.pageForWriting(this.#owner, this.#address);
    this.#putByte(this.#row, value);
  }

  /** Reads where searches begin in the rows of many owners, at most 64, to have it in the cache. */
  fetch(owners: Uint32Array, count: number): number {
    this.blocks.findAll(owners, count, addresses);
    let seen = this.blocks.readAll(addresses, count);
    for (let each = 0; each < count; each++) {
      const address = addresses[each]!;
      if (address === 0) continue;
      const page = this.blocks.page(address);
      const base = address & WORD_IN_PAGE;
      seen ^= page[base + HEAD_WORDS + (page[base]! >>> 1)]!;
    }
    return seen;
  }

  /** Stands at a new row of zeros under a key that the owner does not have. */
  add(owner: number, key: number): void {
    let count = this.open(owner);
    if (this.#address === 0) this.#place(owner, ROOM_FIRST);
    else if (count === this.#room) this.#grow(count);
    else this.#look(this.blocks.pageForWriting(owner, this.#address));
    let sorted = this.#page[this.#base + 1]!;
    if (count - sorted >= tailMax(count)) {
      this.#settle(count, sorted);
      sorted = count;
    }
    const first = this.#base + HEAD_WORDS;
    if (sorted === count && (count === 0 || this.#page[first + count - 1]! < key))
      this.#page[this.#base + 1] = count + 1;
    this.#row = count;
    this.#page[first + count] = key;
    for (let column = 0; column < this.#shape.words; column++) this.#page[this.#wordAt(column)] = 0;
    if (this.#shape.byte) this.#putByte(count, 0);
    count += 1;
    this.#page[this.#base] = count;
    this.#count += 1;
  }

  /** Takes the row away that it stands at; it stands at none afterwards. */
  remove(): void {
    this.#page = this.blocks.pageForWriting(this.#owner, this.#address);
    this.#count -= 1;
    const count = this.#page[this.#base]! - 1;
    if (count === 0) {
      this.blocks.remove(this.#owner);
      return;
    }
    const sorted = this.#page[this.#base + 1]!;
    let hole = this.#row;
    if (hole < sorted) {
      this.#closeUp(hole, sorted);
      hole = sorted - 1;
      this.#page[this.#base + 1] = hole;
    }
    if (hole < count) this.#copyRow(count, hole);
    this.#page[this.#base] = count;
  }

  /** Takes all rows of the owner away. */
  removeOwner(owner: number): void {
    this.#count -= this.open(owner);
    this.blocks.remove(owner);
  }

  /** An owner's rows, sorted: count, keys, columns, bytes. */
  write(source: BlockSource, owner: number, to: WordWriter): void {
    const address = source.find(owner);
    const page = source.page(address);
    const base = address & WORD_IN_PAGE;
    const count = page[base]!;
    const room = page[base + 2]!;
    const order = rowOrder(page, base + HEAD_WORDS, count, page[base + 1]!);
    to.add(count);
    for (let column = 0; column <= this.#shape.words; column++) {
      const first = base + HEAD_WORDS + column * room;
      if (order === null) to.addAll(page.subarray(first, first + count));
      else for (let row = 0; row < count; row++) to.add(page[first + order[row]!]!);
    }
    if (this.#shape.byte)
      writeBytes(page, base + HEAD_WORDS + (1 + this.#shape.words) * room, count, order, to);
  }

  /** Fills the block of an owner that has none from what `write` wrote. Errors: CORRUPT. */
  read(owner: number, from: WordReader): void {
    const count = from.count(1 + this.#shape.words);
    if (count === 0) throw from.corrupt('has an owner without rows');
    const room = Math.ceil(count / ROOM_FIRST) * ROOM_FIRST;
    this.#place(owner, room);
    this.#page[this.#base] = count;
    this.#page[this.#base + 1] = count;
    for (let column = 0; column <= this.#shape.words; column++) {
      this.#page.set(from.take(count), this.#base + HEAD_WORDS + column * room);
    }
    checkKeys(this.#page, this.#base + HEAD_WORDS, count, from);
    if (this.#shape.byte) this.#page.set(from.take(Math.ceil(count / ROWS_OF_WORD)), this.#firstByte());
    this.#count += count;
  }

  #look(page: Uint32Array): void {
    this.#page = page;
    this.#base = this.#address & WORD_IN_PAGE;
    this.#room = page[this.#base + 2]!;
    this.#row = 0;
  }

  #wordAt(column: number): number {
    return this.#base + HEAD_WORDS + (1 + column) * this.#room + this.#row;
  }

  /** A new block for the owner, with nothing in it. */
  #place(owner: number, room: number): void {
    const words = HEAD_WORDS + room * (1 + this.#shape.words) + (this.#shape.byte ? room / ROWS_OF_WORD : 0);
    this.#owner = owner;
    this.#address = this.blocks.place(owner, words);
    const page = this.blocks.pageForWriting(owner, this.#address);
    page[(this.#address & WORD_IN_PAGE) + 2] = room;
    this.#look(page);
  }

  /** A larger block with the same rows. */
  #grow(count: number): void {
    const addressBefore = this.#address;
    const before = this.#page;
    const from = this.#base + HEAD_WORDS;
    const roomBefore = this.#room;
    const sorted = before[this.#base + 1]!;
    this.#place(this.#owner, Math.ceil((roomBefore * GROWTH) / ROOM_FIRST) * ROOM_FIRST);
    this.#page[this.#base] = count;
    this.#page[this.#base + 1] = sorted;
    const to = this.#base + HEAD_WORDS;
    for (let column = 0; column <= this.#shape.words; column++)
      copyWords(before, from + column * roomBefore, this.#page, to + column * this.#room, count);
    if (this.#shape.byte)
      copyWords(
        before,
        from + (1 + this.#shape.words) * roomBefore,
        this.#page,
        to + (1 + this.#shape.words) * this.#room,
        roomBefore / ROWS_OF_WORD,
      );
    this.#giveUp(addressBefore);
  }

  /** The page may be another one afterwards, when the one it was in is held. */
  #giveUp(address: number): void {
    const row = this.#row;
    this.blocks.giveUp(address);
    this.#look(this.blocks.page(this.#address));
    this.#row = row;
  }

  /** Sorts the tail into the rows before it, from the last on, so that each row moves once. */
  #settle(count: number, sorted: number): void {
    const page = this.#page;
    const first = this.#base + HEAD_WORDS;
    const tail = count - sorted;
    for (let row = 0; row < tail; row++) {
      tailOrder[row] = page[first + sorted + row]! * TAIL_ROWS + row;
      for (let column = 0; column < this.#shape.words; column++)
        tailWords[row * TAIL_WORDS + column] = page[first + (1 + column) * this.#room + sorted + row]!;
      if (this.#shape.byte) tailWords[row * TAIL_WORDS + TAIL_WORDS - 1] = this.#byteOf(sorted + row);
    }
    sortTail(tail);
    let to = count - 1;
    let left = sorted - 1;
    for (let each = tail - 1; each >= 0; each--, to--) {
      const key = Math.floor(tailOrder[each]! / TAIL_ROWS);
      for (; left >= 0 && page[first + left]! > key; left--, to--) this.#copyRow(left, to);
      const row = tailOrder[each]! % TAIL_ROWS;
      page[first + to] = key;
      for (let column = 0; column < this.#shape.words; column++)
        page[first + (1 + column) * this.#room + to] = tailWords[row * TAIL_WORDS + column]!;
      if (this.#shape.byte) this.#putByte(to, tailWords[row * TAIL_WORDS + TAIL_WORDS - 1]!);
    }
    page[this.#base + 1] = count;
  }

  /** Moves the rows behind `hole`, up to before `end`, one to the front. */
  #closeUp(hole: number, end: number): void {
    for (let column = 0; column <= this.#shape.words; column++) {
      const first = this.#base + HEAD_WORDS + column * this.#room;
      this.#page.copyWithin(first + hole, first + hole + 1, first + end);
    }
    if (!this.#shape.byte) return;
    for (let row = hole; row < end - 1; row++) this.#putByte(row, this.#byteOf(row + 1));
  }

  #copyRow(from: number, to: number): void {
    const page = this.#page;
    const first = this.#base + HEAD_WORDS;
    for (let column = 0; column <= this.#shape.words; column++)
      page[first + column * this.#room + to] = page[first + column * this.#room + from]!;
    if (this.#shape.byte) this.#putByte(to, this.#byteOf(from));
  }

  #byteOf(row: number): number {
    const word = this.#page[this.#firstByte() + (row >>> 2)]!;
    return (word >>> ((row & 3) << 3)) & 0xff;
  }

  #putByte(row: number, value: number): void {
    const at = this.#firstByte() + (row >>> 2);
    const shift = (row & 3) << 3;
    this.#page[at] = (this.#page[at]! & ~(0xff << shift)) | (value << shift);
  }

  #firstByte(): number {
    return this.#base + HEAD_WORDS + (1 + this.#shape.words) * this.#room;
  }
}

/** Copies between pages; a few words in a loop, which takes less time than making a view of them. */
function copyWords(from: Uint32Array, start: number, to: Uint32Array, at: number, count: number): void {
  if (count > COPIED_IN_LOOP) to.set(from.subarray(start, start + count), at);
  else for (let word = 0; word < count; word++) to[at + word] = from[start + word]!;
}

/** Sorts the first of `tailOrder`. */
function sortTail(count: number): void {
  if (count > 2 * TAIL_LEAST) {
    tailOrder.subarray(0, count).sort();
    return;
  }
  for (let each = 1; each < count; each++) {
    const value = tailOrder[each]!;
    let at = each;
    for (; at > 0 && tailOrder[at - 1]! > value; at--) tailOrder[at] = tailOrder[at - 1]!;
    tailOrder[at] = value;
  }
}

function tailMax(count: number): number {
  return Math.min(TAIL_MOST, Math.max(TAIL_LEAST, count * TAIL_SHARE));
}

let orderedRows = new Uint32Array(TAIL_ROWS);

/** Rows in the order of their keys, valid until it is called again; null where they are in order. */
function rowOrder(page: Uint32Array, first: number, count: number, sorted: number): Uint32Array | null {
  if (sorted === count) return null;
  if (orderedRows.length < count) orderedRows = new Uint32Array(count * 2);
  let tail = count - sorted;
  for (let row = 0; row < tail; row++) tailOrder[row] = page[first + sorted + row]! * TAIL_ROWS + row;
  sortTail(tail);
  let left = sorted;
  for (let to = count - 1; to >= 0; to--) {
    const isOfTail =
      tail > 0 && (left === 0 || page[first + left - 1]! < Math.floor(tailOrder[tail - 1]! / TAIL_ROWS));
    orderedRows[to] = isOfTail ? sorted + (tailOrder[--tail]! % TAIL_ROWS) : --left;
  }
  return orderedRows;
}

/** Four to a word, zeros behind the last. */
function writeBytes(
  page: Uint32Array,
  first: number,
  count: number,
  order: Uint32Array | null,
  to: WordWriter,
): void {
  for (let row = 0; row < count; row += ROWS_OF_WORD) {
    let word = 0;
    for (let each = row; each < Math.min(row + ROWS_OF_WORD, count); each++) {
      const at = order === null ? each : order[each]!;
      word |= ((page[first + (at >>> 2)]! >>> ((at & 3) << 3)) & 0xff) << ((each & 3) << 3);
    }
    to.add(word >>> 0);
  }
}

function checkKeys(page: Uint32Array, first: number, count: number, from: WordReader): void {
  let before = 0;
  for (let at = first; at < first + count; at++) {
    const key = page[at]!;
    if (key <= before || key >= NUMBERS_END) throw from.corrupt(`has the number ${key} behind ${before}`);
    before = key;
  }
}
