/**
 * Copies sealed segments to another directory, byte for byte, and marks them as archived once the copy has been read back
 * and verified. An archive is laid out like a log, so `truthdb wal verify` and `inspect` read it as it is.
 */
import { dirname, join } from 'node:path';
import { TruthError } from '../errors.ts';
import { type Disk, isNotFound } from '../io/index.ts';
import type { Sequence } from '../types.ts';
import { noteArchive } from './archive-places.ts';
import { listSegments, segmentPath } from './catalog.ts';
import { linkSegmentHeader } from './chain.ts';
import { SEGMENT_HEADER_BYTES } from './format.ts';
import { metadataDirectory, readFloor, readLogId, writeFloor, writeLogId } from './metadata.ts';
import { segmentsToArchive } from './retention.ts';
import { Scanner } from './scanner.ts';
import {
  type OpenedSegment,
  openSegment,
  type SegmentName,
  segmentFileName,
  walDirectory,
} from './segment.ts';

const BLOCK_BYTES = 1024 * 1024;

export interface ArchiveOptions {
  readonly disk: Disk;
  readonly directory: string;
  /** Directory of the archive; made if missing (its parent must exist). */
  readonly to: string;
  /** Segments that end before this sequence. */
  readonly before: Sequence;
  readonly progress: (message: string) => void;
}

/** Safe beside a writer: sealed segments never change. Returns what was archived. Throws CORRUPT, INVALID_ARGUMENT, NOT_FOUND. */
export function archiveSegments(options: ArchiveOptions): SegmentName[] {
  const { disk, directory, to, before, progress } = options;
  const names = segmentsToArchive(listSegments(disk, directory), before);
  if (names.length === 0) return [];
  prepareArchive(disk, directory, to, names[0]!);
  noteArchive(disk, directory, to);
  for (const [at, name] of names.entries()) {
    progress(`archiving segment ${name.index} (${at + 1} of ${names.length})`);
    copySegment(disk, directory, to, name);
    disk.rename(segmentPath(directory, name), segmentPath(directory, { ...name, state: 'archived' }));
    disk.fsyncDirectory(walDirectory(directory));
  }
  return names;
}

/** The archive belongs to one log; it begins where the log begins when its first segment goes there. */
function prepareArchive(disk: Disk, directory: string, to: string, first: SegmentName): void {
  const logId = readLogId(disk, directory) ?? '';
  for (const folder of [to, walDirectory(to), metadataDirectory(to)]) disk.mkdir(folder);
  disk.fsyncDirectory(to);
  // The archive's own name, too: what is pruned for its sake must be found in it.
  disk.fsyncDirectory(dirname(to));
  const there = readLogId(disk, to);
  if (there !== null && there !== logId) {
    throw new TruthError('INVALID_ARGUMENT', `${to} is the archive of log ${there}, not of ${logId}`);
  }
  if (there !== null) return;
  if (first.index > 1) {
    const segment = openSegment(disk, walDirectory(directory), first, 'read');
    disk.close(segment.handle);
    const chain = Buffer.from(segment.header.chainHead).toString('hex');
    if (readFloor(disk, to) === null) {
      writeFloor(disk, to, { segment: first.index, sequence: first.firstSequence, chain });
    }
  }
  writeLogId(disk, to, Buffer.from(logId, 'hex'));
}

function copySegment(disk: Disk, directory: string, to: string, name: SegmentName): void {
  const target = join(walDirectory(to), segmentFileName(name.index, name.firstSequence, 'archived'));
  const temporary = `${target}.tmp`;
  const source = openSegment(disk, walDirectory(directory), name, 'read');
  try {
    checkWhole(disk, source);
    removeIfThere(disk, temporary);
    copyBytes(disk, source, temporary);
  } finally {
    disk.close(source.handle);
  }
  disk.rename(temporary, target);
  disk.fsyncDirectory(walDirectory(to));
  const copy = openSegment(disk, walDirectory(to), { ...name, state: 'archived' }, 'read');
  try {
    checkWhole(disk, copy);
  } finally {
    disk.close(copy.handle);
  }
}

function copyBytes(disk: Disk, { handle, header }: OpenedSegment, path: string): void {
  const { segmentBytes } = header.identity;
  const target = disk.open(path, 'create');
  try {
    disk.allocate(target, segmentBytes);
    const block = new Uint8Array(BLOCK_BYTES);
    for (let at = 0; at < segmentBytes; at += block.length) {
      const part = block.subarray(0, Math.min(block.length, segmentBytes - at));
      disk.pread(handle, part, part.length, at);
      disk.pwrite(target, part, at);
    }
    disk.fsync(target);
  } finally {
    disk.close(target);
  }
}

/** Every checksum, the chain and the seal. */
function checkWhole(disk: Disk, segment: OpenedSegment): void {
  const { header, headerBytes, name } = segment;
  const scanner = new Scanner(disk);
  scanner.start(segment, {
    offset: SEGMENT_HEADER_BYTES,
    sequence: header.firstSequence,
    ordinal: header.lastOrdinal,
    chain: linkSegmentHeader(header.chainHead, headerBytes),
    contentHash: true,
  });
  for (let scanned = scanner.next(); scanned.kind !== 'seal'; scanned = scanner.next()) {
    if (scanned.kind !== 'break') continue;
    throw new TruthError(
      'CORRUPT',
      `segment ${name} is damaged at offset ${scanned.brokenAt} (${scanned.reason}); it was not archived`,
      { segment: name, offset: scanned.brokenAt, sequence: scanned.sequence },
    );
  }
}

function removeIfThere(disk: Disk, path: string): void {
  try {
    disk.unlink(path);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
