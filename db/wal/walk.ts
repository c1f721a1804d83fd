/**
 * Walks a log's groups from the beginning of a segment, checksums and chain, as far as it is wanted: to find where a
 * sequence or a moment lies and what the chain is there. Needs no lock and changes nothing.
 */
import { TruthError } from '../errors.ts';
import { type Disk, isNotFound } from '../io/index.ts';
import type { CommitOrdinal, Epoch, RecordedAt, Sequence } from '../types.ts';
import { linkSegmentHeader } from './chain.ts';
import { SEGMENT_HEADER_BYTES, SEGMENT_STATES } from './format.ts';
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
    const walk = { fileName: segment.name, header, headerBytes };
    let end = first;
    let mark = first.sequence;
    for (let commits = 0; ; commits++) {
      const scanned = scanner.next();
      if (scanned.kind === 'break') return { ...walk, end, commits, mark, sealed: false, found: scanned };
      if (!wanted({ sequence: scanned.sequence, recordedAt: recordedAtOf(scanned, end) }))
        return { ...walk, end, commits, mark, sealed: false, found: null };
      const { sequence, epoch, chain } = scanned;
      mark = Math.max(mark, scanned.durableMark) as Sequence;
      if (scanned.kind === 'seal') {
        end = { ...end, offset: scanned.end, sequence, epoch, chain };
        return { ...walk, end, commits, mark, sealed: true, found: null };
      }
      const { ordinal, recordedAt } = scanned;
      end = { offset: scanned.end, sequence, ordinal, recordedAt, epoch, chain };
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
