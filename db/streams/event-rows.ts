/**
 * One row per event, in log order: its position, its stream and the hash of its id. 14 bytes an event, never changed
 * once written; everything else the stream index holds follows from these rows and the stream names.
 */
import { invariant } from '../kernel/index.ts';
import type { Sequence } from '../types.ts';
import { PAGE_ROWS, PagedColumn, u16, u32 } from './paged-column.ts';

const TWO_TO_32 = 0x1_0000_0000;
const POSITION_MAX = 0xffff_ffff_ffff;
export const ROW_BYTES = 14;

export class EventRows {
  readonly #positionsLow = new PagedColumn(u32);
  readonly #positionsHigh = new PagedColumn(u16);
  readonly #streams = new PagedColumn(u32);
  readonly #idHashes = new PagedColumn(u32);

  get count(): number {
    return this.#streams.length;
  }

  /** Adds a row and returns its number. */
  add(position: Sequence, stream: number, idHash: number): number {
    invariant(position <= POSITION_MAX, 'a position fits 48 bits');
    const row = this.count;
    invariant(row === 0 || this.position(row - 1) < position, 'events come in log order');
    this.#positionsLow.push(position % TWO_TO_32);
    this.#positionsHigh.push(Math.floor(position / TWO_TO_32));
    this.#streams.push(stream);
    this.#idHashes.push(idHash);
    return row;
  }

  /** A row for an event that was lost: only somewhere before `position` there was one. */
  addLost(position: Sequence, stream: number): number {
    const row = this.count;
    this.#positionsLow.push(position % TWO_TO_32);
    this.#positionsHigh.push(Math.floor(position / TWO_TO_32));
    this.#streams.push(stream);
    this.#idHashes.push(0);
    return row;
  }

  position(row: number): Sequence {
    return (this.#positionsLow.get(row) + this.#positionsHigh.get(row) * TWO_TO_32) as Sequence;
  }

  stream(row: number): number {
    return this.#streams.get(row);
  }

  idHash(row: number): number {
    return this.#idHashes.get(row);
  }

  /** Rows of each page: all but the last are full and final. */
  pageRows(): number[] {
    const rows = new Array<number>(Math.ceil(this.count / PAGE_ROWS)).fill(PAGE_ROWS);
    if (rows.length > 0) rows[rows.length - 1] = this.count - (rows.length - 1) * PAGE_ROWS;
    return rows;
  }

  /** The page's columns one after the other, each of `rows` values. */
  pageColumns(page: number, rows: number): Uint8Array[] {
    return this.#columns().map((column) => column.pageBytes(page, rows));
  }

  /** Adds a page as `pageColumns` gave it, joined. */
  restorePage(bytes: Uint8Array, rows: number): void {
    invariant(
      bytes.length === rows * ROW_BYTES && rows <= PAGE_ROWS,
      'a page of rows has the size of its rows',
    );
    invariant(this.count % PAGE_ROWS === 0, 'only the last page of rows is not full');
    let at = 0;
    for (const column of this.#columns()) {
      column.pushPage(bytes.subarray(at), rows);
      at += rows * column.valueBytes;
    }
  }

  clear(): void {
    for (const column of this.#columns()) column.clear();
  }

  get bytes(): number {
    return this.#columns().reduce((sum, column) => sum + column.bytes, 0);
  }

  #columns() {
    return [this.#positionsLow, this.#positionsHigh, this.#streams, this.#idHashes] as const;
  }
}
