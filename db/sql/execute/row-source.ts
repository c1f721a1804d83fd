/** Stored rows along a plan's way into its table, now or as of a position, each with its key. Nothing is decoded here. */
import { TruthError } from '../../errors.ts';
import type { Sequence } from '../../types.ts';
import type { Table } from '../catalog/index.ts';
import type { EvaluationContext } from '../expression/index.ts';
import type { AccessPath } from '../plan/access-path.ts';
import { keyRanges, pointKey } from '../plan/key-order.ts';
import type { RowsPlan } from '../plan/read-plan.ts';
import type { KeyRange, Space, StoredVersion, StoreReader } from '../store/index.ts';
import type { Budget } from './budget.ts';
import type { ReadLog } from './read-log.ts';

/** A state of the store to read from. */
export interface Source {
  readonly reader: StoreReader;
  /** Null: the reader's present. */
  readonly at: Sequence | null;
  readonly budget: Budget;
  /** Notes what an answer rests on. */
  readonly reads: ReadLog;
}

/** `limit`: more rows are not wanted; null: all. */
export function* storedRows(
  { table, path }: RowsPlan,
  source: Source,
  context: EvaluationContext,
  limit: number | null,
): Generator<StoredVersion> {
  const { order, restrictions, reverse } = path;
  if (path.point) {
    const row = pointRow(table, path, source, context);
    if (row !== null) yield row;
    return;
  }
  const ranges = keyRanges(order.types, restrictions, context);
  if (reverse) ranges.reverse();
  let left = limit;
  for (const range of ranges) {
    if (left === 0) return;
    source.reads.range(order.space, range);
    for (const entry of scan(path, range, source, left)) {
      source.budget.examine();
      yield order.index === null ? entry : rowOfEntry(table, entry, source);
      if (left !== null) left -= 1;
    }
  }
}

/** The one row that a point names. */
export function pointRow(
  table: Table,
  { order, restrictions }: AccessPath,
  source: Source,
  context: EvaluationContext,
): StoredVersion | null {
  const key = pointKey(order.types, restrictions, context);
  if (key === null) return null;
  source.budget.examine();
  source.reads.key(order.space, key);
  const found = get(order.space, key, source);
  return found === null || order.index === null ? found : rowOfEntry(table, found, source);
}

function scan(
  { order, reverse }: AccessPath,
  range: KeyRange,
  { reader, at }: Source,
  limit: number | null,
): Iterable<StoredVersion> {
  const options = { range, reverse, limit };
  return at === null ? reader.scan(order.space, options) : reader.scanAt(order.space, options, at);
}

/** An entry of an index has the key of its row as its value. */
function rowOfEntry(table: Table, entry: StoredVersion, source: Source): StoredVersion {
  source.reads.key(table.space, entry.value);
  const row = get(table.space, entry.value, source);
  if (row !== null) return row;
  throw new TruthError(
    'CORRUPT',
    `an index of table "${table.name}" has an entry, written at ${entry.since}, for a row that is not there: the view of tables has to be rebuilt from the log`,
    { sqlstate: 'XX001', table: table.name },
  );
}

function get(space: Space, key: Uint8Array, { reader, at }: Source): StoredVersion | null {
  return at === null ? reader.get(space, key) : reader.getAt(space, key, at);
}
