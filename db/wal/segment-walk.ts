/** Everything in a segment from its beginning to its end: groups, the seal, and between them what does not validate. */
import type { Disk } from '../io/index.ts';
import type { Sequence } from '../types.ts';
import { linkSegmentHeader } from './chain.ts';
import { SEGMENT_HEADER_BYTES } from './format.ts';
import { type Gap, gapAt } from './gaps.ts';
import { groupBehind, startBehind } from './resync.ts';
import type { BreakReason, ScanBreak, ScannedCommit, ScannedSeal, Scanner } from './scanner.ts';
import type { OpenedSegment } from './segment.ts';

/** A stretch of whole groups that cannot be read, with readable ones behind it, or up to the segment's end. */
export interface LostRange {
  /** `gap`: declared lost. `damage`: not, or not yet. */
  readonly kind: 'gap' | 'damage';
  readonly offset: number;
  readonly end: number;
  readonly firstSequence: Sequence;
  /** Last sequence lost. */
  readonly sequence: Sequence;
  /** The entry that does not validate, and why. */
  readonly brokenAt: number;
  readonly reason: BreakReason;
}

/** Ends with the seal, with a break behind which nothing is readable, or with a gap up to the segment's end. */
export function* walkSegment(
  disk: Pick<Disk, 'pread'>,
  scanner: Scanner,
  segment: OpenedSegment,
  gaps: readonly Gap[],
): Generator<ScannedCommit | ScannedSeal | ScanBreak | LostRange> {
  const { header, headerBytes } = segment;
  let next = header.firstSequence;
  scanner.start(segment, {
    offset: SEGMENT_HEADER_BYTES,
    sequence: next,
    ordinal: header.lastOrdinal,
    chain: linkSegmentHeader(header.chainHead, headerBytes),
    contentHash: true,
  });
  for (;;) {
    const scanned = scanner.next();
    if (scanned.kind !== 'break') {
      yield scanned;
      if (scanned.kind === 'seal') return;
      next = (scanned.sequence + 1) as Sequence;
      continue;
    }
    const { offset, brokenAt, reason } = scanned;
    const gap = gapAt(gaps, header.index, offset);
    if (gap !== null) {
      yield {
        kind: 'gap',
        offset,
        end: gap.end,
        firstSequence: gap.from,
        sequence: gap.to,
        brokenAt,
        reason,
      };
      if (gap.end >= header.identity.segmentBytes) return;
      scanner.start(segment, startBehind(disk, segment, gap));
      next = (gap.to + 1) as Sequence;
      continue;
    }
    const behind = groupBehind(disk, scanner, segment, scanned);
    if (behind === null) {
      yield scanned;
      return;
    }
    const sequence = (behind.sequence - 1) as Sequence;
    yield { kind: 'damage', offset, end: behind.offset, firstSequence: next, sequence, brokenAt, reason };
    scanner.start(segment, { ...behind, chain: 'restart' });
    next = behind.sequence;
  }
}
