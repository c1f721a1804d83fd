/** Ordered ways through a table's rows, its primary key and its indexes, and ranges of their keys for what is known of columns. */
import { type Column, columnById, type Index, type Table } from '../catalog/index.ts';
import type { EvaluationContext, Restriction, ValueRange } from '../expression/index.ts';
import type { KeyRange, Space } from '../store/index.ts';
import { boundedRange, encodeKey, prefixRange, type SqlType, type SqlValue } from '../types/index.ts';

export interface KeyOrder {
  /** Null: the primary key, whose entries are the rows themselves. */
  readonly index: Index | null;
  readonly space: Space;
  /** What the keys are made of, in order; behind those of an index that is not unique stand the primary key's. None where the primary key is hidden. */
  readonly columns: readonly Column[];
  readonly types: readonly SqlType[];
  /** Whether values for all columns, none of them NULL, name at most one row. */
  readonly unique: boolean;
  /** Whether no two rows are equal in all columns. */
  readonly total: boolean;
}

/** The primary key first, then the indexes in the order in which they were made. */
export function keyOrders(table: Table): KeyOrder[] {
  return [keyOrder(table, null), ...table.indexes.map((index) => keyOrder(table, index))];
}

function keyOrder(table: Table, index: Index | null): KeyOrder {
  const primary = table.primaryKey.columns;
  const ids = index === null ? primary : index.unique ? index.columns : [...index.columns, ...primary];
  const columns = ids.map((id) => columnById(table, id));
  const unique = index?.unique === true || primary.length > 0;
  return {
    index,
    space: index === null ? table.space : index.space,
    columns,
    types: columns.map(({ type }) => type),
    unique,
    total: unique && (index?.unique !== true || columns.every(({ notNull }) => notNull)),
  };
}

/** More points than this are not tried one by one: the range that has them all is gone through. */
const POINTS_MAX = 1_000;

/**
 * Ranges of keys in ascending order, none overlapping another, that have every row which the restrictions let through and
 * perhaps others. The restrictions are of the first columns, in order.
 */
export function keyRanges(
  types: readonly SqlType[],
  restrictions: readonly Restriction[],
  context: EvaluationContext,
): KeyRange[] {
  let tuples: SqlValue[][] = [[]];
  for (const { kind, ranges } of restrictions) {
    if (kind === 'null') {
      for (const tuple of tuples) tuple.push(null);
      continue;
    }
    const found = ranges(context);
    const points = kind === 'ranges' || found.length * tuples.length > POINTS_MAX ? null : pointsOf(found);
    if (points === null) return bounded(types, tuples, kind === 'ranges' ? found : hull(found));
    tuples = tuples.flatMap((tuple) => points.map((value) => [...tuple, value]));
  }
  return tuples.map((tuple) => prefixRange(types, tuple));
}

/** The key that all columns are given for, or null where a value is NULL. */
export function pointKey(
  types: readonly SqlType[],
  restrictions: readonly Restriction[],
  context: EvaluationContext,
): Uint8Array | null {
  const values: SqlValue[] = [];
  for (const { ranges } of restrictions) {
    const [only] = ranges(context);
    if (only === undefined) return null;
    values.push(only.low!.value);
  }
  return encodeKey(types, values);
}

function bounded(
  types: readonly SqlType[],
  tuples: readonly (readonly SqlValue[])[],
  ranges: readonly ValueRange[],
): KeyRange[] {
  return tuples.flatMap((tuple) => ranges.map(({ low, high }) => boundedRange(types, tuple, low, high)));
}

/** A point is a range that begins and ends with the same value. */
function pointsOf(ranges: readonly ValueRange[]): SqlValue[] {
  return ranges.map(({ low }) => low!.value);
}

function hull(ranges: readonly ValueRange[]): ValueRange[] {
  const [first] = ranges;
  return first === undefined ? [] : [{ low: first.low, high: ranges.at(-1)!.high }];
}
