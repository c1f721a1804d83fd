/** Short ways to write down what is expected of the parser; places are left out (../without-places.ts). */
import type {
  BinaryOperator,
  ColumnDefinition,
  CreateTableStatement,
  Expression,
  FromReference,
  InsertStatement,
  OrderItem,
  SelectItem,
  SelectStatement,
} from '../../../../../db/sql/ast.ts';
import type { SqlType } from '../../../../../db/sql/types/sql-type.ts';

const at = 0;

export const int = (value: number | bigint): Expression => ({
  node: 'literal',
  kind: 'integer',
  text: String(value),
  at,
});
export const dec = (text: string): Expression => ({ node: 'literal', kind: 'decimal', text, at });
export const str = (text: string): Expression => ({ node: 'literal', kind: 'string', text, at });
export const bool = (value: boolean): Expression => ({
  node: 'literal',
  kind: 'boolean',
  text: String(value),
  at,
});
export const nothing: Expression = { node: 'literal', kind: 'null', text: null, at };
/** $1 is par(1). */
export const par = (number: number): Expression => ({ node: 'parameter', index: number - 1, at });

/** `a` or `t.a`. */
export function col(name: string): Expression {
  const [column = '', table = null] = name.split('.').toReversed();
  return { node: 'column', table, name: column, at };
}

export const bin = (left: Expression, operator: BinaryOperator, right: Expression): Expression => ({
  ...{ node: 'binary', operator, left, right, at },
});
export const not = (operand: Expression): Expression => ({ node: 'unary', operator: 'not', operand, at });
export const sign = (operator: '-' | '+', operand: Expression): Expression => ({
  node: 'unary',
  operator,
  operand,
  at,
});
export const cast = (operand: Expression, type: SqlType): Expression => ({ node: 'cast', operand, type, at });
export const call = (name: string, ...args: Expression[]): Expression => ({
  ...{ node: 'call', name, args, star: false, distinct: false, at },
});
export const countStar: Expression = {
  node: 'call',
  name: 'count',
  args: [],
  star: true,
  distinct: false,
  at,
};
export const like = (
  operand: Expression,
  pattern: Expression,
  more: { escape?: Expression; insensitive?: boolean; negated?: boolean } = {},
): Expression => ({
  ...{ node: 'like', operand, pattern, escape: null, insensitive: false, negated: false, at },
  ...more,
});
export const is = (
  operand: Expression,
  what: 'null' | 'true' | 'false' | 'unknown',
  negated = false,
): Expression => ({
  ...{ node: 'is', operand, what, negated, at },
});
export const isIn = (operand: Expression, list: Expression[], negated = false): Expression => ({
  ...{ node: 'in', operand, list, negated, at },
});
export const between = (
  operand: Expression,
  low: Expression,
  high: Expression,
  negated = false,
): Expression => ({
  ...{ node: 'between', operand, low, high, negated, at },
});

export const INTEGER: SqlType = { kind: 'integer' };
export const BIGINT: SqlType = { kind: 'bigint' };
export const DOUBLE: SqlType = { kind: 'double' };
export const TEXT: SqlType = { kind: 'text', lengthMax: null };
export const BOOLEAN: SqlType = { kind: 'boolean' };
export const TIMESTAMP: SqlType = { kind: 'timestamp' };
export const BYTES: SqlType = { kind: 'bytes' };
export const JSON_: SqlType = { kind: 'json' };
export const UUID: SqlType = { kind: 'uuid' };
export const varchar = (lengthMax: number): SqlType => ({ kind: 'text', lengthMax });
export const decimal = (precision: number | null = null, scale: number | null = null): SqlType => ({
  ...{ kind: 'decimal', precision, scale },
});

export const star: SelectItem = { item: 'star', table: null };
export const item = (expression: Expression, alias: string | null = null): SelectItem => ({
  ...{ item: 'expression', expression, alias },
});
export const table = (name: string, alias: string | null = null): FromReference => ({
  ...{ from: 'table', table: name, alias, at },
});
export const join = (
  kind: 'inner' | 'left',
  left: FromReference,
  right: FromReference,
  on: Expression,
): FromReference => ({
  ...{ from: 'join', kind, left, right, on },
});
export const order = (expression: Expression, descending = false, nullsFirst = descending): OrderItem => ({
  ...{ expression, descending, nullsFirst },
});

/** SELECT * FROM t but for what is said. */
export const select = (parts: Partial<Omit<SelectStatement, 'statement'>> = {}): SelectStatement => ({
  statement: 'select',
  items: [star],
  distinct: false,
  from: table('t'),
  where: null,
  groupBy: [],
  having: null,
  orderBy: [],
  limit: null,
  offset: null,
  asOf: null,
  history: false,
  ...parts,
});

/** SELECT of expressions without a table. */
export const selectOf = (...expressions: Expression[]): SelectStatement =>
  select({ items: expressions.map((expression) => item(expression)), from: null });

export const column = (
  name: string,
  type: SqlType,
  parts: Partial<ColumnDefinition> = {},
): ColumnDefinition => ({
  ...{ name, type, notNull: false, primaryKey: false, unique: false, default: null, checks: [], at },
  ...parts,
});

/** CREATE TABLE t (…) but for what is said. */
export const createTable = (
  columns: ColumnDefinition[],
  parts: Partial<Omit<CreateTableStatement, 'statement' | 'columns'>> = {},
): CreateTableStatement => ({
  ...{
    statement: 'create table',
    table: 't',
    ifNotExists: false,
    columns,
    primaryKey: null,
    uniques: [],
    checks: [],
  },
  subject: null,
  ...parts,
});

/** INSERT INTO t VALUES … but for what is said. */
export const insert = (
  rows: InsertStatement['rows'],
  parts: Partial<Omit<InsertStatement, 'statement' | 'rows'>> = {},
): InsertStatement => ({
  ...{ statement: 'insert', table: 't', columns: null, rows, onConflict: null, returning: null },
  ...parts,
});

/** WHEN … THEN … of a CASE. */
export const arm = (when: Expression, then: Expression) => ({ when, then });
