/**
 * Rows of a table in pages, as a checkpoint saves them: where each last changed, which is in the name of its part, and pages
 * that a checkpoint has been promised, which are copied just before they change.
 */
import type { Position } from './position.ts';

/** A copy of the first `rows` rows of a page. */
export type PageBytes = (page: number, rows: number) => Uint8Array;

interface Promised {
  readonly rows: number;
  /** Of the moment it was promised; null while the page is still the same. */
  bytes: Uint8Array | null;
}

export class RowPages {
  readonly #shift: number;
  readonly #position: Position;
  readonly #bytesOf: PageBytes;
  /** By page. */
  #changed: number[] = [];
  readonly #promised: (Promised | undefined)[] = [];

  /** Pages of 2^`shift` rows. */
  constructor(shift: number, position: Position, bytesOf: PageBytes) {
    this.#shift = shift;
    this.#position = position;
    this.#bytesOf = bytesOf;
  }

  get pageRows(): number {
    return 1 << this.#shift;
  }

  /** By page: the sequence of the log at which it last changed. */
  get changed(): readonly number[] {
    return this.#changed;
  }

  /** To be called before a row changes, or is added. */
  willChange(row: number): void {
    const page = row >>> this.#shift;
    if (this.#promised[page] !== undefined) this.#keep(page);
    this.#changed[page] = this.#position.sequence;
  }

  /** Rows of a page, of so many in all. */
  rowsIn(page: number, rows: number): number {
    return Math.min(this.pageRows, rows - page * this.pageRows);
  }

  /** The page as it is now, whenever it is asked for. */
  promise(page: number, rows: number): () => Uint8Array {
    const promised = this.#promised[page] ?? { rows: this.rowsIn(page, rows), bytes: null };
    this.#promised[page] = promised;
    return () => promised.bytes ?? this.#bytesOf(page, promised.rows);
  }

  /** Copies what was promised: the rows are about to go. */
  keepPromises(): void {
    for (let page = 0; page < this.#promised.length; page++)
      if (this.#promised[page] !== undefined) this.#keep(page);
  }

  restore(changed: readonly number[]): void {
    this.#changed = changed.slice();
  }

  #keep(page: number): void {
    const promised = this.#promised[page]!;
    promised.bytes = this.#bytesOf(page, promised.rows);
    this.#promised[page] = undefined;
  }
}
