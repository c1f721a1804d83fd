/** Expressions that belong to a table, bound once a definition: defaults of its columns and its checks. */
import { invariant } from '../../kernel/index.ts';
import type { Expression } from '../ast.ts';
import { columnsNamed, tablesNamed, withColumns } from '../catalog/expression-columns.ts';
import type { Check, Column, Table } from '../catalog/index.ts';
import {
  type BoundExpression,
  bindCondition,
  type EvaluationContext,
  ParameterTypes,
} from '../expression/index.ts';
import type { Row, SqlType, SqlValue } from '../types/index.ts';
import { bindValue, scopeOf } from './binding.ts';
import { refusal } from './refusals.ts';

/** What expressions are computed in: the same throughout a command. */
export interface Evaluation {
  readonly context: EvaluationContext;
}

const NO_ROW: Row = [];
const defaults = new WeakMap<Column, BoundExpression>();

/** The default as it is kept. Throws 0A000 for columns in it, 42804 where its type does not go into the column's. */
export function storedDefault(expression: Expression, name: string, type: SqlType): Expression {
  if (columnsNamed(expression).size > 0)
    throw refusal('0A000', 'cannot use column reference in DEFAULT expression', { column: name });
  bindDefault(expression, name, type);
  return expression;
}

/** What a column has where nothing is given for it. */
export function defaultOf(column: Column, { context }: Evaluation): SqlValue {
  if (column.default === null) return null;
  let bound = defaults.get(column);
  if (bound === undefined) {
    bound = bindDefault(column.default, column.name, column.type);
    defaults.set(column, bound);
  }
  return bound.evaluate(NO_ROW, context);
}

/** Whether it may give another value at each call. */
export function isVolatile(column: Column): boolean {
  if (column.default === null) return false;
  return bindDefault(column.default, column.name, column.type).volatility === 'volatile';
}

function bindDefault(expression: Expression, name: string, type: SqlType): BoundExpression {
  return bindValue(expression, { name, type }, null, new ParameterTypes(0));
}

/** The check as it is kept: names of columns without the table's. Throws 42P01, 42703, 42804. */
export function storedCheck(expression: Expression, table: Table): Expression {
  for (const name of tablesNamed(expression)) {
    if (name !== table.name) throw refusal('42P01', `missing FROM-clause entry for table "${name}"`);
  }
  const plain = withColumns(expression, (name) => name);
  bindCheck(plain, table);
  return plain;
}

function bindCheck(expression: Expression, table: Table): BoundExpression {
  return bindCondition(expression, scopeOf(table, null), new ParameterTypes(0), 'CHECK');
}

export class CompiledChecks {
  /** In the order of their names, as PostgreSQL looks at them. */
  readonly #checks: readonly { readonly check: Check; readonly bound: BoundExpression }[];

  constructor(table: Table, checks: readonly Check[]) {
    this.#checks = checks
      .map((check) => ({ check, bound: bindCheck(check.expression, table) }))
      .sort((a, b) => Buffer.compare(Buffer.from(a.check.name), Buffer.from(b.check.name)));
    invariant(this.#checks.length === checks.length, 'every check is looked at');
  }

  /** The first that is false; NULL passes. Errors: what computing it says. */
  brokenBy(row: Row, { context }: Evaluation): Check | null {
    for (const { check, bound } of this.#checks) if (bound.evaluate(row, context) === false) return check;
    return null;
  }
}
