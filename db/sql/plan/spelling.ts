/** Queries written out as SQL again: for the projection that a refused query is answered by, and for EXPLAIN. */
import type { FromReference, OrderItem, SelectItem, SelectStatement } from '../ast.ts';
import { printExpression, printName } from '../parse/print.ts';

/** The query without its own ends (ORDER BY, LIMIT, AS OF), which stay with whoever asks a projection of it. */
export function spellQuery(query: SelectStatement): string {
  const parts = [`SELECT ${query.distinct ? 'DISTINCT ' : ''}${query.items.map(spellItem).join(', ')}`];
  if (query.from !== null) parts.push(`FROM ${spellFrom(query.from)}`);
  if (query.where !== null) parts.push(`WHERE ${printExpression(query.where)}`);
  if (query.groupBy.length > 0) parts.push(`GROUP BY ${query.groupBy.map(printExpression).join(', ')}`);
  if (query.having !== null) parts.push(`HAVING ${printExpression(query.having)}`);
  return parts.join(' ');
}

export function spellOrder({ expression, descending, nullsFirst }: OrderItem): string {
  const nulls = nullsFirst === descending ? '' : nullsFirst ? ' NULLS FIRST' : ' NULLS LAST';
  return `${printExpression(expression)}${descending ? ' DESC' : ''}${nulls}`;
}

function spellItem(item: SelectItem): string {
  if (item.item === 'star') return item.table === null ? '*' : `${printName(item.table)}.*`;
  const alias = item.alias === null ? '' : ` AS ${printName(item.alias)}`;
  return printExpression(item.expression) + alias;
}

function spellFrom(from: FromReference): string {
  switch (from.from) {
    case 'table':
      return printName(from.table) + (from.alias === null ? '' : ` AS ${printName(from.alias)}`);
    case 'subquery':
      return `(${spellQuery(from.query)}) AS ${printName(from.alias)}`;
    case 'join': {
      const word = from.kind === 'left' ? 'LEFT JOIN' : 'JOIN';
      const right = spellFrom(from.right);
      const grouped = from.right.from === 'join' ? `(${right})` : right;
      return `${spellFrom(from.left)} ${word} ${grouped} ON ${printExpression(from.on)}`;
    }
  }
}
