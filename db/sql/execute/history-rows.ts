/**
 * Every version of the rows in a range: what SELECT … HISTORY is over. A deletion is a line of its own, with the values the
 * row had, so that conditions on columns find it. What was erased has a line an entry, behind all others: which rows it was
 * about nobody knows any more.
 */
import { type RecordedAt, SEQUENCE_NONE, type Sequence } from '../../types.ts';
import type { EvaluationContext } from '../expression/index.ts';
import { keyRanges } from '../plan/key-order.ts';
import type { RowsPlan } from '../plan/read-plan.ts';
import { takenEntries, takenFrom } from '../rows/erased-entries.ts';
import type { HistoricVersion, StoreReader } from '../store/index.ts';
import type { Row, SqlValue } from '../types/index.ts';
import { isTrue, ROWS_BETWEEN_PAUSES } from './matching-rows.ts';
import type { Source } from './row-source.ts';

const NANOS_PER_MICRO = 1_000n;
const WRITES_KEPT_MAX = 1_024;

/** Up to a position, by key, then oldest first. Null: a good moment to do something else. */
export function* historyRows(
  plan: RowsPlan,
  source: Source,
  context: EvaluationContext,
  to: Sequence,
): Generator<Row | null> {
  if (!plan.once.every((condition) => condition.evaluate([], context) === true)) return;
  const { order, restrictions } = plan.path;
  const lines = new VersionLines(source.reader);
  let passed = 0;
  for (const range of keyRanges(order.types, restrictions, context)) {
    source.reads.range(plan.table.space, range);
    for (const { version, operation } of changes(source, plan, range, to)) {
      const row = [...lines.of(version, operation, to), ...plan.decoder.decode(version.value)];
      if (isTrue(plan.filter, row, context)) yield row;
      else if (++passed % ROWS_BETWEEN_PAUSES === 0) yield null;
    }
  }
  // A range of keys has no line without one in it.
  if (restrictions.length > 0) return;
  for (const row of erasedLines(plan, source, to)) {
    if (isTrue(plan.filter, row, context)) yield row;
    else if (++passed % ROWS_BETWEEN_PAUSES === 0) yield null;
  }
}

/** By erasure, then oldest first. */
function* erasedLines({ table, wanted }: RowsPlan, { reader, budget }: Source, to: Sequence): Generator<Row> {
  const nothing: readonly SqlValue[] = wanted.map(() => null);
  for (const taken of takenFrom(reader, table.id, SEQUENCE_NONE)) {
    budget.examine();
    if (taken.first > to) continue;
    for (const { sequence, commit } of takenEntries(reader, taken, SEQUENCE_NONE, to)) {
      budget.examine();
      const known = reader.commitAtPosition(commit);
      const recorded = known === null ? null : micros(known.recordedAt);
      yield [BigInt(sequence), BigInt(taken.erasedAt), recorded, null, 'erased', ...nothing];
    }
  }
}

interface Change {
  readonly version: HistoricVersion;
  readonly operation: 'insert' | 'update' | 'delete';
}

function* changes(
  { reader, budget }: Source,
  { table }: RowsPlan,
  range: { readonly from: Uint8Array | null; readonly to: Uint8Array | null },
  to: Sequence,
): Generator<Change> {
  let before: HistoricVersion | null = null;
  for (const version of reader.versions(table.space, range, SEQUENCE_NONE, to)) {
    budget.examine();
    const sameRow = before !== null && Buffer.compare(before.key, version.key) === 0;
    const follows = sameRow && before?.until === version.since;
    if (before !== null && !follows && isOver(before, to)) yield { version: before, operation: 'delete' };
    yield { version, operation: follows ? 'update' : 'insert' };
    before = version;
  }
  if (before !== null && isOver(before, to)) yield { version: before, operation: 'delete' };
}

function isOver({ until }: HistoricVersion, to: Sequence): boolean {
  return until !== null && until <= to;
}

/** Who did what when: the columns of a version that stand before those of its row. */
export class VersionLines {
  readonly #reader: StoreReader;
  readonly #writes = new Map<Sequence, { readonly actor: SqlValue; readonly recorded: SqlValue }>();

  constructor(reader: StoreReader) {
    this.#reader = reader;
  }

  /** In the order of VERSION_COLUMNS. */
  of(version: HistoricVersion, operation: Change['operation'], to: Sequence): SqlValue[] {
    const { since, until } = version;
    const isDelete = operation === 'delete';
    const at = isDelete ? until! : since;
    const { actor, recorded } = this.write(at);
    const end = isDelete || until === null || until > to ? null : BigInt(until);
    return [BigInt(at), end, recorded, actor, operation];
  }

  /** Null where the store does not know. */
  write(at: Sequence): { readonly actor: SqlValue; readonly recorded: SqlValue } {
    let write = this.#writes.get(at);
    if (write === undefined) {
      const known = this.#reader.writeAt(at);
      write = { actor: known?.actor ?? null, recorded: known === null ? null : micros(known.recordedAt) };
      if (this.#writes.size >= WRITES_KEPT_MAX) this.#writes.clear();
      this.#writes.set(at, write);
    }
    return write;
  }
}

function micros(recordedAt: RecordedAt): bigint {
  return recordedAt / NANOS_PER_MICRO;
}
