/**
 * What a backup is to copy: every stable byte of the log, or those after another backup's end. The log may be written all
 * the while: what durable marks cover never changes again, and only that is taken. Every group is validated and the chain
 * followed here, so that a damaged log does not become a damaged backup.
 */
import { setTimeout } from 'node:timers/promises';
import { TruthError } from '../errors.ts';
import type { Disk } from '../io/index.ts';
import { SnapshotStore } from '../snapshot/index.ts';
import type { Sequence } from '../types.ts';
import { listSegments } from '../wal/catalog.ts';
import { lostSegment, readGaps } from '../wal/gaps.ts';
import { readDurableMark, readFloor } from '../wal/metadata.ts';
import { type ScanBreak, Scanner } from '../wal/scanner.ts';
import type { SegmentName } from '../wal/segment.ts';
import { judgeTail } from '../wal/torn-tail.ts';
import { openSegmentInAnyState, type SegmentWalk, walkSegment } from '../wal/walk.ts';
import type { BackupFloor, BackupManifest, BackupPiece, BackupPlace } from './manifest.ts';

/** A stretch of a segment that is to be copied. */
export type PlannedPiece = Omit<BackupPiece, 'sha256'>;

export interface BackupPlan {
  readonly logId: string;
  readonly segmentBytes: number;
  readonly floor: BackupFloor | null;
  readonly gaps: BackupManifest['gaps'];
  readonly pieces: readonly PlannedPiece[];
  readonly end: BackupPlace;
}

interface Source {
  readonly disk: Disk;
  /** The data directory. */
  readonly directory: string;
  readonly progress: (line: string) => void;
}

/** `after`: where the base ends; null for everything. Errors: NOT_FOUND (no log, or nothing durable in it), CORRUPT, FORKED (the base is not of this
 * history), PRUNED (what follows the base is gone). */
export async function planBackup(
  source: Source,
  after: BackupPlace | null,
  baseLogId: string | null,
): Promise<BackupPlan> {
  const { stable, logId, segmentBytes, floor, gaps, names } = await catalogue(source);
  if (baseLogId !== null && baseLogId !== logId) {
    throw new TruthError('FORKED', `the base is a backup of log ${baseLogId}, this is log ${logId}`);
  }
  if (after !== null) checkContinues(source, names, after, stable);
  const pieces: PlannedPiece[] = [];
  let end: BackupPlace | null = after;
  let before: SegmentWalk | null = null;
  for (const name of names) {
    if (after !== null && name.index < after.segment) continue;
    source.progress(`checking segment ${name.index} of ${names.at(-1)?.index}`);
    const walk = walkSegment(source.disk, source.directory, name, ({ sequence }) => sequence <= stable);
    if (lostSegment(gaps, walk.header.index - 1) === null) checkFollows(before, walk);
    before = walk;
    const from = after !== null && name.index === after.segment ? after.offset : 0;
    // A segment of which no group is stable yet belongs to the next backup.
    const complete = walk.sealed || walk.restLost;
    if (walk.commits === 0 && !complete) break;
    if (walk.end.offset > from) {
      const { index, firstSequence } = walk.header;
      pieces.push({ index, firstSequence, offset: from, bytes: walk.end.offset - from, sealed: complete });
    }
    end = placeOf(walk);
  }
  if (end === null) throw nothingYet(source.directory);
  if (end.sequence < stable) throw endsEarly(before, stable);
  return { logId, segmentBytes, floor, gaps: [...gaps], pieces, end };
}

function placeOf({ header, end }: SegmentWalk): BackupPlace {
  return {
    segment: header.index,
    offset: end.offset,
    sequence: end.sequence,
    ordinal: end.ordinal,
    epoch: end.epoch,
    recordedAt: String(end.recordedAt),
    chain: Buffer.from(end.chain).toString('hex'),
  };
}

interface Catalogue {
  readonly stable: Sequence;
  readonly names: readonly SegmentName[];
  readonly floor: BackupFloor | null;
  readonly gaps: ReturnType<typeof readGaps>;
  readonly logId: string;
  readonly segmentBytes: number;
}

const TRIES = 5;
const TRY_MILLIS = 50;

/**
 * Segments up to the stable end. While the log is written, files are renamed between listing and opening, and the end of the
 * last one is in motion: what looks damaged is looked at again.
 */
async function catalogue(source: Source): Promise<Catalogue> {
  for (let attempt = 1; ; attempt++) {
    try {
      return stableEnd(source);
    } catch (error) {
      const moving = error instanceof TruthError && ['CORRUPT', 'PRUNED'].includes(error.code);
      if (!moving || attempt === TRIES) throw error;
      await setTimeout(TRY_MILLIS);
    }
  }
}

/** What the last segment proves durable, and that nothing it proves is missing. */
function stableEnd({ disk, directory }: Source): Catalogue {
  const floor = readFloor(disk, directory);
  const names = listSegments(disk, directory);
  const last = names.at(-1) as SegmentName;
  const walk = walkSegment(disk, directory, last, () => true);
  const closed = readDurableMark(disk, directory)?.sequence ?? (0 as Sequence);
  const behind = walk.found === null ? closed : markBehind(disk, directory, last, walk, closed);
  if (Math.max(closed, behind) > walk.end.sequence) throw brokenAt(walk, Math.max(closed, behind));
  const stable = snapshotMark({ disk, directory }, last, walk, Math.max(walk.mark, closed) as Sequence);
  const { identity } = walk.header;
  return {
    stable,
    names: names.filter(({ firstSequence }) => firstSequence <= stable),
    floor,
    gaps: readGaps(disk, directory),
    logId: Buffer.from(identity.logId).toString('hex'),
    segmentBytes: identity.segmentBytes,
  };
}

/** A snapshot is taken of what is durable, so it vouches for its position where the log bears it out. */
function snapshotMark(
  { disk, directory }: Pick<Source, 'disk' | 'directory'>,
  last: SegmentName,
  { header, end }: SegmentWalk,
  known: Sequence,
): Sequence {
  const logId = Buffer.from(header.identity.logId).toString('hex');
  const newest = new SnapshotStore(disk, directory).newest(logId, end.sequence);
  if (newest === null || newest.sequence <= known) return known;
  const { sequence, chain } = placeOf(
    walkSegment(disk, directory, last, (commit) => commit.sequence <= newest.sequence),
  );
  return sequence === newest.sequence && chain === newest.chain ? (sequence as Sequence) : known;
}

/** Commits behind a break may bear witness that what is broken was durable. */
function markBehind(
  disk: Disk,
  directory: string,
  name: SegmentName,
  { found, end }: SegmentWalk,
  mark: Sequence,
): Sequence {
  const segment = openSegmentInAnyState(disk, directory, name);
  try {
    return judgeTail(disk, new Scanner(disk), segment, found as ScanBreak, {
      accepted: end.sequence,
      mark,
    }).mark;
  } finally {
    disk.close(segment.handle);
  }
}

/** The base's end must be a place of this log's history. */
function checkContinues(
  { disk, directory }: Source,
  names: readonly SegmentName[],
  after: BackupPlace,
  stable: Sequence,
): void {
  const [first] = names;
  if (first !== undefined && after.segment < first.index) {
    throw new TruthError(
      'PRUNED',
      `the base ends at sequence ${after.sequence}; this log was pruned and begins at ${first.firstSequence}. Make a full backup`,
      { first: first.firstSequence },
    );
  }
  const name = names.find(({ index }) => index === after.segment);
  const walk =
    name === undefined || after.sequence > stable
      ? null
      : walkSegment(disk, directory, name, ({ sequence }) => sequence <= after.sequence);
  if (walk !== null && placeOf(walk).offset === after.offset && placeOf(walk).chain === after.chain) return;
  throw new TruthError(
    'FORKED',
    after.sequence > stable
      ? `the base reaches to sequence ${after.sequence}, this log to ${stable}: it has lost commits, or was restored to before them. Make a full backup`
      : `this log has another history at sequence ${after.sequence}, where the base ends. Make a full backup`,
    { sequence: after.sequence, stable },
  );
}

function checkFollows(before: SegmentWalk | null, { fileName, header, found, end }: SegmentWalk): void {
  if (before === null || before.restLost) return;
  const follows = before.sealed && Buffer.compare(header.chainHead, before.end.chain) === 0;
  if (follows) return;
  throw before.found === null
    ? new TruthError('CORRUPT', `segment ${fileName} does not continue the one before it`, {
        segment: fileName,
        offset: 0,
        sequence: end.sequence,
      })
    : brokenAt(before, found?.sequence ?? end.sequence);
}

function nothingYet(directory: string): TruthError {
  return new TruthError(
    'NOT_FOUND',
    `nothing in the log of ${directory} is known to be durable yet; a server that runs marks it within a moment`,
  );
}

function endsEarly(walk: SegmentWalk | null, stable: Sequence): TruthError {
  if (walk !== null && walk.found !== null) return brokenAt(walk, stable);
  return new TruthError('CORRUPT', `the log ends before sequence ${stable}, which is known to be durable`);
}

function brokenAt({ fileName, found }: SegmentWalk, needed: number): TruthError {
  return new TruthError(
    'CORRUPT',
    `segment ${fileName} is damaged at offset ${found?.brokenAt} (${found?.reason}), before sequence ${needed}: no backup is made of it. truthdb wal verify shows the extent`,
    { segment: fileName, offset: found?.brokenAt ?? 0, sequence: found?.sequence ?? needed },
  );
}
