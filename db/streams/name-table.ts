/**
 * Stream names by number and numbers by name, as bytes: numbers count up from 0 in the order of first appearance. A name
 * costs its bytes plus about twenty, where a string in a Map costs a hundred.
 */
import { TruthError } from '../errors.ts';
import { hashBytes } from './hash.ts';
import { HashTable } from './hash-table.ts';
import { PagedColumn, u32 } from './paged-column.ts';

const ARENA_PAGE_SHIFT = 16;
const ARENA_PAGE_BYTES = 1 << ARENA_PAGE_SHIFT;
const ARENA_BYTES_MAX = 0x1_0000_0000;
const LENGTH_BYTES = 2;
const SHARD_BITS = 5;

export class NameTable {
  readonly #seed: number;
  readonly #arena: Uint8Array[] = [];
  readonly #starts = new PagedColumn(u32);
  readonly #numbers = new HashTable(SHARD_BITS);
  #end = 0;
  #last = -1;
  #lastHash = 0;

  constructor(seed: number) {
    this.#seed = seed;
  }

  get count(): number {
    return this.#starts.length;
  }

  hash(bytes: Uint8Array, start: number, length: number): number {
    return hashBytes(bytes, start, length, this.#seed);
  }

  /** Number of the name, or -1. `hash` is this table's for the same bytes. */
  find(bytes: Uint8Array, start: number, length: number, hash: number): number {
    for (let number = this.#numbers.first(hash); number >= 0; number = this.#numbers.next()) {
      if (this.equals(number, bytes, start, length)) return number;
    }
    return -1;
  }

  /** Number of the name, which is added if it is not there. Events of one stream often follow each other: the name found last is tried first. */
  numberOf(bytes: Uint8Array, start: number, length: number): number {
    if (this.#last >= 0 && this.equals(this.#last, bytes, start, length)) return this.#last;
    const hash = this.hash(bytes, start, length);
    const found = this.find(bytes, start, length, hash);
    this.#last = found >= 0 ? found : this.add(bytes, start, length, hash);
    this.#lastHash = hash;
    return this.#last;
  }

  /** Hash of the name that `numberOf` was asked for last. */
  get lastHash(): number {
    return this.#lastHash;
  }

  /** Adds a name that is not there and returns its number. */
  add(bytes: Uint8Array, start: number, length: number, hash: number): number {
    const number = this.count;
    const at = this.#reserve(LENGTH_BYTES + length);
    const page = this.#arena[at >>> ARENA_PAGE_SHIFT]!;
    const place = at & (ARENA_PAGE_BYTES - 1);
    page[place] = length;
    page[place + 1] = length >>> 8;
    for (let index = 0; index < length; index++) page[place + LENGTH_BYTES + index] = bytes[start + index]!;
    this.#starts.push(at);
    this.#numbers.add(hash, number);
    return number;
  }

  equals(number: number, bytes: Uint8Array, start: number, length: number): boolean {
    const at = this.#starts.get(number);
    const page = this.#arena[at >>> ARENA_PAGE_SHIFT]!;
    const place = at & (ARENA_PAGE_BYTES - 1);
    if ((page[place]! | (page[place + 1]! << 8)) !== length) return false;
    for (let index = 0; index < length; index++) {
      if (page[place + LENGTH_BYTES + index] !== bytes[start + index]) return false;
    }
    return true;
  }

  /** View of the name's bytes. */
  bytesOf(number: number): Uint8Array {
    const at = this.#starts.get(number);
    const page = this.#arena[at >>> ARENA_PAGE_SHIFT]!;
    const place = at & (ARENA_PAGE_BYTES - 1);
    return page.subarray(
      place + LENGTH_BYTES,
      place + LENGTH_BYTES + (page[place]! | (page[place + 1]! << 8)),
    );
  }

  /** Used bytes of each arena page: names with their lengths before them, then zeros where no name fitted any more. */
  pages(): { readonly bytes: Uint8Array; readonly final: boolean }[] {
    const last = this.#arena.length - 1;
    return this.#arena.map((page, index) => ({
      bytes: index < last ? page : page.subarray(0, this.#end - index * ARENA_PAGE_BYTES),
      final: index < last,
    }));
  }

  /** Adds the names of one page as `pages` gave it. */
  restorePage(bytes: Uint8Array): void {
    let at = 0;
    while (at + LENGTH_BYTES <= bytes.length) {
      const length = bytes[at]! | (bytes[at + 1]! << 8);
      if (length === 0) break;
      const start = at + LENGTH_BYTES;
      if (start + length > bytes.length)
        throw new TruthError('CORRUPT', `a stream name of ${length} bytes runs past its page`);
      this.add(bytes, start, length, this.hash(bytes, start, length));
      at = start + length;
    }
  }

  clear(): void {
    this.#starts.clear();
    this.#numbers.clear();
    this.#end = 0;
    this.#last = -1;
  }

  get bytes(): number {
    return this.#arena.length * ARENA_PAGE_BYTES + this.#starts.bytes + this.#numbers.bytes;
  }

  /** Names never cross a page, so that each can be compared in one array. */
  #reserve(bytes: number): number {
    const room = ARENA_PAGE_BYTES - (this.#end & (ARENA_PAGE_BYTES - 1));
    if (room < bytes) this.#end += room;
    const at = this.#end;
    if (at + bytes > ARENA_BYTES_MAX) {
      throw new TruthError(
        'TOO_LARGE',
        `the stream index holds no more than ${ARENA_BYTES_MAX} bytes of stream names`,
      );
    }
    if (at >>> ARENA_PAGE_SHIFT === this.#arena.length) this.#arena.push(new Uint8Array(ARENA_PAGE_BYTES));
    this.#end = at + bytes;
    return at;
  }
}
