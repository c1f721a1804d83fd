/** What a SELECT over one table means, said as plainly as possible: every row is looked at, sorted, cut. */
import type { SelectStatement } from '../../../db/sql/ast.ts';
import type { Table } from '../../../db/sql/catalog/index.ts';
import { bind, bindCondition, ParameterTypes, tableScope } from '../../../db/sql/expression/index.ts';
import { comparatorOf, type Row, type SqlValue } from '../../../db/sql/types/index.ts';

const CONTEXT = { parameters: [], now: 0n, randomUuid: () => '', user: 'tester', database: 'test' };

export function naiveSelect(table: Table, rows: readonly Row[], query: SelectStatement): Row[] {
  const types = new ParameterTypes(0);
  const scope = tableScope([{ name: table.name, columns: table.columns }]);
  const where = query.where === null ? null : bindCondition(query.where, scope, types, 'WHERE');
  const found = rows.filter((row) => where === null || where.evaluate(row, CONTEXT) === true);
  const [first] = query.items;
  if (first?.item === 'expression' && first.expression.node === 'call' && first.expression.star)
    return [[BigInt(found.length)]];
  const items = query.items.flatMap((item) =>
    item.item === 'star'
      ? table.columns.map((_, place) => (row: Row) => row[place]!)
      : [evaluator(bind(item.expression, scope, types))],
  );
  const order = query.orderBy.map((item) => ({ ...item, bound: bind(item.expression, scope, types) }));
  const sorted = found.toSorted((a, b) => {
    for (const { bound, descending, nullsFirst } of order) {
      const [left, right] = [bound.evaluate(a, CONTEXT), bound.evaluate(b, CONTEXT)];
      const compared = compare(left, right, comparatorOf(bound.type), descending, nullsFirst);
      if (compared !== 0) return compared;
    }
    return 0;
  });
  const offset = literal(query.offset) ?? 0;
  const limit = literal(query.limit);
  return sorted
    .slice(offset, limit === null ? undefined : offset + limit)
    .map((row) => items.map((item) => item(row)));
}

function evaluator(bound: ReturnType<typeof bind>): (row: Row) => SqlValue {
  return (row) => bound.evaluate(row, CONTEXT);
}

function compare(
  left: SqlValue,
  right: SqlValue,
  by: ReturnType<typeof comparatorOf>,
  descending: boolean,
  nullsFirst: boolean,
): number {
  if (left === null && right === null) return 0;
  if (left === null) return nullsFirst ? -1 : 1;
  if (right === null) return nullsFirst ? 1 : -1;
  return descending ? -by(left, right) : by(left, right);
}

function literal(expression: SelectStatement['limit']): number | null {
  return expression?.node === 'literal' ? Number(expression.text) : null;
}
