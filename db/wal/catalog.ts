/** The segments of a log, as a directory scan finds them: complete, in order, of one log. */
import { join } from 'node:path';
import { TruthError } from '../errors.ts';
import { type Disk, isNotFound } from '../io/index.ts';
import { type Gap, lostSegment, readGaps } from './gaps.ts';
import type { LogIdentity } from './log.ts';
import { readFloor, readLastSegment } from './metadata.ts';
import {
  type OpenedSegment,
  parseSegmentFileName,
  type SegmentName,
  segmentFileName,
  walDirectory,
} from './segment.ts';

/**
 * Segment files by index, from the log's floor on. Throws CORRUPT naming what is missing or twice; NOT_FOUND where there is
 * no log.
 */
export function listSegments(disk: Disk, directory: string): SegmentName[] {
  // Read before the list: a writer notes a segment only after it exists.
  const noted = readLastSegment(disk, directory);
  const floor = readFloor(disk, directory);
  const gaps = readGaps(disk, directory);
  const names = listBelow(disk, directory, Number.POSITIVE_INFINITY).filter(
    ({ index }) => index >= (floor?.segment ?? 1) && lostSegment(gaps, index) === null,
  );
  // Somebody has pruned meanwhile.
  if (readFloor(disk, directory)?.segment !== floor?.segment) return listSegments(disk, directory);
  if (names.length === 0) {
    throw new TruthError(
      'NOT_FOUND',
      `there is no log in ${walDirectory(directory)}; \`truthdb init --data ${directory}\` makes one`,
      { directory },
    );
  }
  for (const [at, name] of names.entries()) {
    checkNeighbours(names[at - 1] ?? null, name, floor?.segment ?? 1, gaps);
  }
  checkLast(names.at(-1)!, noted, gaps);
  return names;
}

/** Segment files with a lower index, in order: what a prune that was interrupted has left below the floor. */
export function listBelow(disk: Disk, directory: string, index: number): SegmentName[] {
  return listWal(disk, directory)
    .flatMap((name) => parseSegmentFileName(name) ?? [])
    .filter((name) => name.index < index)
    .sort((a, b) => a.index - b.index);
}

export function hasSegments(disk: Disk, directory: string): boolean {
  return listWal(disk, directory).some((name) => parseSegmentFileName(name) !== null);
}

/** All segments must carry the identity of the first. */
export function checkIdentity(expected: LogIdentity, segment: Pick<OpenedSegment, 'name' | 'header'>): void {
  const { identity } = segment.header;
  const same =
    Buffer.compare(identity.logId, expected.logId) === 0 &&
    identity.segmentBytes === expected.segmentBytes &&
    identity.entryBytesMax === expected.entryBytesMax;
  if (same) return;
  throw new TruthError(
    'CORRUPT',
    `segment ${segment.name} belongs to log ${hex(identity.logId)}, the others to log ${hex(expected.logId)}; remove the foreign file`,
    { segment: segment.name, offset: 0 },
  );
}

function listWal(disk: Disk, directory: string): string[] {
  try {
    return disk.list(walDirectory(directory));
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}

function checkNeighbours(
  previous: SegmentName | null,
  name: SegmentName,
  first: number,
  gaps: readonly Gap[],
): void {
  let expected = previous === null ? first : previous.index + 1;
  while (lostSegment(gaps, expected) !== null) expected += 1;
  if (name.index === expected) return;
  const found = fileName(name);
  if (previous !== null && name.index === previous.index) {
    throw new TruthError(
      'CORRUPT',
      `segment ${name.index} is there twice, as ${fileName(previous)} and ${found}`,
      {
        segment: found,
      },
    );
  }
  const missing =
    name.index - 1 === expected ? `segment ${expected} is` : `segments ${expected} to ${name.index - 1} are`;
  throw new TruthError('CORRUPT', `${missing} missing before ${found}; restore from a backup or an archive`, {
    segment: found,
    missing: expected,
  });
}

/** The newest segment has no successor that would miss it. */
function checkLast(last: SegmentName, noted: number, gaps: readonly Gap[]): void {
  let found = last.index;
  while (lostSegment(gaps, found + 1) !== null) found += 1;
  if (found >= noted) return;
  const missing = found + 1 === noted ? `segment ${noted} is` : `segments ${found + 1} to ${noted} are`;
  throw new TruthError(
    'CORRUPT',
    `${missing} missing after ${fileName(last)}, as metadata/last-segment.json knows; restore from a backup or a follower`,
    { segment: fileName(last), missing: found + 1 },
  );
}

function fileName(name: SegmentName): string {
  return segmentFileName(name.index, name.firstSequence, name.state);
}

export function segmentPath(directory: string, name: SegmentName): string {
  return join(walDirectory(directory), fileName(name));
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
