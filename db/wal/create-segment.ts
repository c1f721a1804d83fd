/** Makes a segment where no writer is running yet: the first one, and the one a crash during rollover kept from being made. */
import { join } from 'node:path';
import type { Disk } from '../io/index.ts';
import { segmentPath } from './catalog.ts';
import {
  encodeSegmentHeader,
  type SegmentHeader,
  type SegmentName,
  spareFileName,
  walDirectory,
} from './segment.ts';
import { createSpare } from './spares.ts';

/** Durable and in its place when this returns. */
export function createSegment(disk: Disk, directory: string, header: SegmentHeader): SegmentName {
  const wal = walDirectory(directory);
  const name = { index: header.index, firstSequence: header.firstSequence, state: 'open' } as const;
  const spare = createSpare(disk, join(wal, spareFileName(0)), header.identity.segmentBytes);
  try {
    disk.pwrite(spare.handle, encodeSegmentHeader(header), 0);
    disk.fdatasync(spare.handle);
  } finally {
    disk.close(spare.handle);
  }
  disk.rename(spare.path, segmentPath(directory, name));
  disk.fsyncDirectory(wal);
  return name;
}

export function randomSalt(random: (bytes: number) => Uint8Array): bigint {
  return new DataView(random(8).slice().buffer).getBigUint64(0, true);
}
