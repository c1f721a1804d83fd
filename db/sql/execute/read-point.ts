/** From what a query says about time to a position of the store, and what to say where there is nothing at it. */
import type { TruthError } from '../../errors.ts';
import { type RecordedAt, SEQUENCE_NONE, type Sequence } from '../../types.ts';
import { projectionKey, tableKey } from '../catalog/index.ts';
import type { Moment } from '../plan/moment.ts';
import type { Space, StoreReader } from '../store/index.ts';
import { formatText, type SqlValue, sqlError } from '../types/index.ts';
import type { LogEnd } from './query.ts';

const CATALOG = 0 as Space;
const NANOS_PER_MICRO = 1_000n;

/** Bounds of the definitions of tables and projections within the catalog's space. */
const RELATIONS = { from: tableKey(0), to: projectionKey(0xffff_ffff) };

/**
 * The commit that a moment names: the last one at or before it, SEQUENCE_NONE where nothing was committed yet. A moment is a
 * whole microsecond: a commit recorded within it counts. Errors: INVALID_ARGUMENT (22023) beyond the end of the log.
 */
export function resolveMoment(reader: StoreReader, end: LogEnd | null, moment: Moment): Sequence {
  const last = lastKnown(reader, end);
  if (moment.kind === 'position') {
    if (moment.value < 0n) throw sqlError('22023', `AS OF POSITION ${moment.value}: positions begin with 0`);
    if (moment.value > BigInt(last.sequence)) {
      throw beyond(`position ${moment.value}`, last);
    }
    return (reader.commitAtPosition(Number(moment.value) as Sequence)?.sequence ?? SEQUENCE_NONE) as Sequence;
  }
  if (moment.value > last.recordedAt / NANOS_PER_MICRO) {
    throw beyond(shownMoment(moment.value), last);
  }
  const at = ((moment.value + 1n) * NANOS_PER_MICRO - 1n) as RecordedAt;
  return reader.commitAtTime(at)?.sequence ?? SEQUENCE_NONE;
}

/** Where an answer about the present stands: the store is as of the end of the log even where others wrote last. */
export function presentPosition(reader: StoreReader, end: LogEnd | null): Sequence {
  return lastKnown(reader, end).sequence;
}

/** 42P01, and where the table or projection is to be found in time. */
export function missingTable(
  reader: StoreReader,
  name: string,
  asked: Sequence | null,
  at: number | null,
): TruthError {
  const plain = `relation "${name}" does not exist`;
  if (asked === null) return sqlError('42P01', plain, at);
  const lives = livesOf(reader, name);
  const before = lives.findLast(({ since }) => since <= asked);
  const after = lives.find(({ since }) => since > asked);
  const dropped = before?.until ?? null;
  const hints = [
    dropped === null ? null : `it was dropped or renamed at position ${commitOf(reader, dropped)}`,
    after === undefined ? null : `it was created at position ${commitOf(reader, after.since)}`,
  ].filter((hint) => hint !== null);
  const hint = hints.length === 0 ? '' : `: ${hints.join(', and ')}`;
  return sqlError('42P01', `${plain} at position ${asked}${hint}`, at);
}

/** Position of the commit that an entry belongs to: the first as of which its doing is seen. */
export function commitOf(reader: StoreReader, entry: Sequence): Sequence {
  const write = reader.writeAt(entry);
  return (write === null ? null : reader.commitAtTime(write.recordedAt)?.sequence) ?? entry;
}

interface Life {
  readonly since: Sequence;
  readonly until: Sequence | null;
}

/** When a table or projection had that name: spans without a break between them are one. */
function livesOf(reader: StoreReader, name: string): Life[] {
  const last = reader.position?.sequence ?? SEQUENCE_NONE;
  const lives: Life[] = [];
  for (const { value, since, until } of reader.versions(CATALOG, RELATIONS, SEQUENCE_NONE, last)) {
    const relation = JSON.parse(Buffer.from(value).toString('utf8')) as { readonly name: string };
    if (relation.name !== name) continue;
    const before = lives.at(-1);
    if (before?.until === since) lives[lives.length - 1] = { since: before.since, until };
    else lives.push({ since, until });
  }
  return lives.sort((a, b) => a.since - b.since);
}

function lastKnown(reader: StoreReader, end: LogEnd | null): LogEnd {
  const stored = reader.position;
  const nothing: LogEnd = { sequence: SEQUENCE_NONE, recordedAt: 0n as RecordedAt };
  if (stored === null) return end ?? nothing;
  return end === null || end.sequence < stored.sequence ? stored : end;
}

function beyond(asked: string, last: LogEnd): TruthError {
  const recorded = shownMoment(last.recordedAt / NANOS_PER_MICRO);
  return sqlError(
    '22023',
    `AS OF ${asked} is beyond the last commit, at position ${last.sequence}, recorded ${recorded}: what comes after it is not known yet`,
  );
}

function shownMoment(micros: bigint): string {
  return formatText({ kind: 'timestamp' }, micros as SqlValue & bigint);
}
