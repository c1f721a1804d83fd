/**
 * Opens what a crash, or a clean close, left behind. Reads headers and seals of sealed segments and every byte of the open
 * one; accepts the longest valid prefix that ends with a commit; decides about what lies behind it (torn-tail.ts); writes
 * the accepted bytes above the highest durable mark once more and zeros after them, because what the page cache shows need
 * not be on the disk.
 *
 * States a crash during rollover leaves, all normal:
 *     open segment ends with its seal            → rename it, make the next
 *     sealed segment, no open one                → make the next
 *     sealed under its open name, next one open  → rename it
 */
import { join } from 'node:path';
import { TruthError } from '../errors.ts';
import type { Disk } from '../io/index.ts';
import type { CommitOrdinal, Epoch, RecordedAt, Sequence } from '../types.ts';
import { checkIdentity, listBelow, listSegments, segmentPath } from './catalog.ts';
import { linkSegmentHeader } from './chain.ts';
import { createSegment, randomSalt } from './create-segment.ts';
import { SEGMENT_HEADER_BYTES } from './format.ts';
import { type Gap, gapAt, lostSegment, readGaps, restOf } from './gaps.ts';
import { startBefore, startOfSeal } from './locate.ts';
import type { LogIdentity } from './log.ts';
import { readEpoch, readFloor, readLogId } from './metadata.ts';
import { startBehind } from './resync.ts';
import { type ScannedSeal, Scanner } from './scanner.ts';
import {
  headerSeed,
  isSpareFileName,
  type OpenedSegment,
  openSegment,
  type SegmentName,
  walDirectory,
} from './segment.ts';
import {
  corrupt,
  type DurableClaim,
  type LogEnd,
  type OpenWalk,
  settleOpen,
  type TornTail,
  unlessFull,
} from './settle.ts';
import { SparseIndex } from './sparse-index.ts';
import { rewriteTail } from './torn-tail.ts';

export interface RecoveryOptions {
  readonly disk: Disk;
  readonly directory: string;
  readonly random: (bytes: number) => Uint8Array;
  /** Sequences that others know to be durable, with who says so: snapshots, views' applied positions. One past the log's
   * own end and marks makes it read-only. */
  readonly marks: readonly DurableClaim[];
  readonly progress: (message: string) => void;
}

export interface Recovered {
  readonly identity: LogIdentity;
  /** All segments, the open one last. */
  readonly segments: readonly SegmentName[];
  readonly end: LogEnd;
  /** Null where there was no space for the segment that should follow the last one. */
  readonly openSegment: OpenSegment | null;
  /** Highest epoch ever used. */
  readonly lastEpoch: Epoch;
  readonly torn: TornTail | null;
  /** Why the log can be read and must not be written: VIEW_AHEAD, or DISK_FULL until recovering again succeeds. */
  readonly refusal: TruthError | null;
}

/** Where the open segment goes on. */
export interface OpenSegment {
  readonly offset: number;
  readonly entries: number;
  readonly seed: { readonly low: number; readonly high: number };
  readonly contentHash: Uint8Array;
  readonly index: SparseIndex;
}

/** The caller holds the directory's lock. Throws CORRUPT with segment, offset and sequence where it must not go on. */
export function recoverLog(options: RecoveryOptions): Recovered {
  const { disk, directory } = options;
  removeSpares(disk, directory);
  // A process killed between a rename and its sync leaves names that only the page cache knows.
  disk.fsyncDirectory(walDirectory(directory));
  const scanner = new Scanner(disk);
  const found = listSegments(disk, directory);
  finishPruning(disk, directory);
  const segments: SegmentName[] = [];
  let end: LogEnd = startOfLog(disk, directory, found[0]!);
  let identity: LogIdentity | null = null;
  const gaps = readGaps(disk, directory);
  for (const [at, name] of found.entries()) {
    identity ??= readIdentity(options, name);
    const last = at === found.length - 1;
    const { segmentBytes } = identity;
    const gapBefore = restOf(gaps, name.index - 1, segmentBytes);
    if (gapBefore !== null) end = stateBehind(disk, directory, gapBefore, name);
    const rest = restOf(gaps, name.index, segmentBytes);
    if (rest !== null) {
      // The next segment, once it is there, says where the log goes on.
      if (last) end = jumped(stateAtGap(options, scanner, name, end, gaps), rest);
    } else if (last && name.state === 'open') {
      const outcome = recoverOpen(options, scanner, name, end, identity);
      if (outcome.kind === 'open') return finish(options, [...segments, name], identity, outcome);
      end = outcome.end;
    } else {
      end = readSealed(disk, directory, scanner, name, end, identity);
    }
    segments.push(name.state === 'open' ? renameSealed(disk, directory, name) : name);
  }
  if (identity === null) throw new Error('a log of no segments was recovered');
  let lastIndex = segments.at(-1)?.index ?? 0;
  for (let lost = lostSegment(gaps, lastIndex + 1); lost !== null; lost = lostSegment(gaps, lastIndex + 1)) {
    end = jumped(end, lost);
    lastIndex += 1;
  }
  const next = createNext(options, identity, lastIndex, end);
  if (next instanceof TruthError) {
    return finish(options, segments, identity, {
      kind: 'open',
      end,
      openSegment: null,
      torn: null,
      refusal: next,
    });
  }
  const outcome = recoverOpen(options, scanner, next, end, identity);
  if (outcome.kind !== 'open') throw new Error('a new segment was found sealed');
  return finish(options, [...segments, next], identity, outcome);
}

const LOG_START: LogEnd = {
  sequence: 0 as Sequence,
  ordinal: 0 as CommitOrdinal,
  recordedAt: 0n as RecordedAt,
  epoch: 0 as Epoch,
  chain: new Uint8Array(32),
};

/** The open segment goes on, or it turned out to be sealed already. */
type OpenOutcome =
  | {
      readonly kind: 'open';
      readonly end: LogEnd;
      readonly openSegment: OpenSegment | null;
      readonly torn: TornTail | null;
      readonly refusal: TruthError | null;
    }
  | { readonly kind: 'sealed'; readonly end: LogEnd };

function finish(
  { disk, directory }: RecoveryOptions,
  segments: readonly SegmentName[],
  identity: LogIdentity,
  { end, openSegment, torn, refusal }: OpenOutcome & { kind: 'open' },
): Recovered {
  const lastEpoch = Math.max(end.epoch, readEpoch(disk, directory)) as Epoch;
  return { identity, segments, end, openSegment, lastEpoch, torn, refusal };
}

function removeSpares(disk: Disk, directory: string): void {
  const wal = walDirectory(directory);
  const spares = disk.list(wal).filter(isSpareFileName);
  for (const name of spares) disk.unlink(join(wal, name));
}

/** Segments below the floor are gone by declaration; a crash kept their files from being removed. */
function finishPruning(disk: Disk, directory: string): void {
  const floor = readFloor(disk, directory);
  if (floor === null) return;
  const below = listBelow(disk, directory, floor.segment);
  for (const name of below) disk.unlink(segmentPath(directory, name));
  if (below.length > 0) disk.fsyncDirectory(walDirectory(directory));
}

/** State before the first segment: nothing, or what the header of the segment at the floor says, if the floor bears it out. */
function startOfLog(disk: Disk, directory: string, first: SegmentName): LogEnd {
  const floor = readFloor(disk, directory);
  if (floor === null) return LOG_START;
  const segment = openSegment(disk, walDirectory(directory), first, 'read');
  disk.close(segment.handle);
  const { firstSequence, lastOrdinal, lastRecordedAt, chainHead, epoch } = segment.header;
  if (firstSequence !== floor.sequence || Buffer.from(chainHead).toString('hex') !== floor.chain) {
    throw corrupt(segment, 0, firstSequence, 'is not the one at which the log was pruned');
  }
  const sequence = (firstSequence - 1) as Sequence;
  return { sequence, ordinal: lastOrdinal, recordedAt: lastRecordedAt, epoch, chain: chainHead };
}

/** What the segment behind a gap says of the state before it. */
function stateBehind(disk: Disk, directory: string, gap: Gap, name: SegmentName): LogEnd {
  const segment = openSegment(disk, walDirectory(directory), name, 'read');
  disk.close(segment.handle);
  const { firstSequence, lastOrdinal, lastRecordedAt, chainHead, epoch } = segment.header;
  if (firstSequence !== gap.to + 1) {
    throw corrupt(
      segment,
      0,
      firstSequence,
      `does not continue the gap before it, which ends with sequence ${gap.to}`,
    );
  }
  return { sequence: gap.to, ordinal: lastOrdinal, recordedAt: lastRecordedAt, epoch, chain: chainHead };
}

/** State at the last group before the rest of the segment was lost. */
function stateAtGap(
  { disk, directory, progress }: RecoveryOptions,
  scanner: Scanner,
  name: SegmentName,
  before: LogEnd,
  gaps: readonly Gap[],
): LogEnd {
  const segment = openSegment(disk, walDirectory(directory), name, 'read');
  try {
    return walkOpen(disk, scanner, segment, before, gaps, progress).end;
  } finally {
    disk.close(segment.handle);
  }
}

/** Behind a gap. Nobody knows how many commits were lost; each took a sequence at least, so no ordinal comes twice. */
function jumped(end: LogEnd, { from, to }: Gap): LogEnd {
  return { ...end, sequence: to, ordinal: (end.ordinal + to - from + 1) as CommitOrdinal };
}

function readIdentity({ disk, directory }: RecoveryOptions, name: SegmentName): LogIdentity {
  const segment = openSegment(disk, walDirectory(directory), name, 'read');
  disk.close(segment.handle);
  const { identity } = segment.header;
  const logId = readLogId(disk, directory);
  const found = Buffer.from(identity.logId).toString('hex');
  if (logId !== null && logId !== found) {
    throw new TruthError(
      'CORRUPT',
      `metadata/log.json names log ${logId}, but ${segment.name} belongs to log ${found}; bring together what belongs together`,
      { segment: segment.name, offset: 0 },
    );
  }
  return identity;
}

/** State after a sealed segment, from its header and seal alone. */
function readSealed(
  disk: Disk,
  directory: string,
  scanner: Scanner,
  name: SegmentName,
  before: LogEnd,
  identity: LogIdentity,
): LogEnd {
  const segment = openSegment(disk, walDirectory(directory), name, 'read');
  try {
    checkIdentity(identity, segment);
    checkContinues(before, segment);
    const start = startOfSeal(disk, segment);
    if (start === null)
      throw corrupt(
        segment,
        SEGMENT_HEADER_BYTES,
        before.sequence,
        'has no seal, but a later segment exists',
      );
    scanner.start(segment, start);
    const seal = scanner.next();
    if (seal.kind !== 'seal')
      throw corrupt(segment, start.offset, start.sequence, 'does not end with a valid seal');
    const recordedAt = lastRecordedAt(disk, directory, scanner, segment, seal);
    return {
      sequence: seal.sequence,
      ordinal: start.ordinal,
      recordedAt,
      epoch: seal.epoch,
      chain: seal.chain,
    };
  } finally {
    disk.close(segment.handle);
  }
}

function lastRecordedAt(
  disk: Disk,
  directory: string,
  scanner: Scanner,
  segment: OpenedSegment,
  seal: ScannedSeal,
): RecordedAt {
  const start = startBefore(disk, segment, seal.offset);
  if (start === null) return segment.header.lastRecordedAt;
  scanner.start(segment, start);
  const commit = scanner.next();
  if (
    commit.kind !== 'commit' &&
    readGaps(disk, directory).some((gap) => gap.segment === segment.header.index)
  )
    return segment.header.lastRecordedAt;
  if (commit.kind !== 'commit')
    throw corrupt(segment, start.offset, start.sequence, 'has an invalid group before its seal');
  return commit.recordedAt;
}

function checkContinues(before: LogEnd, segment: OpenedSegment): void {
  const { header } = segment;
  const continues =
    header.firstSequence === before.sequence + 1 &&
    header.lastOrdinal === before.ordinal &&
    Buffer.compare(header.chainHead, before.chain) === 0;
  if (continues) return;
  throw corrupt(
    segment,
    0,
    before.sequence,
    `does not continue the segment before it, which ends with sequence ${before.sequence}: it comes from another branch of this log`,
  );
}

function recoverOpen(
  options: RecoveryOptions,
  scanner: Scanner,
  name: SegmentName,
  before: LogEnd,
  identity: LogIdentity,
): OpenOutcome {
  const { disk, directory } = options;
  const segment = openSegment(disk, walDirectory(directory), name, 'write');
  try {
    checkIdentity(identity, segment);
    checkContinues(before, segment);
    const gaps = readGaps(disk, directory);
    const walk = walkOpen(disk, scanner, segment, before, gaps, options.progress);
    if (walk.seal !== null) return { kind: 'sealed', end: settleSealed(disk, segment, walk.seal, walk.end) };
    return {
      kind: 'open',
      end: walk.end,
      ...settleOpen(options, scanner, segment, walk),
      openSegment: {
        offset: walk.offset,
        entries: walk.end.sequence - before.sequence,
        seed: headerSeed(segment.headerBytes),
        contentHash: walk.contentHash,
        index: walk.index,
      },
    };
  } finally {
    disk.close(segment.handle);
  }
}

/** Every byte of the open segment, checksums and chain, up to the first that does not fit. */
function walkOpen(
  disk: Disk,
  scanner: Scanner,
  segment: OpenedSegment,
  before: LogEnd,
  gaps: readonly Gap[],
  progress: (message: string) => void,
): OpenWalk {
  const { header, headerBytes } = segment;
  const index = new SparseIndex(header.firstSequence);
  const commits: { sequence: Sequence; end: number }[] = [];
  let mark = before.sequence;
  let end: LogEnd = {
    ...before,
    recordedAt: header.lastRecordedAt,
    epoch: Math.max(header.epoch, before.epoch) as Epoch,
    chain: linkSegmentHeader(header.chainHead, headerBytes),
  };
  scanner.start(segment, {
    offset: SEGMENT_HEADER_BYTES,
    sequence: header.firstSequence,
    ordinal: before.ordinal,
    chain: end.chain,
    contentHash: true,
  });
  let crossed = false;
  progress(`checking the open segment ${segment.name}`);
  for (;;) {
    const scanned = scanner.next();
    const gap = scanned.kind === 'break' ? gapAt(gaps, header.index, scanned.offset) : null;
    if (gap !== null && gap.end < header.identity.segmentBytes) {
      index.note(gap.to, gap.offset);
      scanner.start(segment, startBehind(disk, segment, gap));
      crossed = true;
      continue;
    }
    if (scanned.kind !== 'commit') {
      const seal = scanned.kind === 'seal' ? scanned : null;
      const found = scanned.kind === 'break' ? scanned : null;
      return {
        end,
        offset: scanned.offset,
        index,
        contentHash: crossed ? scanner.contentHashOf(segment, scanned.offset) : scanner.contentHashState(),
        commits,
        mark,
        seal,
        found,
      };
    }
    const { sequence, ordinal, recordedAt, epoch, chain } = scanned;
    end = { sequence, ordinal, recordedAt, epoch, chain };
    index.note(sequence, scanned.offset);
    commits.push({ sequence, end: scanned.end });
    if (scanned.durableMark > mark) mark = scanned.durableMark;
  }
}

/** A seal whose sync may not have finished is written once more before anything relies on it. */
function settleSealed(disk: Disk, segment: OpenedSegment, seal: ScannedSeal, end: LogEnd): LogEnd {
  rewriteTail(disk, segment.handle, SEGMENT_HEADER_BYTES, seal.end, segment.header.identity.segmentBytes);
  return { ...end, sequence: seal.sequence, epoch: seal.epoch, chain: seal.chain };
}

function renameSealed(disk: Disk, directory: string, name: SegmentName): SegmentName {
  const sealed = { ...name, state: 'sealed' } as const;
  disk.rename(segmentPath(directory, name), segmentPath(directory, sealed));
  disk.fsyncDirectory(walDirectory(directory));
  return sealed;
}

function createNext(
  { disk, directory, random }: RecoveryOptions,
  identity: LogIdentity,
  lastIndex: number,
  end: LogEnd,
): SegmentName | TruthError {
  return unlessFull('the next segment', () =>
    createSegment(disk, directory, {
      identity,
      index: lastIndex + 1,
      firstSequence: (end.sequence + 1) as Sequence,
      epoch: end.epoch,
      salt: randomSalt(random),
      lastOrdinal: end.ordinal,
      lastRecordedAt: end.recordedAt,
      chainHead: end.chain,
    }),
  );
}
