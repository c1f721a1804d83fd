/** Rows in an order that no key has: kept in memory, within the query's budget; only the first ones where no more are wanted. */
import { comparatorOf, type Row, type SqlType, type SqlValue } from '../types/index.ts';
import type { Budget } from './budget.ts';
import { rowBytes } from './row-bytes.ts';

export interface SortColumn {
  readonly type: SqlType;
  readonly descending: boolean;
  readonly nullsFirst: boolean;
}

/** A row of the answer with the values it is sorted by. */
export interface SortableRow {
  readonly row: Row;
  readonly by: readonly SqlValue[];
}

type Compare = (a: readonly SqlValue[], b: readonly SqlValue[]) => number;

export class SortedRows {
  readonly #compare: Compare;
  readonly #keep: number;
  readonly #budget: Budget;
  #rows: SortableRow[] = [];

  /** `keep`: how many of the first rows are wanted; null: all. */
  constructor(columns: readonly SortColumn[], keep: number | null, budget: Budget) {
    this.#compare = compareBy(columns);
    this.#keep = keep ?? Number.POSITIVE_INFINITY;
    this.#budget = budget;
  }

  add(sortable: SortableRow): void {
    if (this.#keep === 0) return;
    this.#rows.push(sortable);
    this.#budget.hold(sortableBytes(sortable));
    // Twice as many as wanted: then each row is sorted a small number of times.
    if (this.#rows.length >= 2 * Math.max(this.#keep, KEEP_MIN)) this.#cut();
  }

  /** Once, when all rows are there. */
  sorted(): readonly SortableRow[] {
    this.#cut();
    return this.#rows;
  }

  /** Equal rows stay in the order in which they came: sort is stable, and those cut off came later or sort later. */
  #cut(): void {
    this.#rows.sort((a, b) => this.#compare(a.by, b.by));
    if (this.#rows.length <= this.#keep) return;
    for (const cut of this.#rows.slice(this.#keep)) this.#budget.release(sortableBytes(cut));
    this.#rows.length = this.#keep;
  }
}

const KEEP_MIN = 512;

function sortableBytes({ row, by }: SortableRow): number {
  return rowBytes(row) + rowBytes(by);
}

function compareBy(columns: readonly SortColumn[]): Compare {
  const parts = columns.map(({ type, descending, nullsFirst }) => {
    const compare = comparatorOf(type);
    const sign = descending ? -1 : 1;
    return (a: SqlValue, b: SqlValue): number => {
      if (a === null || b === null) return a === b ? 0 : (a === null) === nullsFirst ? -1 : 1;
      return sign * compare(a, b);
    };
  });
  return (a, b) => {
    for (let place = 0; place < parts.length; place++) {
      const order = parts[place]!(a[place]!, b[place]!);
      if (order !== 0) return order;
    }
    return 0;
  };
}
