/** Which rows of a table a condition is about, and the way to them: for queries, and for UPDATE and DELETE. */
import type { Expression } from '../ast.ts';
import type { Table } from '../catalog/index.ts';
import {
  type BoundExpression,
  bindCondition,
  conjuncts,
  type ParameterTypes,
  type Restriction,
  restrictionsOf,
  type Scope,
} from '../expression/index.ts';
import { RowDecoder, type WantedColumn } from '../types/index.ts';
import { accessPath, type WantedOrder } from './access-path.ts';
import type { RowsPlan } from './read-plan.ts';

/** Errors: INVALID_ARGUMENT, what binding says. */
export function bindWhere(
  where: Expression | null,
  scope: Scope,
  types: ParameterTypes,
): BoundExpression | null {
  return where === null ? null : bindCondition(where, scope, types, 'WHERE');
}

export interface RowsWish {
  readonly table: Table;
  readonly where: BoundExpression | null;
  /** The same as it was written, for EXPLAIN; null where nobody will ask. */
  readonly written: Expression | null;
  /** Columns of the stored rows that are read, by their place in the rows that expressions are bound to. */
  readonly wanted: readonly WantedColumn[];
  /** Places in a row before the first stored column. */
  readonly placesBefore: number;
  /** Null: one that no key has. */
  readonly order: readonly WantedOrder[] | null;
  /** Only the first rows are wanted. */
  readonly limited: boolean;
  /** Name of an index, `primary key` or `full scan`; null: what is best. */
  readonly forced: string | null;
}

export function planRows(wish: RowsWish): RowsPlan {
  const { table, where, written, wanted, placesBefore } = wish;
  const parts = where === null ? [] : conjuncts(where);
  const restrictions = new Map<number, Restriction>();
  for (const restriction of where === null ? [] : restrictionsOf(where)) {
    const column = wanted[restriction.column - placesBefore];
    if (column !== undefined) restrictions.set(column.id, restriction);
  }
  const path = accessPath(table, { ...wish, restrictions }, wish.forced);
  return {
    table,
    path,
    wanted,
    decoder: new RowDecoder(wanted),
    once: parts.filter(isFixed),
    filter: parts.filter((part) => !isFixed(part)),
    where,
    written,
  };
}

/** A condition whose columns are all those of the table, in their order: rows come whole. */
export function planMatching(table: Table, where: BoundExpression | null): RowsPlan {
  const none = { written: null, order: null, limited: false, forced: null };
  return planRows({ table, where, wanted: table.columns, placesBefore: 0, ...none });
}

/** The same for every row of one run. */
export function isFixed({ columns, volatility }: BoundExpression): boolean {
  return columns.length === 0 && volatility !== 'volatile';
}
