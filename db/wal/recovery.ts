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
import { checkIdentity, listSegments, segmentPath } from './catalog.ts';
import { linkSegmentHeader } from './chain.ts';
import { createSegment, randomSalt } from './create-segment.ts';
import { SEGMENT_HEADER_BYTES } from './format.ts';
import { startBefore, startOfSeal } from './locate.ts';
import type { LogIdentity } from './log.ts';
import { readDurableMark, readEpoch, readLogId } from './metadata.ts';
import { type ScanBreak, type ScannedSeal, Scanner } from './scanner.ts';
import {
  headerSeed,
  isSpareFileName,
  type OpenedSegment,
  openSegment,
  type SegmentName,
  walDirectory,
} from './segment.ts';
import { SparseIndex } from './sparse-index.ts';
import { judgeTail, keepTail, rewriteTail } from './torn-tail.ts';

export interface RecoveryOptions {
  readonly disk: Disk;
  readonly directory: string;
  readonly random: (bytes: number) => Uint8Array;
  /** Sequences that others know to be durable, with who says so: snapshots, views' applied positions. */
  readonly marks: readonly DurableClaim[];
  readonly progress: (message: string) => void;
}

export interface DurableClaim {
  readonly source: string;
  readonly sequence: Sequence;
}

/** A torn tail that was cut off and where its copy is. */
export interface TornTail {
  readonly segment: string;
  readonly offset: number;
  readonly afterSequence: Sequence;
  readonly bytes: number;
  readonly copy: string;
}

export interface Recovered {
  readonly identity: LogIdentity;
  /** All segments, the open one last. */
  readonly segments: readonly SegmentName[];
  readonly end: LogEnd;
  readonly openSegment: {
    readonly offset: number;
    readonly entries: number;
    readonly seed: { readonly low: number; readonly high: number };
    readonly contentHash: Uint8Array;
    readonly index: SparseIndex;
  };
  /** Highest epoch ever used. */
  readonly lastEpoch: Epoch;
  readonly torn: TornTail | null;
}

/** State of the log after an entry. */
export interface LogEnd {
  readonly sequence: Sequence;
  readonly ordinal: CommitOrdinal;
  readonly recordedAt: RecordedAt;
  readonly epoch: Epoch;
  readonly chain: Uint8Array;
}

/** The caller holds the directory's lock. Throws CORRUPT with segment, offset and sequence where it must not go on. */
export function recoverLog(options: RecoveryOptions): Recovered {
  const { disk, directory } = options;
  removeSpares(disk, directory);
  const scanner = new Scanner(disk);
  const found = listSegments(disk, directory);
  const segments: SegmentName[] = [];
  let end: LogEnd = LOG_START;
  let identity: LogIdentity | null = null;
  for (const [at, name] of found.entries()) {
    identity ??= readIdentity(options, name);
    const last = at === found.length - 1;
    if (last && name.state === 'open') {
      const outcome = recoverOpen(options, scanner, name, end, identity);
      if (outcome.kind === 'open') return finish(options, [...segments, name], identity, outcome);
      end = outcome.end;
    } else {
      end = readSealed(disk, directory, scanner, name, end, identity);
    }
    segments.push(name.state === 'open' ? renameSealed(disk, directory, name) : name);
  }
  if (identity === null) throw new Error('a log of no segments was recovered');
  const next = createNext(options, identity, segments.at(-1)?.index ?? 0, end);
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
      readonly openSegment: Recovered['openSegment'];
      readonly torn: TornTail | null;
    }
  | { readonly kind: 'sealed'; readonly end: LogEnd };

function finish(
  { disk, directory }: RecoveryOptions,
  segments: readonly SegmentName[],
  identity: LogIdentity,
  { end, openSegment: open, torn }: OpenOutcome & { kind: 'open' },
): Recovered {
  const lastEpoch = Math.max(end.epoch, readEpoch(disk, directory)) as Epoch;
  return { identity, segments, end, openSegment: open, lastEpoch, torn };
}

function removeSpares(disk: Disk, directory: string): void {
  const wal = walDirectory(directory);
  const spares = disk.list(wal).filter(isSpareFileName);
  for (const name of spares) disk.unlink(join(wal, name));
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
    const recordedAt = lastRecordedAt(disk, scanner, segment, seal);
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

function lastRecordedAt(disk: Disk, scanner: Scanner, segment: OpenedSegment, seal: ScannedSeal): RecordedAt {
  const start = startBefore(disk, segment, seal.offset);
  if (start === null) return segment.header.lastRecordedAt;
  scanner.start(segment, start);
  const commit = scanner.next();
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
    const walk = walkOpen(scanner, segment, before, options.progress);
    if (walk.seal !== null) return { kind: 'sealed', end: settleSealed(disk, segment, walk.seal, walk.end) };
    const torn = settleOpen(options, scanner, segment, walk);
    return {
      kind: 'open',
      end: walk.end,
      torn,
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

interface OpenWalk {
  readonly end: LogEnd;
  readonly offset: number;
  readonly index: SparseIndex;
  readonly contentHash: Uint8Array;
  /** Where each commit ended, to find the bytes above a mark. */
  readonly commits: readonly { readonly sequence: Sequence; readonly end: number }[];
  /** Highest durable mark of the commits walked. */
  readonly mark: Sequence;
  readonly seal: ScannedSeal | null;
  readonly found: ScanBreak | null;
}

/** Every byte of the open segment, checksums and chain, up to the first that does not fit. */
function walkOpen(
  scanner: Scanner,
  segment: OpenedSegment,
  before: LogEnd,
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
  progress(`checking the open segment ${segment.name}`);
  for (;;) {
    const scanned = scanner.next();
    if (scanned.kind !== 'commit') {
      const seal = scanned.kind === 'seal' ? scanned : null;
      const found = scanned.kind === 'break' ? scanned : null;
      return {
        end,
        offset: scanned.offset,
        index,
        contentHash: scanner.contentHashState(),
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

function settleOpen(
  options: RecoveryOptions,
  scanner: Scanner,
  segment: OpenedSegment,
  { end, offset, commits, found, mark }: OpenWalk,
): TornTail | null {
  if (found === null) throw new Error('an open segment without a seal ended without a break');
  const { disk, directory, marks } = options;
  const own = readDurableMark(disk, directory);
  const claims: DurableClaim[] = [...marks, { source: 'commits of the open segment', sequence: mark }];
  if (own !== null) claims.push({ source: 'the last clean close', sequence: own.sequence });
  const claim = claims.reduce((a, b) => (b.sequence > a.sequence ? b : a));
  const tail = judgeTail(disk, scanner, segment, found, { accepted: end.sequence, mark: claim.sequence });
  if (tail.kind === 'corrupt') throw corruptTail(segment, found, tail.mark, claim, tail.bytes.length === 0);
  const torn = tail.kind === 'torn' ? cutTail(options, segment, found, end.sequence, tail.bytes) : null;
  // After a clean close the last fdatasync covered everything, so there is nothing the page cache could be hiding.
  if (torn === null && own?.sequence === end.sequence) return null;
  const marked = commits.findLast((commit) => commit.sequence <= tail.mark)?.end ?? SEGMENT_HEADER_BYTES;
  rewriteTail(disk, segment.handle, marked, offset, segment.header.identity.segmentBytes);
  return torn;
}

function cutTail(
  { disk, directory, progress }: RecoveryOptions,
  segment: OpenedSegment,
  found: ScanBreak,
  afterSequence: Sequence,
  bytes: Uint8Array,
): TornTail {
  const copy = keepTail(disk, directory, segment, found.offset, bytes);
  progress(
    `cut a torn tail of ${bytes.length} bytes after sequence ${afterSequence} in ${segment.name}; it was never durable; copy in ${copy}`,
  );
  return { segment: segment.name, offset: found.offset, afterSequence, bytes: bytes.length, copy };
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
): SegmentName {
  return createSegment(disk, directory, {
    identity,
    index: lastIndex + 1,
    firstSequence: (end.sequence + 1) as Sequence,
    epoch: end.epoch,
    salt: randomSalt(random),
    lastOrdinal: end.ordinal,
    lastRecordedAt: end.recordedAt,
    chainHead: end.chain,
  });
}

function corruptTail(
  segment: OpenedSegment,
  found: ScanBreak,
  mark: Sequence,
  claim: DurableClaim,
  ends: boolean,
): TruthError {
  const durable =
    mark >= found.sequence
      ? `sequence ${mark} is known to be durable (${mark === claim.sequence ? claim.source : 'a later commit'})`
      : 'it does not read as zeros, so it was written whole and changed afterwards';
  const what = ends ? 'ends' : `is damaged (${found.reason})`;
  return corrupt(segment, found.brokenAt, found.sequence, `${what} although ${durable}`);
}

function corrupt(segment: OpenedSegment, offset: number, at: Sequence, problem: string): TruthError {
  return new TruthError(
    'CORRUPT',
    `segment ${segment.name} ${problem} (offset ${offset}, sequence ${at}). Nothing was changed. Restore the segment from a backup or a follower; \`truthdb wal verify\` shows the extent of the damage.`,
    { segment: segment.name, offset, sequence: at },
  );
}
