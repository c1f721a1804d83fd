/** Where a restored log is to end: the last commit up to a sequence or a moment. */
import { TruthError } from '../errors.ts';
import type { Disk } from '../io/index.ts';
import { listSegments } from '../wal/catalog.ts';
import { openSegment, type SegmentName, walDirectory } from '../wal/segment.ts';
import { type SegmentWalk, walkSegment } from '../wal/walk.ts';

/** The last commit at or before it; `moment`: nanoseconds since 1970. */
export type RestoreUntil =
  | { readonly kind: 'end' }
  | { readonly kind: 'sequence'; readonly sequence: number }
  | { readonly kind: 'moment'; readonly recordedAt: bigint };

export interface Cut {
  /** Segments that are kept whole, and the one the cut is in, which comes last. */
  readonly segments: readonly SegmentName[];
  readonly last: SegmentWalk;
}

/** Errors: INVALID_ARGUMENT (before the first commit), CORRUPT. */
export function findCut(disk: Disk, directory: string, until: RestoreUntil): Cut {
  const names = listSegments(disk, directory);
  const wanted = (commit: { readonly sequence: number; readonly recordedAt: bigint }): boolean =>
    until.kind === 'end' ||
    (until.kind === 'sequence' ? commit.sequence <= until.sequence : commit.recordedAt <= until.recordedAt);
  const from = names.findLastIndex((name) => mayHold(disk, directory, name, until));
  for (let at = from; at >= 0; at--) {
    const last = walkSegment(disk, directory, names[at]!, wanted);
    // A segment whose first commit is past the cut is left out; the cut is the end of the one before.
    if (last.commits > 0) return { segments: names.slice(0, at + 1), last };
  }
  throw new TruthError(
    'INVALID_ARGUMENT',
    `${shown(until)} lies before the first commit of this backup; nothing would be left`,
  );
}

function mayHold(disk: Disk, directory: string, name: SegmentName, until: RestoreUntil): boolean {
  if (until.kind === 'end') return true;
  if (until.kind === 'sequence') return name.firstSequence <= until.sequence;
  const segment = openSegment(disk, walDirectory(directory), name, 'read');
  disk.close(segment.handle);
  return segment.header.lastRecordedAt <= until.recordedAt;
}

function shown(until: RestoreUntil): string {
  if (until.kind === 'moment') return new Date(Number(until.recordedAt / 1_000_000n)).toISOString();
  return until.kind === 'sequence' ? `sequence ${until.sequence}` : 'the end';
}
