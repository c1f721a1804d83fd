/** Opens a log for reading only: no lock, nothing changed. Shows what the log itself proves durable. */
import type { Disk } from '../io/index.ts';
import type { Sequence } from '../types.ts';
import { listSegments } from './catalog.ts';
import { SEGMENT_HEADER_BYTES } from './format.ts';
import type { LogIdentity, LogReader } from './log.ts';
import { readDurableMark } from './metadata.ts';
import { SegmentReader } from './reader.ts';
import { Scanner } from './scanner.ts';
import { type OpenedSegment, openSegment, walDirectory } from './segment.ts';
import { SparseIndex } from './sparse-index.ts';

export interface OpenedReader extends LogReader {
  readonly identity: LogIdentity;
  close(): void;
}

/**
 * A reader of a log that this process does not write. `stable` is fixed at what durable marks cover now: after a clean close
 * or 50 ms of idleness everything, otherwise up to the last mark. Throws NOT_FOUND or CORRUPT.
 */
export function openReader({
  directory,
  disk,
}: {
  readonly directory: string;
  readonly disk: Disk;
}): OpenedReader {
  const names = listSegments(disk, directory);
  const last = names.at(-1)!;
  const segment = openSegment(disk, walDirectory(directory), last, 'read');
  const { index, stable } = readEnd(disk, directory, segment);
  disk.close(segment.handle);
  const segments = names.map((name) => ({
    index: name.index,
    firstSequence: name.firstSequence,
    sparse: name === last ? index : null,
    saved: true,
  }));
  const reader = new SegmentReader(disk, directory, segments, {
    stable,
    stablePast: async () => false,
  });
  return Object.assign(reader, { identity: segment.header.identity });
}

/** The last segment's index and the highest sequence that is known to be durable and validates. */
function readEnd(
  disk: Disk,
  directory: string,
  segment: OpenedSegment,
): { index: SparseIndex; stable: Sequence } {
  const { header } = segment;
  const scanner = new Scanner(disk);
  const index = new SparseIndex(header.firstSequence);
  // The segment exists, so the seal before it is durable.
  let stable = (header.firstSequence - 1) as Sequence;
  let end = stable;
  scanner.start(segment, {
    offset: SEGMENT_HEADER_BYTES,
    sequence: header.firstSequence,
    ordinal: header.lastOrdinal,
    chain: null,
    contentHash: false,
  });
  for (;;) {
    const scanned = scanner.next();
    if (scanned.kind === 'break') break;
    index.note(scanned.sequence, scanned.offset);
    end = scanned.sequence;
    if (scanned.durableMark > stable) stable = scanned.durableMark;
    if (scanned.kind === 'seal') break;
  }
  const closed = readDurableMark(disk, directory)?.sequence ?? stable;
  return { index, stable: Math.max(stable, Math.min(closed, end)) as Sequence };
}
