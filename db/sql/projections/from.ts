/** FROM of a projection as a list: the first source, and each further one with how it is joined to those before. */
import type { Expression, FromReference } from '../ast.ts';
import { sqlError } from '../types/index.ts';

export interface FromItem {
  readonly table: string;
  /** What the query calls it. */
  readonly name: string;
  readonly join: 'first' | 'inner' | 'left';
  /** Null only for the first. */
  readonly on: Expression | null;
  readonly at: number;
}

const SOURCES_MAX = 8;

/** Errors: 0A000 for what cannot be joined step by step from the left, 54000 for too many, 42712 for a name used twice. */
export function fromItems(from: FromReference | null): readonly FromItem[] {
  if (from === null) throw sqlError('0A000', 'a projection is over tables: name them in FROM');
  const items: FromItem[] = [];
  const joins: Extract<FromReference, { from: 'join' }>[] = [];
  let left: FromReference = from;
  for (; left.from === 'join'; left = left.left) joins.push(left);
  items.push(single(left, 'first', null));
  for (const { kind, right, on } of joins.reverse()) items.push(single(right, kind, on));
  if (items.length > SOURCES_MAX) {
    throw sqlError(
      '54000',
      `a projection joins at most ${SOURCES_MAX} tables, not ${items.length}: make a projection of some of them first and join that`,
    );
  }
  for (const [index, { name, at }] of items.entries()) {
    if (items.findIndex((other) => other.name === name) !== index)
      throw sqlError('42712', `table name "${name}" specified more than once: give one of them an alias`, at);
  }
  return items;
}

function single(reference: FromReference, join: FromItem['join'], on: Expression | null): FromItem {
  if (reference.from === 'table') {
    const { table, alias, at } = reference;
    return { table, name: alias ?? table, join, on, at };
  }
  const what = reference.from === 'join' ? 'a join in parentheses' : 'a subquery in FROM';
  throw sqlError(
    '0A000',
    `${what} is not supported in a projection: make it a projection of its own and name that in FROM`,
  );
}
