/** The whole answer of a query on this thread. */
import type { Row } from '../types/index.ts';
import type { Budget } from './budget.ts';
import type { OpenQuery } from './open-query.ts';
import type { QueryAnswer } from './query.ts';
import { rowBytes } from './row-bytes.ts';

/** Goes through a query's rows bit by bit. */
export class AnswerBuilder {
  readonly #open: OpenQuery;
  readonly #budget: Budget;
  readonly #rows: Row[] = [];
  readonly #iterator: Iterator<Row | null>;

  constructor(open: OpenQuery, budget: Budget) {
    this.#open = open;
    this.#budget = budget;
    this.#iterator = open.rows[Symbol.iterator]();
  }

  /** Works until the answer is whole, or `pause` says at a good moment that something else is to be done: then null. */
  step(pause: () => boolean): QueryAnswer | null {
    for (;;) {
      const { done, value } = this.#iterator.next();
      if (done === true) return this.#answer();
      if (value !== null) this.#keep(value);
      if ((value === null || this.#rows.length % ROWS_BETWEEN_QUESTIONS === 0) && pause()) return null;
    }
  }

  #keep(row: Row): void {
    this.#rows.push(row);
    this.#budget.hold(rowBytes(row));
    this.#budget.answer(this.#rows.length);
  }

  #answer(): QueryAnswer {
    const { columns, position } = this.#open;
    const count = this.#rows.length;
    return {
      tag: tagOf(this.#open, count),
      columns,
      rows: this.#rows,
      count,
      position,
      reads: this.#open.reads(),
      notices: this.#open.notices(count),
    };
  }
}

const ROWS_BETWEEN_QUESTIONS = 64;

/** As PostgreSQL's command tag says it. */
export function tagOf({ verb }: OpenQuery, rows: number): string {
  return verb === 'EXPLAIN' ? 'EXPLAIN' : `${verb} ${rows}`;
}
