/**
 * One column of a table that only grows: a value per row in pages of typed arrays. Growing never copies what is there, so
 * it never stalls the thread that appends; a page, once full, is final and can be checkpointed while rows are added behind it.
 */

type Values = Uint16Array | Uint32Array;

const PAGE_SHIFT = 16;
export const PAGE_ROWS = 1 << PAGE_SHIFT;
const ROW_IN_PAGE = PAGE_ROWS - 1;

export class PagedColumn<V extends Values> {
  readonly #pages: V[] = [];
  readonly #create: (rows: number) => V;
  readonly #valueBytes: number;
  #length = 0;

  constructor(create: (rows: number) => V) {
    this.#create = create;
    this.#valueBytes = create(0).BYTES_PER_ELEMENT;
  }

  /** Bytes of one value. */
  get valueBytes(): number {
    return this.#valueBytes;
  }

  get length(): number {
    return this.#length;
  }

  get(row: number): number {
    return this.#pages[row >>> PAGE_SHIFT]![row & ROW_IN_PAGE]!;
  }

  set(row: number, value: number): void {
    this.#pages[row >>> PAGE_SHIFT]![row & ROW_IN_PAGE] = value;
  }

  push(value: number): void {
    const row = this.#length;
    if ((row & ROW_IN_PAGE) === 0 && this.#pages.length === row >>> PAGE_SHIFT) {
      this.#pages.push(this.#create(PAGE_ROWS));
    }
    this.#pages[row >>> PAGE_SHIFT]![row & ROW_IN_PAGE] = value;
    this.#length = row + 1;
  }

  /** Bytes of the first `rows` rows of a page, as they lie in memory (little-endian on every machine this runs on). */
  pageBytes(page: number, rows: number): Uint8Array {
    const values = this.#pages[page]!;
    return new Uint8Array(values.buffer, values.byteOffset, rows * values.BYTES_PER_ELEMENT);
  }

  /** Appends a whole page read back; only whole pages may lie before it. */
  pushPage(bytes: Uint8Array, rows: number): void {
    const page = this.#create(PAGE_ROWS);
    new Uint8Array(page.buffer).set(bytes.subarray(0, rows * page.BYTES_PER_ELEMENT));
    this.#pages.push(page);
    this.#length += rows;
  }

  clear(): void {
    this.#length = 0;
  }

  get bytes(): number {
    return this.#pages.reduce((sum, page) => sum + page.byteLength, 0);
  }
}

export const u16 = (rows: number): Uint16Array<ArrayBuffer> => new Uint16Array(rows);
export const u32 = (rows: number): Uint32Array<ArrayBuffer> => new Uint32Array(rows);
