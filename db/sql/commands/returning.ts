/** RETURNING: columns out of each row that was written. */
import type { SelectItem } from '../ast.ts';
import type { Table } from '../catalog/index.ts';
import type { SqlColumn } from '../contract.ts';
import { type BoundExpression, bind, type ParameterTypes } from '../expression/index.ts';
import { columnName } from '../parse/index.ts';
import type { Row } from '../types/index.ts';
import { scopeOf } from './binding.ts';
import { refusal } from './refusals.ts';
import type { Evaluation } from './stored-expressions.ts';

export class Returning {
  readonly columns: readonly SqlColumn[];
  /** An expression, or the place of a column. */
  readonly #outputs: readonly (BoundExpression | number)[];

  constructor(table: Table, alias: string | null, items: readonly SelectItem[], parameters: ParameterTypes) {
    const scope = scopeOf(table, alias);
    const columns: SqlColumn[] = [];
    const outputs: (BoundExpression | number)[] = [];
    for (const item of items) {
      if (item.item === 'expression') {
        const bound = bind(item.expression, scope, parameters);
        columns.push({ name: item.alias ?? columnName(item.expression), type: bound.type });
        outputs.push(bound);
        continue;
      }
      if (item.table !== null && item.table !== (alias ?? table.name))
        throw refusal('42P01', `missing FROM-clause entry for table "${item.table}"`);
      for (const [place, { name, type }] of table.columns.entries()) {
        columns.push({ name, type });
        outputs.push(place);
      }
    }
    this.columns = columns;
    this.#outputs = outputs;
  }

  row(written: Row, { context }: Evaluation): Row {
    return this.#outputs.map((output) =>
      typeof output === 'number' ? written[output]! : output.evaluate(written, context),
    );
  }
}
