/**
 * Walks a log's groups from the beginning of a segment, checksums and chain, as far as it is wanted: to find where a
 * sequence or a moment lies and what the chain is there. Goes around what was declared lost. Needs no lock and changes
 * nothing.
 */
import { TruthError } from '../errors.ts';
import { type Disk, isNotFound } from '../io/index.ts';
import type { CommitOrdinal, Epoch, RecordedAt, Sequence } from '../types.ts';
import { linkSegmentHeader } from './chain.ts';
import { SEGMENT_HEADER_BYTES, SEGMENT_STATES } from './format.ts';
import { gapAt, readGaps } from './gaps.ts';
import { startBehind } from './resync.ts';
import { type ScanBreak, type ScannedCommit, Scanner } from './scanner.ts';
import {
  type OpenedSegment,
  openSegment,
  type SegmentHeader,
  type SegmentName,
  segmentFileName,
  walDirectory,
} from './segment.ts';

/** State of the log after a group or seal, and where that ends. */
export interface WalkPlace {
  /** Offset in the segment's file. */
  readonly offset: number;
  readonly sequence: Sequence;
  readonly ordinal: CommitOrdinal;
  readonly recordedAt: RecordedAt;
  readonly epoch: Epoch;
  readonly chain: Uint8Array;
}

export interface SegmentWalk {
  /** Of the file as it was found; the writer may have renamed it since it was listed. */
  readonly fileName: string;
  readonly header: SegmentHeader;
  readonly headerBytes: Uint8Array;
  /** After the last group that was wanted. Before the first one it has the header's word, and the header's epoch. */
  readonly end: WalkPlace;
  readonly commits: number;
  /** Highest durable mark in what was walked: everything up to there is on the disk of whoever wrote it. */
  readonly mark: Sequence;
  /** The walk came to the seal, which is part of `end`. */
  readonly sealed: boolean;
  /** The segment's rest was declared lost, and is wanted: the log goes on in the next one. */
  readonly restLost: boolean;
  /** What the walk came to that is no group; null where it was not wanted further. */
  readonly found: ScanBreak | null;
}

/** Errors: CORRUPT for an unreadable header, those of the disk. Everything else is in the answer. */
export function walkSegment(
  disk: Disk,
  directory: string,
  name: SegmentName,
  wanted: (commit: { readonly sequence: Sequence; readonly recordedAt: RecordedAt }) => boolean,
): SegmentWalk {
  const segment = openSegmentInAnyState(disk, directory, name);
  try {
    const { header, headerBytes } = segment;
    const scanner = new Scanner(disk);
    const first: WalkPlace = {
      offset: SEGMENT_HEADER_BYTES,
      sequence: (header.firstSequence - 1) as Sequence,
      ordinal: header.lastOrdinal,
      recordedAt: header.lastRecordedAt,
      epoch: header.epoch,
      chain: linkSegmentHeader(header.chainHead, headerBytes),
    };
    scanner.start(segment, { ...first, sequence: header.firstSequence, contentHash: true });
    const gaps = readGaps(disk, directory);
    const walk = { fileName: segment.name, header, headerBytes, sealed: false, restLost: false, found: null };
    let end = first;
    let mark = first.sequence;
    let commits = 0;
    for (;;) {
      const scanned = scanner.next();
      if (scanned.kind === 'break') {
        const gap = gapAt(gaps, header.index, scanned.offset);
        if (gap === null) return { ...walk, end, commits, mark, found: scanned };
        if (gap.end >= header.identity.segmentBytes) {
          const restLost = wanted({ sequence: gap.to, recordedAt: end.recordedAt });
          return { ...walk, end, commits, mark, restLost };
        }
        // The end moves on only with a group behind the gap: no log is to end inside one.
        scanner.start(segment, startBehind(disk, segment, gap));
        continue;
      }
      if (!wanted({ sequence: scanned.sequence, recordedAt: recordedAtOf(scanned, end) }))
        return { ...walk, end, commits, mark };
      const { sequence, epoch, chain } = scanned;
      mark = Math.max(mark, scanned.durableMark) as Sequence;
      if (scanned.kind === 'seal') {
        end = { ...end, offset: scanned.end, sequence, epoch, chain };
        return { ...walk, end, commits, mark, sealed: true };
      }
      const { ordinal, recordedAt } = scanned;
      end = { offset: scanned.end, sequence, ordinal, recordedAt, epoch, chain };
      commits += 1;
    }
  } finally {
    disk.close(segment.handle);
  }
}

/** A seal belongs to the moment of the commit before it. */
function recordedAtOf(
  scanned: ScannedCommit | { readonly kind: 'seal' },
  before: { readonly recordedAt: RecordedAt },
): RecordedAt {
  return scanned.kind === 'commit' ? scanned.recordedAt : before.recordedAt;
}

/** The writer may rename the file between listing and opening; states only move forward. Errors: PRUNED, CORRUPT. */
export function openSegmentInAnyState(
  disk: Disk,
  directory: string,
  { index, firstSequence, state }: SegmentName,
): OpenedSegment {
  for (const each of SEGMENT_STATES.slice(SEGMENT_STATES.indexOf(state))) {
    try {
      return openSegment(disk, walDirectory(directory), { index, firstSequence, state: each }, 'read');
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
  const fileName = segmentFileName(index, firstSequence, state);
  throw new TruthError(
    'PRUNED',
    `segment ${fileName} is no longer there: it was moved or pruned meanwhile; begin again`,
    { segment: fileName },
  );
}
