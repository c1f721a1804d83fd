import { TruthError } from '../../errors.ts';
import type { Expression, OrderItem, SelectItem, SelectStatement } from '../ast.ts';
import type { Catalog } from '../catalog/index.ts';
import type { SqlColumn } from '../contract.ts';
import { type BoundExpression, bind, bindAs, type ParameterTypes } from '../expression/index.ts';
import { columnName } from '../parse/column-name.ts';
import { comparatorOf, type SqlType, sqlError } from '../types/index.ts';
import type { WantedOrder } from './access-path.ts';
import { bindMoment } from './moment.ts';
import { bindWhere, planRows } from './plan-rows.ts';
import type { RowsPlan, SelectPlan, SortItem } from './read-plan.ts';
import { isRowCount, onlyTable, refuseUnplanned } from './refusal.ts';
import { type Relation, relationNamed } from './relation.ts';
import { RowScope, VERSION_COLUMNS } from './row-scope.ts';
import { spellOrder } from './spelling.ts';

/** What is larger is no integer to PostgreSQL. */
const INTEGER_MAX = 2_147_483_647;
const BIGINT: SqlType = Object.freeze({ kind: 'bigint' });

/** What planning a query needs beside it. */
export interface PlanInput {
  /** As of the position that is asked about. */
  readonly catalog: Catalog;
  /** The statement as it was written. */
  readonly text: string;
  readonly types: ParameterTypes;
  /** What to say where there is no table of a name. */
  readonly missing: (table: string, at: number | null) => Error;
  /** For tests: the way to take, by name. Null: the best. */
  readonly forced: string | null;
}

interface Output {
  readonly columns: readonly SqlColumn[];
  readonly expressions: readonly BoundExpression[];
  /** The expression of each column as it was written; null for what * stands for. */
  readonly written: readonly (Expression | null)[];
}

/** Errors: INVALID_ARGUMENT: 0A000 for what only projections answer, 42P01, 42703, 42804 and the like. */
export function planSelect(query: SelectStatement, input: PlanInput): SelectPlan {
  refuseUnplanned(query, input.text);
  const { types } = input;
  // For the types of its parameters; what it says is known already.
  if (query.asOf !== null) bindMoment(query.asOf, types);
  const relation = relationOf(query, input);
  const scope = new RowScope(relation, nameInQuery(query), query.history);
  const counts = isRowCount(query);
  // In PostgreSQL's order: what stands first says the type of a parameter.
  const output = counts ? countOutput(query) : bindOutput(query.items, scope, types);
  const where = bindWhere(query.where, scope, types);
  const sort = counts ? [] : bindOrder(query, output, scope, types);
  if (counts) checkCountOrder(query);
  if (query.distinct && !counts) checkDistinct(query.orderBy, sort, output);
  const limit = bindBound(query.limit, 'LIMIT', scope, types);
  const offset = bindBound(query.offset, 'OFFSET', scope, types);
  const rows = relation === null ? null : rowsPlan(query, relation, scope, where, sort, input.forced);
  const inOrder = rows?.path.ordered === true && !query.history && sort.length > 0;
  return {
    plan: 'select',
    relation,
    rows,
    once: relation === null && where !== null ? [where] : [],
    history: query.history,
    counts,
    columns: output.columns,
    output: output.expressions,
    distinct: query.distinct && !counts,
    sort: inOrder || relation === null ? [] : sort,
    orderText: sort.length === 0 ? null : query.orderBy.map(spellOrder).join(', '),
    limit,
    offset,
    parameterTypes: types.all(),
  };
}

function relationOf({ from, history }: SelectStatement, input: PlanInput): Relation | null {
  if (from === null) {
    if (history) throw sqlError('42601', 'HISTORY needs a table: SELECT … FROM table HISTORY');
    return null;
  }
  const { table, at } = onlyTable(from);
  const relation = relationNamed(input.catalog, table);
  if (relation === null) throw input.missing(table, at);
  return relation;
}

function nameInQuery({ from }: SelectStatement): string | null {
  if (from === null) return null;
  const { table, alias } = onlyTable(from);
  return alias ?? table;
}

function rowsPlan(
  query: SelectStatement,
  relation: Relation,
  scope: RowScope,
  where: BoundExpression | null,
  sort: readonly SortItem[],
  forced: string | null,
): RowsPlan {
  return planRows({
    table: relation.table,
    where,
    written: query.where,
    wanted: scope.wanted,
    placesBefore: query.history ? VERSION_COLUMNS.length : 0,
    // Versions lie in the order of the primary key only.
    order: query.history ? null : keyOrder(sort, scope),
    limited: query.limit !== null && !query.distinct,
    forced: query.history ? 'primary key' : forced,
  });
}

/** Null where something else than a stored column is sorted by. */
function keyOrder(sort: readonly SortItem[], scope: RowScope): WantedOrder[] | null {
  const wanted: WantedOrder[] = [];
  for (const { expression, descending, nullsFirst } of sort) {
    const { shape } = expression;
    const column = shape.shape === 'column' ? scope.storedAt(shape.index) : null;
    if (column === null) return null;
    wanted.push({ column, descending, nullsFirst });
  }
  return wanted;
}

function countOutput({ items }: SelectStatement): Output {
  const [item] = items;
  const alias = item?.item === 'expression' ? item.alias : null;
  return { columns: [{ name: alias ?? 'count', type: BIGINT }], expressions: [], written: [] };
}

function bindOutput(items: readonly SelectItem[], scope: RowScope, types: ParameterTypes): Output {
  const columns: SqlColumn[] = [];
  const expressions: BoundExpression[] = [];
  const written: (Expression | null)[] = [];
  const add = (name: string, bound: BoundExpression, expression: Expression | null): void => {
    columns.push({ name, type: bound.type });
    expressions.push(bound);
    written.push(expression);
  };
  for (const item of items) {
    if (item.item === 'expression') {
      const { expression, alias } = item;
      add(alias ?? columnName(expression), bind(expression, scope, types), expression);
      continue;
    }
    if (!scope.hasTable) throw sqlError('42601', 'SELECT * with no tables specified is not valid');
    if (item.table !== null) scope.checkTable(item.table, 0);
    for (const { name } of scope.star()) {
      const column: Expression = { node: 'column', table: null, name, at: 0 };
      add(name, bind(column, scope, types), column);
    }
  }
  return { columns, expressions, written };
}

/** As PostgreSQL reads ORDER BY: a name of the output, a number of it, else an expression over the table. */
function bindOrder(
  { orderBy }: SelectStatement,
  output: Output,
  scope: RowScope,
  types: ParameterTypes,
): SortItem[] {
  return orderBy.map(({ expression, descending, nullsFirst }) => {
    const named = outputNamed(expression, output);
    const bound = named === null ? bind(expression, scope, types) : output.expressions[named]!;
    // Says so here where there is no order, not in the middle of sorting.
    comparatorOf(bound.type);
    return { expression: bound, descending, nullsFirst };
  });
}

/** Number of the output column that an item of ORDER BY means, or null. Errors: 42P10, 42702, 42601. */
function outputNamed(expression: Expression, output: Output): number | null {
  if (expression.node === 'literal') {
    if (expression.kind !== 'integer' || Number(expression.text) > INTEGER_MAX)
      throw sqlError('42601', 'non-integer constant in ORDER BY', expression.at);
    const number = Number(expression.text);
    if (number >= 1 && number <= output.columns.length) return number - 1;
    throw misplaced(`ORDER BY position ${number} is not in select list`, expression.at);
  }
  if (expression.node !== 'column' || expression.table !== null) return null;
  const { name, at } = expression;
  const same = output.columns.flatMap((column, index) => (column.name === name ? [index] : []));
  const [first, ...others] = same;
  if (first === undefined) return null;
  if (others.some((index) => !sameExpression(output.written[index], output.written[first])))
    throw sqlError('42702', `ORDER BY "${name}" is ambiguous`, at);
  return first;
}

/** Where they stand in the text does not matter. */
function sameExpression(one: Expression | null | undefined, other: Expression | null | undefined): boolean {
  const plain = (key: string, value: unknown): unknown => (key === 'at' ? undefined : value);
  return JSON.stringify(one, plain) === JSON.stringify(other, plain);
}

function checkCountOrder({ orderBy, items }: SelectStatement): void {
  const [item] = items;
  const alias = (item?.item === 'expression' ? item.alias : null) ?? 'count';
  for (const { expression } of orderBy) {
    if (expression.node === 'literal' && expression.kind === 'integer' && expression.text === '1') continue;
    if (expression.node === 'column' && expression.table === null && expression.name === alias) continue;
    if (expression.node === 'call' && expression.name === 'count' && expression.star) continue;
    throw sqlError(
      '42803',
      'SELECT count(*) has one row: it can be ordered by the count only',
      expression.at,
    );
  }
}

function checkDistinct(orderBy: readonly OrderItem[], sort: readonly SortItem[], output: Output): void {
  for (const type of output.columns.map((column) => column.type)) comparatorOf(type);
  for (const [place, { expression }] of sort.entries()) {
    const shown =
      output.expressions.includes(expression) ||
      output.written.some(
        (written) => written !== null && sameExpression(written, orderBy[place]!.expression),
      );
    if (shown) continue;
    throw misplaced(
      'for SELECT DISTINCT, ORDER BY expressions must appear in select list',
      orderBy[place]!.expression.at,
    );
  }
}

function misplaced(message: string, at: number): TruthError {
  return new TruthError('INVALID_ARGUMENT', message, { sqlstate: '42P10', at });
}

function bindBound(
  expression: Expression | null,
  what: string,
  scope: RowScope,
  types: ParameterTypes,
): BoundExpression | null {
  if (expression === null) return null;
  const bound = bindAs(expression, scope, types, BIGINT, what);
  if (bound.columns.length === 0) return bound;
  throw misplaced(`argument of ${what} must not contain variables`, expression.at);
}
