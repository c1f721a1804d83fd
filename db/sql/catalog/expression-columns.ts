/** Columns that a stored expression names, and what becomes of it when one gets another name. */
import type { Expression } from '../ast.ts';

/** Names of the columns, each once. */
export function columnsNamed(expression: Expression): ReadonlySet<string> {
  const names = new Set<string>();
  // The replacer sees every part of the tree: no walk of our own can forget a kind of node.
  JSON.stringify(expression, (_key, part: unknown) => {
    if (isColumn(part)) names.add(part.name);
    return part;
  });
  return names;
}

/** The same expression with each column's name changed, and without a table before it. */
export function withColumns(expression: Expression, nameOf: (name: string) => string): Expression {
  return JSON.parse(JSON.stringify(expression), (_key, part: unknown) =>
    isColumn(part) ? { ...part, table: null, name: nameOf(part.name) } : part,
  ) as Expression;
}

/** Tables that columns in it are qualified with. */
export function tablesNamed(expression: Expression): ReadonlySet<string> {
  const names = new Set<string>();
  JSON.stringify(expression, (_key, part: unknown) => {
    if (isColumn(part) && part.table !== null) names.add(part.table);
    return part;
  });
  return names;
}

interface NamedColumn {
  readonly node: 'column';
  readonly table: string | null;
  readonly name: string;
}

function isColumn(part: unknown): part is NamedColumn {
  return typeof part === 'object' && part !== null && 'node' in part && part.node === 'column';
}
