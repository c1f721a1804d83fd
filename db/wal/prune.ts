/** Removes the oldest segments of a log, once nobody needs them. The log states its floor before the first file goes. */
import { join } from 'node:path';
import type { Disk } from '../io/index.ts';
import type { Sequence } from '../types.ts';
import { listSegments, segmentPath } from './catalog.ts';
import { IndexStore } from './index-store.ts';
import { type Floor, writeFloor } from './metadata.ts';
import { type Hold, segmentsToPrune } from './retention.ts';
import { openSegment, type SegmentName, walDirectory } from './segment.ts';

export interface PruneOptions {
  readonly disk: Disk;
  readonly directory: string;
  /** Entries before this sequence may go; whole segments do. */
  readonly before: Sequence;
  readonly holds: readonly Hold[];
  /** Declares the loss of segments that are in no archive. */
  readonly withoutArchive: boolean;
}

export interface Pruned {
  readonly removed: readonly SegmentName[];
  /** First sequence the log has now. */
  readonly floor: Sequence;
}

/**
 * The caller owns the directory. A crash on the way leaves files below the floor, which nobody sees and the next start
 * removes. Throws LOCKED naming the holder; NOT_FOUND, CORRUPT as discovery does.
 */
export function pruneSegments(options: PruneOptions): Pruned {
  const { disk, directory } = options;
  const segments = listSegments(disk, directory);
  const removed = segmentsToPrune({ ...options, segments });
  const first = segments[removed.length];
  if (first === undefined || removed.length === 0) {
    return { removed: [], floor: segments[0]!.firstSequence };
  }
  // A snapshot that was removed holds nothing any more: it must not come back after a power cut and want what is gone.
  disk.fsyncDirectory(join(directory, 'snapshots'));
  writeFloor(disk, directory, floorAt(disk, directory, first));
  const indexes = new IndexStore(disk, directory);
  for (const name of removed) {
    disk.unlink(segmentPath(directory, name));
    indexes.remove(name.index);
  }
  disk.fsyncDirectory(walDirectory(directory));
  return { removed, floor: first.firstSequence };
}

function floorAt(disk: Disk, directory: string, first: SegmentName): Floor {
  const segment = openSegment(disk, walDirectory(directory), first, 'read');
  disk.close(segment.handle);
  const chain = Buffer.from(segment.header.chainHead).toString('hex');
  return { segment: first.index, sequence: first.firstSequence, chain };
}
