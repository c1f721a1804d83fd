/**
 * What a copy holds when it is opened. Only reads. Sealed segments by header and seal, or every byte of them when asked; the
 * last segment always byte by byte. Damage is not repaired here but described, as the stretch a source has to bring again and
 * the chain that will prove it the same.
 */
import { TruthError } from '../errors.ts';
import { type Disk, isNotFound } from '../io/index.ts';
import type { RecordedAt, Sequence } from '../types.ts';
import { linkSegmentHeader } from '../wal/chain.ts';
import { SEGMENT_HEADER_BYTES } from '../wal/format.ts';
import { gapAt, lostSegment, readGaps, restOf } from '../wal/gaps.ts';
import { startBefore, startOfSeal } from '../wal/locate.ts';
import type { LogIdentity } from '../wal/log.ts';
import { startBehind } from '../wal/resync.ts';
import { Scanner } from '../wal/scanner.ts';
import {
  type OpenedSegment,
  openSegment,
  parseSegmentFileName,
  type SegmentName,
  walDirectory,
} from '../wal/segment.ts';
import type { CopyMark } from './copy-mark.ts';
import { type ChainProof, COPY_START, type CopyEnd, type KnownGap } from './receiver.ts';
import { differs } from './refusals.ts';

/** Segments to bring again: all from `first` on, up to where the last proof holds. */
export interface Damage {
  readonly first: number;
  /** State before the first of them. */
  readonly before: CopyEnd;
  /** What is there of them, to be kept aside. */
  readonly files: readonly SegmentName[];
  /** In order; reaching the last of them completes the repair. */
  readonly proofs: readonly ChainProof[];
  /** For the operator: where it was found. */
  readonly problem: string;
}

export interface Examined {
  readonly identity: LogIdentity | null;
  readonly segments: readonly SegmentName[];
  /** End of what is there and whole; after damage, of what lies behind it. */
  readonly end: CopyEnd;
  readonly damage: readonly Damage[];
  /** What the log has lost and its source has told of. */
  readonly gaps: readonly KnownGap[];
  /** State at the mark, which is durable; null without one, or where damage hides it. */
  readonly marked: CopyEnd | null;
}

export interface ExamineOptions {
  readonly disk: Disk;
  readonly directory: string;
  readonly mark: CopyMark | null;
  /** Every byte of the sealed segments too. */
  readonly everything: boolean;
  readonly progress: (line: string) => void;
}

/** Errors: CORRUPT where two whole segments do not belong together, which nothing a source sends can heal. */
export function examineCopy(options: ExamineOptions): Examined {
  const { disk, directory, mark } = options;
  const segments = listCopy(disk, directory);
  const examination: Examination = {
    options,
    scanner: new Scanner(disk),
    gaps: readGaps(disk, directory),
    identity: null,
    end: COPY_START,
    hole: null,
    damage: [],
    marked: null,
  };
  for (const [at, name] of segments.entries()) examineSegment(examination, name, at === segments.length - 1);
  closeAtMark(examination, mark);
  const { identity, end, damage, gaps, marked } = examination;
  return { identity, segments, end, damage, gaps, marked };
}

/** Segment files by index; none where there is no directory yet. */
export function listCopy(disk: Disk, directory: string): SegmentName[] {
  try {
    const names = disk.list(walDirectory(directory)).flatMap((name) => parseSegmentFileName(name) ?? []);
    return names.sort((a, b) => a.index - b.index);
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}

interface Hole {
  readonly first: number;
  readonly before: CopyEnd;
  readonly files: SegmentName[];
  readonly proofs: ChainProof[];
  readonly problem: string;
}

interface Examination {
  readonly options: ExamineOptions;
  readonly scanner: Scanner;
  readonly gaps: readonly KnownGap[];
  identity: LogIdentity | null;
  end: CopyEnd;
  hole: Hole | null;
  readonly damage: Damage[];
  marked: CopyEnd | null;
}

function examineSegment(examination: Examination, name: SegmentName, last: boolean): void {
  const { disk, directory, everything, progress } = examination.options;
  if (examination.hole === null) passLostSegments(examination, name);
  if (name.index > examination.end.segment + 1 && examination.hole === null) {
    openHole(examination, [], `segment ${examination.end.segment + 1} is missing`, []);
  }
  let segment: OpenedSegment;
  try {
    segment = openSegment(disk, walDirectory(directory), name, 'read');
  } catch (error) {
    if (!(error instanceof TruthError) || error.code !== 'CORRUPT') throw error;
    openHole(examination, [name], error.message, []);
    return;
  }
  try {
    checkContinues(examination, segment);
    if (last || everything) progress(`checking ${segment.name}`);
    if (last || everything) walk(examination, name, segment, last);
    else readSeal(examination, name, segment);
  } finally {
    disk.close(segment.handle);
  }
}

/** Files that are known to be lost need not be there. */
function passLostSegments(examination: Examination, { index }: SegmentName): void {
  for (;;) {
    const { end, gaps } = examination;
    const gap = lostSegment(gaps, end.segment + 1);
    if (gap === null || gap.segment >= index || !end.sealed) return;
    examination.end = { ...end, segment: gap.segment, offset: gap.end, sequence: gap.to, unknown: 'link' };
  }
}

/** From here to the next whole segment everything has to be brought again. */
function openHole(
  examination: Examination,
  files: readonly SegmentName[],
  problem: string,
  proofs: readonly ChainProof[],
): void {
  const { end, hole } = examination;
  if (hole === null) {
    examination.hole = {
      first: end.segment + 1,
      before: end,
      files: [...files],
      proofs: [...proofs],
      problem,
    };
  } else {
    hole.files.push(...files);
    hole.proofs.push(...proofs);
  }
}

/** A whole header ends a hole: it knows the chain that what was before must lead to. */
function checkContinues(examination: Examination, segment: OpenedSegment): void {
  const { header } = segment;
  const { end, hole } = examination;
  const known = examination.identity;
  if (known !== null && differs(known, header.identity)) throw mixed(segment, 'belongs to another log');
  examination.identity = header.identity;
  const before = (header.firstSequence - 1) as Sequence;
  if (hole !== null) {
    hole.proofs.push({ sequence: before, chain: header.chainHead });
    examination.damage.push(hole);
    examination.hole = null;
    examination.end = {
      segment: header.index - 1,
      offset: 0,
      sequence: before,
      chain: header.chainHead,
      ordinal: header.lastOrdinal,
      recordedAt: header.lastRecordedAt,
      epoch: header.epoch,
      sealed: true,
    };
    return;
  }
  const linked =
    end.unknown === 'link' ||
    (header.lastOrdinal === end.ordinal && Buffer.compare(header.chainHead, end.chain) === 0);
  if (before !== end.sequence || !linked)
    throw mixed(segment, `does not continue the segment before it, which ends with ${end.sequence}`);
  if (end.unknown === undefined) return;
  const { lastOrdinal: ordinal, lastRecordedAt: recordedAt } = header;
  examination.end = { ...end, ordinal, recordedAt, unknown: undefined };
}

/** A sealed segment by its seal alone; one whose rest was lost has none. */
function readSeal(examination: Examination, name: SegmentName, segment: OpenedSegment): void {
  const { scanner, options } = examination;
  if (restOf(examination.gaps, name.index, segment.header.identity.segmentBytes) !== null) {
    walk(examination, name, segment, false);
    return;
  }
  const start = startOfSeal(options.disk, segment);
  if (start !== null) scanner.start(segment, start);
  const seal = start === null ? null : scanner.next();
  if (start === null || seal?.kind !== 'seal') {
    openHole(examination, [name], `${segment.name} does not end with a valid seal`, []);
    return;
  }
  const lost = examination.gaps.some((gap) => gap.segment === name.index && gap.end === seal.offset);
  const recordedAt = lost ? segment.header.lastRecordedAt : recordedBefore(examination, segment, seal.offset);
  if (recordedAt === null) {
    openHole(examination, [name], `${segment.name} has an invalid group before its seal`, []);
    return;
  }
  const { end: offset, sequence, chain, epoch } = seal;
  examination.end = {
    segment: name.index,
    offset,
    sequence,
    chain,
    epoch,
    recordedAt,
    ordinal: start.ordinal,
    sealed: true,
    unknown: lost ? 'moment' : undefined,
  };
  noteMark(examination, segment, examination.end);
}

function recordedBefore(
  { scanner, options }: Examination,
  segment: OpenedSegment,
  sealOffset: number,
): RecordedAt | null {
  const start = startBefore(options.disk, segment, sealOffset);
  if (start === null) return segment.header.lastRecordedAt;
  scanner.start(segment, start);
  const commit = scanner.next();
  return commit.kind === 'commit' ? commit.recordedAt : null;
}

/** Every byte of a segment, up to its seal or the first that does not fit. */
function walk(examination: Examination, name: SegmentName, segment: OpenedSegment, last: boolean): void {
  const { options } = examination;
  const { mark } = options;
  const { header, headerBytes } = segment;
  const before = examination.end;
  let end: CopyEnd = {
    ...before,
    segment: header.index,
    offset: SEGMENT_HEADER_BYTES,
    chain: linkSegmentHeader(header.chainHead, headerBytes),
    sealed: false,
  };
  examination.scanner.start(segment, {
    offset: SEGMENT_HEADER_BYTES,
    sequence: header.firstSequence,
    ordinal: before.ordinal,
    chain: end.chain,
    contentHash: true,
  });
  let unknown: CopyEnd['unknown'];
  let { ordinal } = end;
  for (;;) {
    const scanned = examination.scanner.next();
    const gap = scanned.kind === 'break' ? gapAt(examination.gaps, header.index, scanned.offset) : null;
    if (gap !== null) {
      const rest = gap.end >= header.identity.segmentBytes;
      // Nothing is known to lie behind it where it is the last: the source will tell of it again.
      if (rest && last) break;
      if (rest) {
        end = { ...end, offset: gap.end, sequence: gap.to, sealed: true, unknown: 'link' };
        break;
      }
      const behind = startBehind(options.disk, segment, gap);
      examination.scanner.start(segment, behind);
      ({ ordinal } = behind);
      unknown = 'moment';
      continue;
    }
    if (scanned.kind === 'break') {
      const whole = { sequence: end.sequence, chain: end.chain };
      const lost = last && mark !== null && mark.sequence > end.sequence;
      if (last && !lost) break;
      const problem = `${segment.name} is damaged at offset ${scanned.brokenAt} (${scanned.reason}), sequence ${scanned.sequence}`;
      openHole(examination, [name], problem, end.sequence > before.sequence ? [whole] : []);
      return;
    }
    end = {
      ...end,
      offset: scanned.end,
      sequence: scanned.sequence,
      chain: scanned.chain,
      epoch: scanned.epoch,
    };
    if (scanned.kind === 'seal') {
      end = { ...end, ordinal, sealed: true, unknown };
      noteMark(examination, segment, end);
      break;
    }
    ({ ordinal } = scanned);
    unknown = undefined;
    end = { ...end, ordinal, recordedAt: scanned.recordedAt };
    noteMark(examination, segment, end);
  }
  examination.end = end;
}

/** The mark names the chain at its place: another one there is another log. */
function noteMark(examination: Examination, segment: OpenedSegment, end: CopyEnd): void {
  const { mark } = examination.options;
  if (mark === null || mark.segment !== end.segment || mark.offset !== end.offset) return;
  if (Buffer.compare(mark.chain, end.chain) !== 0) {
    throw mixed(segment, `has another chain at sequence ${end.sequence} than metadata/follower.json says`);
  }
  examination.marked = end;
}

/** What the mark knows beyond the end has been here and is gone. */
function closeAtMark(examination: Examination, mark: CopyMark | null): void {
  const proof = mark === null ? null : { sequence: mark.sequence, chain: mark.chain };
  if (proof !== null && proof.sequence > examination.end.sequence) {
    openHole(
      examination,
      [],
      `what was on disk up to sequence ${proof.sequence} is missing behind ${examination.end.sequence}`,
      [],
    );
    examination.hole?.proofs.push(proof);
  }
  if (examination.hole !== null) examination.damage.push(examination.hole);
  examination.hole = null;
}

function mixed(segment: OpenedSegment, problem: string): TruthError {
  return new TruthError(
    'CORRUPT',
    `segment ${segment.name} of this copy ${problem}. Nothing was changed. Bring together what belongs together, or start a new copy in an empty directory`,
    { segment: segment.name, offset: 0, side: 'copy' },
  );
}
