/**
 * Byte strings behind each other in large pages. Nothing that was written changes; a page that has lost most of what was in it
 * is emptied into the open one and given up. A string has an owner, who is told its new place when it moves.
 *
 * A record is u32 length, u32 owner, bytes, padding to 4. Its address is its place in words of four bytes; 0 is none.
 */
import { TruthError } from '../../errors.ts';
import { digestOf, type Piece } from './piece.ts';

const WORD_BYTES = 4;
const HEAD_BYTES = 8;
const PAGE_SHIFT = 18;
/** A million bytes: of any text that is let in several fit. */
const PAGE_BYTES = (1 << PAGE_SHIFT) * WORD_BYTES;
const WORD_IN_PAGE = (1 << PAGE_SHIFT) - 1;
const PAGES_MAX = 1 << (32 - PAGE_SHIFT);
const FIRST_BYTES = 1024;
const LIVE_SHARE_LEAST = 0.25;
/** Marks the piece of the open page. */
const OPEN = 'o';

interface Page {
  bytes: Uint8Array;
  view: DataView;
  /** Bytes that are taken. */
  end: number;
  /** Bytes of records that somebody still has. */
  live: number;
  digest: string | null;
}

export class RecordArena {
  readonly #pages: (Page | null)[] = [];
  /** The page that strings are added to; -1 before the first. */
  #open = -1;

  /** Address of a copy of `length` bytes from `start` on. */
  add(source: Uint8Array, start: number, length: number, owner: number): number {
    const size = sizeOf(length);
    let page = this.#pages[this.#open] ?? null;
    if (page === null || page.end + size > PAGE_BYTES) page = this.#openPage();
    makeRoom(page, size);
    const at = page.end;
    page.view.setUint32(at, length, true);
    page.view.setUint32(at + WORD_BYTES, owner, true);
    page.bytes.set(source.subarray(start, start + length), at + HEAD_BYTES);
    page.end += size;
    page.live += size;
    page.digest = null;
    return this.#open * (PAGE_BYTES / WORD_BYTES) + at / WORD_BYTES;
  }

  /** The string is not needed any more. Returns the page that should be emptied now, or -1. */
  remove(address: number): number {
    const index = address >>> PAGE_SHIFT;
    const page = this.#page(address);
    page.live -= sizeOf(lengthAt(page, address));
    const worth = index !== this.#open && page.live < PAGE_BYTES * LIVE_SHARE_LEAST;
    return worth ? index : -1;
  }

  /** Moves what is left of a page: `moved` is asked whether the owner still has the address, and told the new one. */
  empty(
    index: number,
    has: (owner: number, address: number) => boolean,
    moved: (owner: number, to: number) => void,
  ): void {
    const page = this.#pages[index];
    if (page === undefined || page === null) return;
    const first = index * (PAGE_BYTES / WORD_BYTES);
    // The first page begins behind the address 0.
    for (let at = index === 0 ? HEAD_BYTES : 0; at < page.end; ) {
      const length = page.view.getUint32(at, true);
      const owner = page.view.getUint32(at + WORD_BYTES, true);
      if (has(owner, first + at / WORD_BYTES))
        moved(owner, this.add(page.bytes, at + HEAD_BYTES, length, owner));
      at += sizeOf(length);
    }
    this.#pages[index] = null;
  }

  /** View of the bytes, valid until the arena changes. */
  bytesAt(address: number): Uint8Array {
    const page = this.#page(address);
    const at = (address & WORD_IN_PAGE) * WORD_BYTES + HEAD_BYTES;
    return page.bytes.subarray(at, at + lengthAt(page, address));
  }

  textAt(address: number): string {
    const page = this.#page(address);
    const at = (address & WORD_IN_PAGE) * WORD_BYTES + HEAD_BYTES;
    const { buffer, byteOffset } = page.bytes;
    return Buffer.from(buffer, byteOffset + at, lengthAt(page, address)).toString('utf8');
  }

  equals(address: number, bytes: Uint8Array, length: number): boolean {
    const page = this.#page(address);
    if (lengthAt(page, address) !== length) return false;
    const at = (address & WORD_IN_PAGE) * WORD_BYTES + HEAD_BYTES;
    for (let index = 0; index < length; index++) if (page.bytes[at + index] !== bytes[index]) return false;
    return true;
  }

  get bytes(): number {
    return this.#pages.reduce((sum, page) => sum + (page?.bytes.length ?? 0), 0);
  }

  pieces(name: string): readonly Piece[] {
    const open = this.#open;
    return this.#pages.flatMap((page, index) => {
      if (page === null) return [];
      // Only what is behind `end` changes.
      const bytes = page.bytes.subarray(0, page.end);
      return {
        name: `${name}.${index}${index === open ? OPEN : ''}`,
        digest: () => {
          if (page.end !== bytes.length) return digestOf([bytes]);
          page.digest ??= digestOf([bytes]);
          return page.digest;
        },
        chunks: () => [bytes],
      };
    });
  }

  *digestAhead(): Generator<void> {
    for (const page of this.#pages) {
      if (page === null || page.digest !== null) continue;
      page.digest = digestOf([page.bytes.subarray(0, page.end)]);
      yield;
    }
  }

  /** Puts a page in place that `pieces` gave under this number; `hold` then says which of its records somebody has. Errors: CORRUPT. */
  restore(place: string, saved: Uint8Array): void {
    const index = Number.parseInt(place, 10);
    if (!(index >= 0 && index < PAGES_MAX) || saved.length > PAGE_BYTES)
      throw corrupt('has a page that cannot be');
    const bytes = saved.slice();
    const page: Page = { bytes, view: viewOf(bytes), end: bytes.length, live: 0, digest: null };
    let at = index === 0 ? HEAD_BYTES : 0;
    while (at < page.end) {
      if (at + HEAD_BYTES > page.end) throw corrupt('ends within a record');
      at += sizeOf(page.view.getUint32(at, true));
    }
    if (at !== page.end) throw corrupt('ends within a record');
    while (this.#pages.length <= index) this.#pages.push(null);
    this.#pages[index] = page;
    if (place.endsWith(OPEN)) this.#open = index;
  }

  /** After a restore: the owner has this address. Errors: CORRUPT, when the owner's string is not there. */
  hold(address: number, owner: number): void {
    const page = this.#pages[address >>> PAGE_SHIFT] ?? null;
    const at = (address & WORD_IN_PAGE) * WORD_BYTES;
    if (page === null || at + HEAD_BYTES > page.end) throw corrupt(`has nothing at ${address}`);
    const size = sizeOf(page.view.getUint32(at, true));
    if (at + size > page.end || page.view.getUint32(at + WORD_BYTES, true) !== owner)
      throw corrupt(`has another string at ${address}`);
    page.live += size;
  }

  /** In the place of a page that was given up, if there is one. */
  #openPage(): Page {
    const free = this.#pages.indexOf(null);
    const index = free < 0 ? this.#pages.length : free;
    if (index >= PAGES_MAX)
      throw new TruthError(
        'TOO_LARGE',
        `an attribute holds ${PAGES_MAX} pages of ${PAGE_BYTES} bytes, and they are full`,
      );
    const bytes = new Uint8Array(index === 0 ? FIRST_BYTES : PAGE_BYTES);
    const end = index === 0 ? HEAD_BYTES : 0;
    const page: Page = { bytes, view: viewOf(bytes), end, live: 0, digest: null };
    this.#pages[index] = page;
    this.#open = index;
    return page;
  }

  #page(address: number): Page {
    const page = this.#pages[address >>> PAGE_SHIFT] ?? null;
    if (page === null) throw corrupt(`has nothing at ${address}`);
    return page;
  }
}

function lengthAt(page: Page, address: number): number {
  return page.view.getUint32((address & WORD_IN_PAGE) * WORD_BYTES, true);
}

function sizeOf(length: number): number {
  return HEAD_BYTES + Math.ceil(length / WORD_BYTES) * WORD_BYTES;
}

/** The first page grows with what is in it, the others are as large as they get. */
function makeRoom(page: Page, size: number): void {
  if (page.end + size <= page.bytes.length) return;
  const bytes = new Uint8Array(Math.min(PAGE_BYTES, Math.max(page.bytes.length * 2, page.end + size)));
  bytes.set(page.bytes.subarray(0, page.end));
  page.bytes = bytes;
  page.view = viewOf(bytes);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function corrupt(problem: string): TruthError {
  return new TruthError('CORRUPT', `saved strings of entities do not add up: an arena ${problem}`);
}
