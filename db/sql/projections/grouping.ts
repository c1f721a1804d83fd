/** GROUP BY and aggregates of a projection, bound: what is computed of each joined row, and what of each group. */
import type { Expression, SelectStatement } from '../ast.ts';
import {
  type BoundAggregate,
  type BoundExpression,
  bind,
  bindAggregate,
  bindCondition,
  type ParameterTypes,
  type Scope,
  type ScopeColumn,
} from '../expression/index.ts';
import { RowDecoder, RowEncoder, type SqlType, sqlError } from '../types/index.ts';
import { lasting } from './lasting.ts';
import { callsOf } from './output.ts';

/** `sum` folds into a state; `kept` needs the values themselves in order, because a value can go again. */
export interface GroupAggregate {
  readonly bound: BoundAggregate;
  readonly kind: 'sum' | 'kept';
  /** Each different value counts once. */
  readonly distinct: boolean;
  /** Of a single value as it is kept. */
  readonly encoder: RowEncoder;
  readonly decoder: RowDecoder;
}

export interface Grouping {
  /** Computed of a joined row. */
  readonly keys: readonly BoundExpression[];
  readonly keyTypes: readonly SqlType[];
  readonly aggregates: readonly GroupAggregate[];
  /** Over a row of the keys' values and the aggregates' results. */
  readonly having: BoundExpression | null;
  /** What names mean behind the grouping. */
  readonly scope: Scope;
  /** A group's own values, as first seen. */
  readonly encoder: RowEncoder;
  readonly decoder: RowDecoder;
}

/** Errors: 42803 for a column that is neither grouped by nor aggregated, 42P10 for GROUP BY of a place that is none. */
export function groupingOf(query: SelectStatement, rows: Scope, types: ParameterTypes): Grouping {
  const written = query.groupBy.map((expression) => groupExpression(query, expression, rows));
  const keys = written.map((expression) => lasting(bind(expression, rows, types)));
  const keyTypes = keys.map(({ type }) => type);
  for (const { kind } of keyTypes) {
    if (kind === 'json')
      throw sqlError(
        '42883',
        'could not identify an equality operator for type json: group by a value out of it',
      );
  }
  const calls = new Map<string, Extract<Expression, { node: 'call' }>>();
  const wanted = query.items.flatMap((item) => (item.item === 'expression' ? callsOf(item.expression) : []));
  for (const call of [...wanted, ...(query.having === null ? [] : callsOf(query.having))]) {
    const print = printOf(call, rows);
    if (!calls.has(print)) calls.set(print, call);
  }
  const aggregates = [...calls.values()].map((call) => groupAggregate(call, rows, types));
  const places = new Map<string, ScopeColumn>();
  for (const [index, expression] of written.entries())
    places.set(printOf(expression, rows), { index, type: keyTypes[index]! });
  for (const [index, print] of [...calls.keys()].entries())
    places.set(print, { index: keys.length + index, type: aggregates[index]!.bound.type });
  const scope = groupScope(rows, places);
  const columns = keyTypes.map((type, index) => ({ id: index + 1, type, missing: null }));
  return {
    keys,
    keyTypes,
    aggregates,
    having: query.having === null ? null : lasting(bindCondition(query.having, scope, types, 'HAVING')),
    scope,
    encoder: new RowEncoder(columns),
    decoder: new RowDecoder(columns),
  };
}

/** A number stands for a place in the list, and a name that no table has for an item's alias. */
function groupExpression(query: SelectStatement, expression: Expression, rows: Scope): Expression {
  if (expression.node === 'literal' && expression.kind === 'integer') {
    const item = query.items[Number(expression.text) - 1];
    if (item?.item !== 'expression')
      throw sqlError(
        '42P10',
        `GROUP BY position ${expression.text} is not in the select list`,
        expression.at,
      );
    return item.expression;
  }
  if (expression.node !== 'column' || expression.table !== null) return expression;
  const alias = query.items.find((item) => item.item === 'expression' && item.alias === expression.name);
  if (alias?.item !== 'expression') return expression;
  try {
    rows.column(null, expression.name, expression.at);
    return expression;
  } catch {
    return alias.expression;
  }
}

function groupAggregate(
  call: Extract<Expression, { node: 'call' }>,
  rows: Scope,
  types: ParameterTypes,
): GroupAggregate {
  for (const argument of call.args) {
    const [inner] = callsOf(argument);
    if (inner !== undefined) throw sqlError('42803', 'aggregate function calls cannot be nested', inner.at);
  }
  const extreme = call.name === 'min' || call.name === 'max';
  const distinct = call.distinct && !extreme;
  const bound = bindAggregate({ ...call, distinct: false }, rows, types);
  if (bound.argument !== null) lasting(bound.argument);
  if (distinct && bound.argument?.type.kind === 'json')
    throw sqlError('42883', 'could not identify an equality operator for type json', call.at);
  const columns = bound.argument === null ? [] : [{ id: 1, type: bound.argument.type, missing: null }];
  const [encoder, decoder] = [new RowEncoder(columns), new RowDecoder(columns)];
  return { bound, kind: extreme ? 'kept' : 'sum', distinct, encoder, decoder };
}

/** Whole expressions that were grouped by or aggregated have a value; a plain column has none any more. */
function groupScope(rows: Scope, places: ReadonlyMap<string, ScopeColumn>): Scope {
  return {
    ready: (expression) => (mayBeReady(expression) ? (places.get(printOf(expression, rows)) ?? null) : null),
    column(table, name, at) {
      rows.column(table, name, at);
      const shown = table === null ? name : `${table}.${name}`;
      throw sqlError(
        '42803',
        `column "${shown}" must appear in the GROUP BY clause or be used in an aggregate function`,
        at,
      );
    },
  };
}

function mayBeReady({ node }: Expression): boolean {
  return node !== 'literal' && node !== 'parameter';
}

/** Equal for expressions that mean the same columns, however they are qualified and wherever they stand. */
function printOf(expression: Expression, rows: Scope): string {
  return JSON.stringify(expression, (key, part: unknown) => {
    if (key === 'at') return undefined;
    const column = part as Partial<Extract<Expression, { node: 'column' }>> | null;
    if (typeof column !== 'object' || column?.node !== 'column') return part;
    return { place: rows.column(column.table ?? null, column.name ?? '', column.at ?? 0).index };
  });
}
