/**
 * Which way into a table a query takes. By rule, not by statistics, so that the same query always takes the same way: a whole
 * unique key, then the longest run of columns with given values, then a range behind it, the primary key before an index,
 * and where nothing is known of any key, one whose order is the one asked for.
 */
import type { Column, Table } from '../catalog/index.ts';
import type { Restriction } from '../expression/index.ts';
import { type KeyOrder, keyOrders } from './key-order.ts';

/** A column that rows are wanted in the order of. */
export interface WantedOrder {
  readonly column: Column;
  readonly descending: boolean;
  readonly nullsFirst: boolean;
}

export interface AccessPath {
  readonly order: KeyOrder;
  /** Of the first columns of the key, in order; only the last may be other than points. */
  readonly restrictions: readonly Restriction[];
  /** At most one row, found by its key. */
  readonly point: boolean;
  readonly reverse: boolean;
  /** Whether rows come in the order that was wanted. */
  readonly ordered: boolean;
}

export interface PathWishes {
  /** By id of the column. */
  readonly restrictions: ReadonlyMap<number, Restriction>;
  /** Null: one that no key can serve. */
  readonly order: readonly WantedOrder[] | null;
  /** Whether only the first rows are wanted, so that an order of a key saves reading the others. */
  readonly limited: boolean;
}

const FULL_SCAN = 'full scan';

/** `forced`: name of an index, `primary key` or `full scan`, for tests that compare them; null: the best. */
export function accessPath(table: Table, wishes: PathWishes, forced: string | null): AccessPath {
  const known = forced === FULL_SCAN ? { ...wishes, restrictions: new Map<number, Restriction>() } : wishes;
  const [first, ...others] = keyOrders(table)
    .filter((order) => forced === null || forced === FULL_SCAN || forced === nameOf(order))
    .map((order) => pathAlong(order, known));
  if (first === undefined) throw new Error(`table ${table.name} has no key ${forced}`);
  return others.reduce((best, path) => (worth(path, known) > worth(best, known) ? path : best), first);
}

function nameOf({ index }: KeyOrder): string {
  return index === null ? 'primary key' : index.name;
}

/** Each term weighs more than all those behind it can together: keys have at most 32 columns. */
function worth({ point, restrictions, ordered, order: { index } }: AccessPath, wishes: PathWishes): number {
  const ranges = restrictions.filter(({ kind }) => kind === 'ranges').length;
  const serves = ordered && wishes.order !== null && wishes.order.length > 0;
  return (
    (point ? 1_000_000 : 0) +
    (restrictions.length - ranges) * 1_000 +
    ranges * 100 +
    // An index costs a second look-up a row: its order is worth that only when few rows are wanted.
    (serves && (wishes.limited || index === null) ? 10 : 0) +
    (index === null ? 1 : 0)
  );
}

function pathAlong(order: KeyOrder, wishes: PathWishes): AccessPath {
  const restrictions: Restriction[] = [];
  for (const { id } of order.columns) {
    const restriction = wishes.restrictions.get(id);
    if (restriction === undefined) break;
    restrictions.push(restriction);
    if (restriction.kind === 'ranges') break;
  }
  const direction = wishes.order === null ? null : directionOf(order, restrictions, wishes.order);
  const whole = order.columns.length > 0 && restrictions.length === order.columns.length;
  return {
    order,
    restrictions,
    point: order.unique && whole && restrictions.every(({ kind }) => kind === 'equal'),
    reverse: direction === 'reverse',
    ordered: direction !== null,
  };
}

/** Which way to go through the keys so that rows come as wanted, or null. Keys have NULLs last. */
function directionOf(
  order: KeyOrder,
  restrictions: readonly Restriction[],
  wanted: readonly WantedOrder[],
): 'forward' | 'reverse' | null {
  const constants = new Set(
    order.columns.filter((_, place) => isConstant(restrictions[place])).map(({ id }) => id),
  );
  const rest = order.columns.filter(({ id }) => !constants.has(id));
  let direction: 'forward' | 'reverse' | null = null;
  let place = 0;
  for (const { column, descending, nullsFirst } of wanted) {
    if (constants.has(column.id)) continue;
    const next = rest[place++];
    // Behind the last column of a key no two rows are left that it does not tell apart.
    if (next === undefined) return order.total ? (direction ?? 'forward') : null;
    if (next.id !== column.id) return null;
    if (!next.notNull && nullsFirst !== descending) return null;
    const way = descending ? 'reverse' : 'forward';
    if (direction !== null && direction !== way) return null;
    direction = way;
  }
  return direction ?? 'forward';
}

/** The same for all rows of the path. */
function isConstant(restriction: Restriction | undefined): boolean {
  return restriction?.kind === 'equal' || restriction?.kind === 'null';
}
