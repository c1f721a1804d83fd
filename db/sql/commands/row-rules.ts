/** What every row of a table must fulfil by itself: no NULL where there may be none, and its checks. */
import { invariant } from '../../kernel/index.ts';
import type { Table } from '../catalog/index.ts';
import type { Row, SqlValue } from '../types/index.ts';
import { failingRow, notSupported, refusal } from './refusals.ts';
import { subjectIn } from './row-entries.ts';
import { CompiledChecks, type Evaluation } from './stored-expressions.ts';
import { textsOf } from './workspace.ts';

export class RowRules {
  readonly #table: Table;
  readonly #checks: CompiledChecks;

  constructor(table: Table) {
    this.#table = table;
    this.#checks = new CompiledChecks(table, table.checks);
  }

  /** The row itself. Errors: 23502, 23514. */
  checked(row: readonly SqlValue[], evaluation: Evaluation): Row {
    const { name: table, columns } = this.#table;
    invariant(row.length === columns.length, 'a row has a value for each column');
    for (let place = 0; place < columns.length; place++) {
      const column = columns[place]!;
      if (!column.notNull || row[place] !== null) continue;
      throw refusal(
        '23502',
        `null value in column "${column.name}" of relation "${table}" violates not-null constraint`,
        { table, column: column.name, detail: this.#detail(row) },
      );
    }
    const broken = this.#checks.brokenBy(row, evaluation);
    if (broken === null) return row;
    throw refusal('23514', `new row for relation "${table}" violates check constraint "${broken.name}"`, {
      table,
      constraint: broken.name,
      detail: this.#detail(row),
    });
  }

  /** What a row became. Errors: as `checked`, and 0A000 where it would be about another person. */
  changed(before: Row, after: readonly SqlValue[], evaluation: Evaluation): Row {
    if (subjectIn(this.#table, before) !== subjectIn(this.#table, after)) {
      throw notSupported(
        `changing the person a row of "${this.#table.name}" is about`,
        'delete the row and insert another: what was written about a person stays that person’s',
      );
    }
    return this.checked(after, evaluation);
  }

  #detail(row: readonly SqlValue[]): string {
    return failingRow(
      textsOf(
        this.#table.columns.map(({ type }) => type),
        row,
      ),
    );
  }
}
