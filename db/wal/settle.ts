/**
 * What a start does about the end of the open segment once it has been walked: the marks decide whether what lies behind
 * the last valid commit is nothing, torn, or lost, and what is accepted above them is written once more.
 */
import { TruthError } from '../errors.ts';
import { type Disk, isNoSpace } from '../io/index.ts';
import type { CommitOrdinal, Epoch, RecordedAt, Sequence } from '../types.ts';
import { SEGMENT_HEADER_BYTES } from './format.ts';
import { readDurableMark } from './metadata.ts';
import type { ScanBreak, ScannedSeal, Scanner } from './scanner.ts';
import type { OpenedSegment } from './segment.ts';
import type { SparseIndex } from './sparse-index.ts';
import { judgeTail, keepTail, rewriteTail } from './torn-tail.ts';

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

/** State of the log after an entry. */
export interface LogEnd {
  readonly sequence: Sequence;
  readonly ordinal: CommitOrdinal;
  readonly recordedAt: RecordedAt;
  readonly epoch: Epoch;
  readonly chain: Uint8Array;
}

export interface OpenWalk {
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

/** Where the log lies, and who else knows what was durable. */
export interface SettleOptions {
  readonly disk: Disk;
  readonly directory: string;
  readonly marks: readonly DurableClaim[];
  readonly progress: (message: string) => void;
}

interface Settled {
  readonly torn: TornTail | null;
  readonly refusal: TruthError | null;
}

/** Throws CORRUPT where something durable is missing. */
export function settleOpen(
  options: SettleOptions,
  scanner: Scanner,
  segment: OpenedSegment,
  { end, offset, commits, found, mark }: OpenWalk,
): Settled {
  if (found === null) throw new Error('an open segment without a seal ended without a break');
  const { disk, directory, marks } = options;
  const closed = readDurableMark(disk, directory);
  const own = [{ source: 'commits of the open segment', sequence: mark }];
  if (closed !== null) own.push({ source: 'the last clean close', sequence: closed.sequence });
  const claim = highest(own);
  const tail = judgeTail(disk, scanner, segment, found, { accepted: end.sequence, mark: claim.sequence });
  if (tail.kind === 'corrupt') throw corruptTail(segment, found, tail.mark, claim, tail.bytes.length === 0);
  const others = highest([...marks, claim]);
  // Whoever claims more than the log has vouches for all the log has: there is nothing to settle, and nothing to cut.
  if (others.sequence > end.sequence)
    return { torn: null, refusal: viewAhead(others, end.sequence, tail.bytes.length) };
  const proven = Math.max(tail.mark, others.sequence);
  const marked = commits.findLast((commit) => commit.sequence <= proven)?.end ?? SEGMENT_HEADER_BYTES;
  const { segmentBytes } = segment.header.identity;
  if (tail.kind === 'torn') {
    const torn = cutTail(options, segment, found, end.sequence, tail.bytes);
    rewriteTail(disk, segment.handle, marked, offset, torn instanceof TruthError ? offset : segmentBytes);
    return torn instanceof TruthError ? { torn: null, refusal: torn } : { torn, refusal: null };
  }
  // After a clean close the last fdatasync covered everything, so there is nothing the page cache could be hiding.
  if (closed?.sequence !== end.sequence) rewriteTail(disk, segment.handle, marked, offset, segmentBytes);
  return { torn: null, refusal: null };
}

function highest(claims: readonly DurableClaim[]): DurableClaim {
  return claims.reduce((a, b) => (b.sequence > a.sequence ? b : a));
}

function viewAhead(
  { source, sequence: claimed }: DurableClaim,
  end: Sequence,
  brokenBytes: number,
): TruthError {
  const behind = brokenBytes === 0 ? '' : `, and behind it lie ${brokenBytes} bytes that do not validate`;
  return new TruthError(
    'VIEW_AHEAD',
    `the log ends with sequence ${end}${behind}, but ${source} holds commits up to ${claimed}: durable commits are missing. ` +
      'It can be read; it is not written until they are back from a copy of the log or the loss is accepted.',
    { sequence: end, claimed },
  );
}

function cutTail(
  { disk, directory, progress }: SettleOptions,
  segment: OpenedSegment,
  found: ScanBreak,
  afterSequence: Sequence,
  bytes: Uint8Array,
): TornTail | TruthError {
  const copy = unlessFull('the copy of a torn tail', () =>
    keepTail(disk, directory, segment, found.offset, bytes),
  );
  if (copy instanceof TruthError) return copy;
  progress(
    `cut a torn tail of ${bytes.length} bytes after sequence ${afterSequence} in ${segment.name}; it was never durable; copy in ${copy}`,
  );
  return { segment: segment.name, offset: found.offset, afterSequence, bytes: bytes.length, copy };
}

/** What `work` gives, or DISK_FULL where the disk has no room for what it makes. */
export function unlessFull<T>(what: string, work: () => T): T | TruthError {
  try {
    return work();
  } catch (error) {
    if (!isNoSpace(error)) throw error;
    return new TruthError(
      'DISK_FULL',
      `there is no space for ${what}; reading goes on, writing resumes by itself when space is freed`,
      { retryAfterMillis: DISK_FULL_RETRY_MILLIS },
      { cause: error },
    );
  }
}

/** How often a log that cannot be written for lack of space looks again. */
export const DISK_FULL_RETRY_MILLIS = 1000;

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

/** Damage that keeps a log from being written. */
export function corrupt(segment: OpenedSegment, offset: number, at: Sequence, problem: string): TruthError {
  return new TruthError(
    'CORRUPT',
    `segment ${segment.name} ${problem} (offset ${offset}, sequence ${at}). Nothing was changed. Restore the segment from a backup or a follower; \`truthdb wal verify\` shows the extent of the damage, \`truthdb wal isolate\` declares it lost.`,
    { segment: segment.name, offset, sequence: at },
  );
}
