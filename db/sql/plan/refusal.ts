/**
 * What a plain query may not do, and what to do instead. Joins, groups and aggregates cost more the more rows there are, so
 * they belong to projections, which are kept current commit by commit; a refusal spells out the one that would answer.
 */
import { TruthError } from '../../errors.ts';
import type { CallExpression, Expression, FromReference, SelectStatement } from '../ast.ts';
import { printExpression } from '../parse/print.ts';
import { spellQuery } from './spelling.ts';

/** Aggregates of PostgreSQL that a person may try; the first five are those of projections. */
const AGGREGATES = new Set([
  'count',
  'sum',
  'min',
  'max',
  'avg',
  'array_agg',
  'string_agg',
  'bool_and',
  'bool_or',
  'every',
  'json_agg',
  'jsonb_agg',
  'stddev',
  'variance',
]);
const PROJECTED = new Set(['count', 'sum', 'min', 'max', 'avg']);

/** Whether a query is `SELECT count(*) FROM …` and nothing beside it. */
export function isRowCount(query: SelectStatement): boolean {
  const [item] = query.items;
  return (
    query.items.length === 1 &&
    item?.item === 'expression' &&
    item.expression.node === 'call' &&
    isCountStar(item.expression)
  );
}

/** Throws INVALID_ARGUMENT (0A000) for what only a projection answers. `text` is the statement as it was written. */
export function refuseUnplanned(query: SelectStatement, text: string): void {
  const construct = unplanned(query);
  if (construct === null) return;
  throw new TruthError('INVALID_ARGUMENT', `${construct.said}. ${wayOut(query, text, construct)}`, {
    sqlstate: '0A000',
    construct: construct.name,
    ...(construct.at === null ? {} : { at: construct.at }),
  });
}

interface Construct {
  readonly name: string;
  readonly said: string;
  readonly at: number | null;
  /** Whether a projection can do it. */
  readonly projectable: boolean;
}

function unplanned(query: SelectStatement): Construct | null {
  const from = query.from;
  if (from?.from === 'join') return construct('JOIN', null);
  if (from?.from === 'subquery') return construct('a subquery in FROM', null);
  if (query.groupBy.length > 0) return construct('GROUP BY', query.groupBy[0]?.at ?? null);
  if (query.having !== null) return construct('HAVING', query.having.at);
  if (isRowCount(query)) return query.distinct ? construct('DISTINCT', null) : null;
  for (const item of query.items) {
    const call = item.item === 'star' ? null : aggregateIn(item.expression);
    if (call !== null) return aggregate(call);
  }
  for (const { expression } of query.orderBy) {
    const call = aggregateIn(expression);
    if (call !== null) return aggregate(call);
  }
  return null;
}

function construct(name: string, at: number | null): Construct {
  return {
    name,
    said: `a plain query cannot use ${name}: its cost would grow with the tables`,
    at,
    projectable: true,
  };
}

function aggregate(call: CallExpression): Construct {
  const name = printExpression(call);
  if (isCountStar(call)) {
    return {
      name,
      said: `a plain query can have ${name} only by itself, as SELECT count(*) FROM … WHERE …`,
      at: call.at,
      projectable: true,
    };
  }
  const projectable = PROJECTED.has(call.name) && !call.distinct;
  return { name, said: `a plain query cannot use the aggregate ${name}`, at: call.at, projectable };
}

function wayOut(query: SelectStatement, text: string, { name, projectable }: Construct): string {
  if (!projectable)
    return `Projections know COUNT, SUM, MIN, MAX and AVG of all values, not ${name}: compute it from their rows`;
  const projection = query.having === null && query.groupBy.length === 0 ? 'my_projection' : 'my_groups';
  const inner = projectedQuery(query, text);
  const parameters = hasParameter(query.where)
    ? ' and put the conditions with parameters into the query of the projection'
    : '';
  return `Create the projection that answers it, CREATE PROJECTION ${projection} AS ${inner}, then SELECT * FROM ${projection}${parameters}`;
}

/** As it was written where that is what a projection takes; otherwise written anew without what the asking query keeps. */
function projectedQuery(query: SelectStatement, text: string): string {
  const keptByAsker =
    query.orderBy.length > 0 ||
    query.limit !== null ||
    query.offset !== null ||
    query.asOf !== null ||
    query.history;
  // Behind EXPLAIN the text has more than the query.
  const isWhole = !/^\s*explain\b/i.test(text);
  if (!keptByAsker && isWhole && !hasParameter(query.where)) return text.trim().replace(/;$/, '');
  return spellQuery({ ...query, where: withoutParameters(query.where) });
}

function withoutParameters(where: Expression | null): Expression | null {
  if (where === null || !hasParameter(where)) return where;
  if (where.node !== 'binary' || where.operator !== 'and') return null;
  const left = withoutParameters(where.left);
  const right = withoutParameters(where.right);
  return left === null ? right : right === null ? left : { ...where, left, right };
}

function hasParameter(expression: Expression | null): boolean {
  return expression !== null && findWithin(expression, (node) => node.node === 'parameter') !== null;
}

function aggregateIn(expression: Expression): CallExpression | null {
  return findWithin(
    expression,
    (node) => node.node === 'call' && AGGREGATES.has(node.name),
  ) as CallExpression | null;
}

function isCountStar(call: CallExpression): boolean {
  return call.name === 'count' && call.star;
}

/** The first part of an expression, itself included, that is as asked. */
function findWithin(root: Expression, wanted: (node: Expression) => boolean): Expression | null {
  const open: Expression[] = [root];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (wanted(node)) return node;
    open.push(...partsOf(node).toReversed());
  }
  return null;
}

/** Direct parts in the order in which they are written. */
function partsOf(expression: Expression): Expression[] {
  switch (expression.node) {
    case 'literal':
    case 'parameter':
    case 'column':
      return [];
    case 'unary':
    case 'is':
    case 'cast':
      return [expression.operand];
    case 'binary':
      return [expression.left, expression.right];
    case 'in':
      return [expression.operand, ...expression.list];
    case 'between':
      return [expression.operand, expression.low, expression.high];
    case 'like':
      return [
        expression.operand,
        expression.pattern,
        ...(expression.escape === null ? [] : [expression.escape]),
      ];
    case 'call':
      return [...expression.args];
    case 'case':
      return [
        ...(expression.operand === null ? [] : [expression.operand]),
        ...expression.whens.flatMap(({ when, then }) => [when, then]),
        ...(expression.otherwise === null ? [] : [expression.otherwise]),
      ];
  }
}

/** The single table a query is over; joins and subqueries have been refused. */
export function onlyTable(from: FromReference): {
  readonly table: string;
  readonly alias: string | null;
  readonly at: number;
} {
  if (from.from !== 'table') throw new Error('joins and subqueries were refused before');
  return from;
}
