/**
 * Checks a whole log from its bytes alone: every header, checksum, footer, padding, sequence, chain link, seal and every byte
 * that must be zero. Changes nothing and needs no lock; of a log that is being written the very end may be in motion.
 */
import { TruthError } from '../errors.ts';
import type { Disk } from '../io/index.ts';
import type { CommitOrdinal, Epoch, RecordedAt, Sequence } from '../types.ts';
import { checkIdentity, listSegments } from './catalog.ts';
import { linkSegmentHeader } from './chain.ts';
import { SEGMENT_HEADER_BYTES, type SegmentState } from './format.ts';
import { type Gap, gapAt, lostSegment, readGaps, restOf } from './gaps.ts';
import type { LogIdentity } from './log.ts';
import { readDurableMark, readFloor } from './metadata.ts';
import { startBehind } from './resync.ts';
import { type ScanBreak, type ScannedCommit, type ScannedSeal, Scanner } from './scanner.ts';
import {
  type OpenedSegment,
  openSegment,
  type SegmentName,
  segmentFileName,
  walDirectory,
} from './segment.ts';
import { judgeTail } from './torn-tail.ts';
import { firstNonZero } from './zeros.ts';

export interface VerifyOptions {
  readonly directory: string;
  readonly disk: Disk;
  readonly progress?: (message: string) => void;
}

export interface VerifyProblem {
  readonly segment: string;
  readonly offset: number;
  /** Sequence expected there, or null where that is unknown. */
  readonly sequence: number | null;
  readonly problem: string;
}

export interface SegmentReport {
  readonly name: string;
  readonly index: number;
  readonly state: SegmentState;
  readonly firstSequence: number;
  /** Last sequence that validates; below `firstSequence` if none does. */
  readonly lastSequence: number;
  readonly commits: number;
  /** Bytes up to the last valid one. */
  readonly bytes: number;
}

export interface VerifyReport {
  /** True when there is no problem. A torn tail is none: nothing durable is missing. */
  readonly ok: boolean;
  /** Hex. */
  readonly logId: string;
  readonly segments: readonly SegmentReport[];
  /** First sequence there is: 1 unless the log was pruned. */
  readonly firstSequence: number;
  readonly commits: number;
  readonly lastSequence: number;
  /** Chain at the end, hex. */
  readonly chain: string;
  readonly problems: readonly VerifyProblem[];
  /** Ranges that were declared lost. What lies on both sides is whole by itself; that it belongs together is unproven. */
  readonly gaps: readonly Gap[];
  /** Bytes behind the last commit that a start would cut off. */
  readonly tornTail: { readonly segment: string; readonly offset: number; readonly bytes: number } | null;
}

/** Throws NOT_FOUND or, when files of the log are missing, CORRUPT. Everything else is reported. */
export function verifyLog({ disk, directory, progress = () => {} }: VerifyOptions): VerifyReport {
  const names = listSegments(disk, directory);
  const scanner = new Scanner(disk);
  const verification: Verification = {
    gaps: readGaps(disk, directory).map(({ recorded: _, ...gap }) => gap),
    problems: [],
    tornTail: null,
    identity: null,
    end: null,
  };
  const segments: SegmentReport[] = [];
  for (const [at, name] of names.entries()) {
    progress(
      `segment ${at + 1} of ${names.length}: ${segmentFileName(name.index, name.firstSequence, name.state)}`,
    );
    segments.push(
      verifySegment(verification, {
        disk,
        directory,
        scanner,
        name,
        first: names[0]!,
        last: at === names.length - 1,
      }),
    );
  }
  const { problems, gaps, tornTail, identity, end } = verification;
  return {
    ok: problems.length === 0,
    logId: identity === null ? '' : hex(identity.logId),
    segments,
    firstSequence: segments[0]?.firstSequence ?? 1,
    commits: segments.reduce((sum, segment) => sum + segment.commits, 0),
    lastSequence: segments.at(-1)?.lastSequence ?? 0,
    chain: end === null ? '' : hex(end.chain),
    problems,
    gaps,
    tornTail,
  };
}

interface Verification {
  readonly gaps: readonly Gap[];
  readonly problems: VerifyProblem[];
  tornTail: VerifyReport['tornTail'];
  identity: LogIdentity | null;
  /** State after the segment before; null when that one was damaged and the next must be taken at its word. */
  end: End | null;
}

interface End {
  readonly sequence: Sequence;
  readonly ordinal: CommitOrdinal;
  readonly chain: Uint8Array;
  readonly recordedAt: RecordedAt;
  readonly epoch: Epoch;
}

interface Place {
  readonly disk: Disk;
  readonly directory: string;
  readonly scanner: Scanner;
  readonly name: SegmentName;
  readonly first: SegmentName;
  readonly last: boolean;
}

function verifySegment(verification: Verification, place: Place): SegmentReport {
  const { disk, directory, name } = place;
  let segment: OpenedSegment;
  try {
    segment = openSegment(disk, walDirectory(directory), name, 'read');
  } catch (error) {
    return unreadableHeader(verification, name, error);
  }
  try {
    checkHeader(verification, segment);
    if (name === place.first) checkStart(verification, place, segment);
    return walkSegment(verification, place, segment);
  } finally {
    disk.close(segment.handle);
  }
}

function unreadableHeader(verification: Verification, name: SegmentName, error: unknown): SegmentReport {
  if (!(error instanceof TruthError)) throw error;
  const fileName = segmentFileName(name.index, name.firstSequence, name.state);
  verification.problems.push({ segment: fileName, offset: 0, sequence: null, problem: error.message });
  verification.end = null;
  return { ...name, name: fileName, lastSequence: name.firstSequence - 1, commits: 0, bytes: 0 };
}

function checkHeader(verification: Verification, segment: OpenedSegment): void {
  const { header, name } = segment;
  const problem = (text: string): void => {
    verification.problems.push({ segment: name, offset: 0, sequence: header.firstSequence, problem: text });
  };
  verification.identity ??= header.identity;
  try {
    checkIdentity(verification.identity, segment);
  } catch (error) {
    problem(error instanceof Error ? error.message : String(error));
  }
  const { end, gaps } = verification;
  const before = restOf(gaps, header.index - 1, header.identity.segmentBytes);
  if (before !== null && header.firstSequence !== before.to + 1) {
    problem(`does not continue the gap before it, which ends with sequence ${before.to}`);
  }
  if (before !== null || end === null) return;
  if (header.firstSequence !== end.sequence + 1 || header.lastOrdinal !== end.ordinal) {
    problem(`does not continue sequence ${end.sequence} and commit ${end.ordinal} of the segment before it`);
  } else if (Buffer.compare(header.chainHead, end.chain) !== 0) {
    problem('its chain does not continue the one of the segment before it');
  }
}

/** The first segment begins the log, or stands where the log was pruned. */
function checkStart(
  { problems, gaps }: Verification,
  { disk, directory }: Place,
  { header, name }: OpenedSegment,
): void {
  if (lostSegment(gaps, header.index - 1) !== null) return;
  const floor = readFloor(disk, directory);
  const chain = floor?.chain ?? '00'.repeat(header.chainHead.length);
  if (header.firstSequence === (floor?.sequence ?? 1) && hex(header.chainHead) === chain) return;
  const where =
    floor === null ? 'the beginning of a log' : `the floor of this log, sequence ${floor.sequence}`;
  problems.push({ segment: name, offset: 0, sequence: header.firstSequence, problem: `is not ${where}` });
}

function walkSegment(verification: Verification, place: Place, segment: OpenedSegment): SegmentReport {
  const { scanner } = place;
  const { header } = segment;
  let end: End = {
    sequence: (header.firstSequence - 1) as Sequence,
    ordinal: header.lastOrdinal,
    chain: linkSegmentHeader(header.chainHead, segment.headerBytes),
    recordedAt: header.lastRecordedAt,
    epoch: header.epoch,
  };
  let commits = 0;
  let bytes = SEGMENT_HEADER_BYTES;
  let mark = 0 as Sequence;
  scanner.start(segment, { offset: bytes, ...end, sequence: header.firstSequence, contentHash: true });
  for (;;) {
    const scanned = scanner.next();
    const gap = scanned.kind === 'break' ? gapAt(verification.gaps, header.index, scanned.offset) : null;
    if (gap !== null && gap.end >= header.identity.segmentBytes) {
      verification.end = null;
      break;
    }
    if (gap !== null) {
      const behind = startBehind(place.disk, segment, gap);
      scanner.start(segment, behind);
      end = { ...end, sequence: gap.to, ordinal: behind.ordinal };
      continue;
    }
    if (scanned.kind === 'break') {
      endOpen(verification, place, segment, scanned, end, mark);
      break;
    }
    bytes = scanned.end;
    if (scanned.kind === 'seal') {
      end = { ...end, sequence: scanned.sequence, chain: scanned.chain, epoch: scanned.epoch };
      endSealed(verification, place, segment, scanned);
      verification.end = end;
      break;
    }
    checkCommit(verification, segment, scanned, end);
    commits += 1;
    mark = Math.max(mark, scanned.durableMark) as Sequence;
    end = scanned;
  }
  return {
    name: segment.name,
    index: header.index,
    state: place.name.state,
    firstSequence: header.firstSequence,
    lastSequence: end.sequence,
    commits,
    bytes,
  };
}

/** What the checksums cannot know: that the commits make sense one after the other. */
function checkCommit(
  verification: Verification,
  segment: OpenedSegment,
  commit: ScannedCommit,
  before: End,
): void {
  const report = (problem: string): void => {
    verification.problems.push({
      segment: segment.name,
      offset: commit.offset,
      sequence: commit.sequence,
      problem,
    });
  };
  if (commit.recordedAt <= before.recordedAt) report('its recorded-at is not later than the one before');
  if (commit.epoch < before.epoch)
    report(`its epoch ${commit.epoch} is lower than ${before.epoch} before it`);
  if (commit.durableMark >= commit.firstSequence)
    report(`its durable mark ${commit.durableMark} lies ahead of it`);
}

function endSealed(
  verification: Verification,
  place: Place,
  segment: OpenedSegment,
  seal: ScannedSeal,
): void {
  const report = (offset: number, problem: string): void => {
    verification.problems.push({ segment: segment.name, offset, sequence: seal.sequence, problem });
  };
  if (seal.entryCount !== seal.sequence - segment.header.firstSequence) {
    report(
      seal.offset,
      `its seal counts ${seal.entryCount} entries, there are ${seal.sequence - segment.header.firstSequence}`,
    );
  }
  const stray = strayByte(place.disk, segment, seal.end);
  if (stray !== null) report(stray, 'a byte after the seal is not zero');
}

/** A break: the end of the open segment, clean or torn, or damage. */
function endOpen(
  verification: Verification,
  { disk, directory, scanner, name, last }: Place,
  segment: OpenedSegment,
  found: ScanBreak,
  end: End,
  mark: Sequence,
): void {
  const report = (problem: string): void => {
    verification.problems.push({
      segment: segment.name,
      offset: found.brokenAt,
      sequence: found.sequence,
      problem,
    });
    verification.end = null;
  };
  if (!last || name.state !== 'open') {
    report(`no valid entry here (${found.reason}), and no seal behind it`);
    return;
  }
  const clean = readDurableMark(disk, directory)?.sequence ?? (0 as Sequence);
  const known = Math.max(clean, mark) as Sequence;
  const tail = judgeTail(disk, scanner, segment, found, { accepted: end.sequence, mark: known });
  if (tail.kind === 'corrupt') {
    report(`no valid entry here (${found.reason}), where one was durable`);
    return;
  }
  verification.end = end;
  if (tail.kind === 'torn') {
    verification.tornTail = { segment: segment.name, offset: found.offset, bytes: tail.bytes.length };
  }
}

const BLOCK_BYTES = 1024 * 1024;

function strayByte(disk: Disk, { handle, header }: OpenedSegment, from: number): number | null {
  const block = new Uint8Array(BLOCK_BYTES);
  for (let at = from; at < header.identity.segmentBytes; at += block.length) {
    const length = Math.min(block.length, header.identity.segmentBytes - at);
    const count = disk.pread(handle, block, length, at);
    const found = firstNonZero(block.subarray(0, count));
    if (found >= 0) return at + found;
  }
  return null;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
