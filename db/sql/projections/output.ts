/** What a projection shows: its columns, whether it groups, and which of its columns tell its rows apart. */
import type { Expression, SelectItem, SelectStatement } from '../ast.ts';
import {
  type BoundExpression,
  bind,
  isAggregate,
  type ParameterTypes,
  type Scope,
} from '../expression/index.ts';
import { columnName } from '../parse/index.ts';

export interface OutputItem {
  readonly name: string;
  readonly expression: BoundExpression;
}

/** GROUP BY, HAVING, or an aggregate anywhere in the list. */
export function isGrouped(query: SelectStatement): boolean {
  if (query.groupBy.length > 0 || query.having !== null) return true;
  return query.items.some((item) => item.item === 'expression' && callsOf(item.expression).length > 0);
}

/** Calls of aggregates in an expression, outermost. */
export function callsOf(expression: Expression): Extract<Expression, { node: 'call' }>[] {
  const calls: Extract<Expression, { node: 'call' }>[] = [];
  JSON.stringify(expression, (_key, part: unknown) => {
    if (!isAggregateCall(part)) return part;
    calls.push(part);
    return null;
  });
  return calls;
}

function isAggregateCall(part: unknown): part is Extract<Expression, { node: 'call' }> {
  const call = part as { readonly node?: unknown; readonly name?: unknown } | null;
  return typeof call === 'object' && call?.node === 'call' && isAggregate(String(call.name));
}

/** Every `*` was written out when the projection was made. Errors: those of binding. */
export function outputItems(query: SelectStatement, scope: Scope, types: ParameterTypes): OutputItem[] {
  return query.items.map((item) => {
    const { expression, alias } = expressionItem(item);
    return { name: alias ?? columnName(expression), expression: bind(expression, scope, types) };
  });
}

function expressionItem(item: SelectItem): Extract<SelectItem, { item: 'expression' }> {
  if (item.item === 'star') throw new Error('a stored projection has no * in it');
  return item;
}
