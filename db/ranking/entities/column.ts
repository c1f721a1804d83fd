/**
 * A value for each entity number, in pages of typed arrays that are made where something is written. A checkpoint takes the
 * pages as they are; whoever writes into one of those afterwards writes into a copy.
 */
import { TruthError } from '../../errors.ts';
import { digestOf, type Piece } from './piece.ts';

type Values = Float64Array | Int32Array | Uint32Array | Uint8Array;

const PAGE_SHIFT = 12;
const PAGE_ROWS = 1 << PAGE_SHIFT;
const ROW_IN_PAGE = PAGE_ROWS - 1;
const FIRST_ROWS = 64;
/** Pages that lie in one part of a checkpoint. */
const PIECE_PAGES = 64;
const LENGTH_BYTES = 4;
/** Numbers of entities are below 2^28. */
const PAGES_MAX = 1 << (28 - PAGE_SHIFT);

interface Page<V> {
  readonly values: V;
  /** Somebody else reads it, so it must not change. */
  shared: boolean;
  digest: string | null;
}

export class Column<V extends Values> {
  readonly #pages: (Page<V> | null)[] = [];
  readonly #create: (rows: number) => V;
  readonly #empty: number;

  /** `create` gives arrays full of `empty`. */
  constructor(create: (rows: number) => V, empty: number) {
    this.#create = create;
    this.#empty = empty;
  }

  get(row: number): number {
    const page = this.#pages[row >>> PAGE_SHIFT];
    if (page === undefined || page === null) return this.#empty;
    const at = row & ROW_IN_PAGE;
    return at < page.values.length ? page.values[at]! : this.#empty;
  }

  set(row: number, value: number): void {
    const index = row >>> PAGE_SHIFT;
    const at = row & ROW_IN_PAGE;
    let page = this.#pages[index] ?? null;
    if (page === null || page.shared || at >= page.values.length) page = this.#own(index, at, page);
    page.values[at] = value;
    page.digest = null;
  }

  /** Values of many rows side by side. */
  gather(rows: Uint32Array, count: number, out: Float64Array | Int32Array): void {
    for (let index = 0; index < count; index++) out[index] = this.get(rows[index]!);
  }

  /** Rows from `from` to before `to` one after the other, skipping pages that were never written. */
  each(from: number, to: number, use: (row: number, value: number) => void): void {
    for (let index = from >>> PAGE_SHIFT; index < this.#pages.length; index++) {
      const page = this.#pages[index];
      if (page === undefined || page === null) continue;
      const first = index << PAGE_SHIFT;
      const end = Math.min(page.values.length, to - first);
      for (let at = Math.max(0, from - first); at < end; at++) use(first + at, page.values[at]!);
    }
  }

  get bytes(): number {
    return this.#pages.reduce((sum, page) => sum + (page?.values.byteLength ?? 0), 0);
  }

  pieces(name: string): readonly Piece[] {
    const pieces: Piece[] = [];
    for (let first = 0; first < this.#pages.length; first += PIECE_PAGES) {
      const pages = this.#pages.slice(first, first + PIECE_PAGES);
      for (const page of pages) if (page !== null) page.shared = true;
      pieces.push({
        name: `${name}.${first / PIECE_PAGES}`,
        digest: () => digestOf([Buffer.from(pages.map(digestOfPage).join())]),
        chunks: () => chunksOf(pages),
      });
    }
    return pieces;
  }

  /** Puts pages in place that `pieces` gave under this number. Errors: CORRUPT. */
  restore(piece: number, bytes: Uint8Array): void {
    const first = piece * PIECE_PAGES;
    const lengths = lengthsOf(bytes);
    if (!(first >= 0 && first + lengths.length <= PAGES_MAX))
      throw corrupt('lies behind the last number there can be');
    let at = LENGTH_BYTES * (1 + lengths.length);
    const element = this.#create(0).BYTES_PER_ELEMENT;
    for (const [index, length] of lengths.entries()) {
      while (this.#pages.length <= first + index) this.#pages.push(null);
      if (length === 0) continue;
      if (length > PAGE_ROWS || at + length * element > bytes.length)
        throw corrupt('has a page that does not fit');
      const values = this.#create(length);
      new Uint8Array(values.buffer, values.byteOffset, values.byteLength).set(
        bytes.subarray(at, at + length * element),
      );
      this.#pages[first + index] = { values, shared: false, digest: null };
      at += length * element;
    }
    if (at !== bytes.length) throw corrupt(`goes on for ${bytes.length - at} bytes behind its end`);
  }

  /** Prepares digests of pages, one a step. */
  *digestAhead(): Generator<void> {
    for (const page of this.#pages) {
      if (page === null || page.digest !== null) continue;
      digestOfPage(page);
      yield;
    }
  }

  /** A page that may be written at a place: new, larger, or a copy of one that is shared. */
  #own(index: number, at: number, before: Page<V> | null): Page<V> {
    while (this.#pages.length <= index) this.#pages.push(null);
    const rows = Math.max(before?.values.length ?? 0, roomFor(index, at));
    const values = this.#create(rows);
    if (before !== null) values.set(before.values);
    const page: Page<V> = { values, shared: false, digest: null };
    this.#pages[index] = page;
    return page;
  }
}

export const doubles = (rows: number): Float64Array => new Float64Array(rows);
/** Full of NaN, which stands for "none". */
export const absentDoubles = (rows: number): Float64Array => new Float64Array(rows).fill(Number.NaN);
export const words = (rows: number): Uint32Array => new Uint32Array(rows);
export const bytes = (rows: number): Uint8Array => new Uint8Array(rows);

/** Only the first page grows: whoever has few entities needs little, and whoever has many never copies. */
function roomFor(index: number, at: number): number {
  if (index > 0) return PAGE_ROWS;
  let rows = FIRST_ROWS;
  while (rows <= at) rows *= 2;
  return rows;
}

function digestOfPage(page: Page<Values> | null): string {
  if (page === null) return '';
  page.digest ??= digestOf([bytesOf(page.values)]);
  return page.digest;
}

/** Count of pages, the length of each (0: there is none), then their values. */
function chunksOf(pages: readonly (Page<Values> | null)[]): readonly Uint8Array[] {
  const head = Uint32Array.from([pages.length, ...pages.map((page) => page?.values.length ?? 0)]);
  return [bytesOf(head), ...pages.flatMap((page) => (page === null ? [] : [bytesOf(page.values)]))];
}

function lengthsOf(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = bytes.length < LENGTH_BYTES ? PIECE_PAGES + 1 : view.getUint32(0, true);
  if (count > PIECE_PAGES || bytes.length < LENGTH_BYTES * (1 + count))
    throw corrupt('has no table of its pages');
  return Array.from({ length: count }, (_, index) => view.getUint32(LENGTH_BYTES * (1 + index), true));
}

/** Little-endian on every machine this runs on. */
function bytesOf(values: Values): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

function corrupt(problem: string): TruthError {
  return new TruthError('CORRUPT', `a saved column of entities does not add up: it ${problem}`);
}
