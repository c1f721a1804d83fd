/**
 * Where the log's oldest segments have gone, in `metadata/archives.json`: directories that `wal archive` wrote to or that the
 * configuration names. What was pruned is read from there, validated like everything else, as if it had never been moved. An
 * archive that is not there now is no error: what it has is pruned until it is back.
 *
 *     { "format": 1, "archives": [ "/mnt/archive" ] }
 */
import { isAbsolute, join } from 'node:path';
import { TruthError } from '../errors.ts';
import { type Disk, isNotFound, readSmallFile, writeSmallFile } from '../io/index.ts';
import type { Sequence } from '../types.ts';
import { listBelow } from './catalog.ts';
import { lostSegment, readGaps, restOf } from './gaps.ts';
import { startOfSeal } from './locate.ts';
import { metadataDirectory, readFloor, readLogId } from './metadata.ts';
import { Scanner } from './scanner.ts';
import {
  type OpenedSegment,
  openSegment,
  type SegmentHeader,
  type SegmentName,
  walDirectory,
} from './segment.ts';

export interface ArchivedSegment extends SegmentName {
  /** Directory of the archive. */
  readonly archive: string;
}

const FILE = 'archives.json';
const FORMAT = 1;

/** Remembers an archive, durably. Errors: INVALID_ARGUMENT where it is that of another log. */
export function noteArchive(disk: Disk, directory: string, archive: string): void {
  const [ours, theirs] = [readLogId(disk, directory), readLogId(disk, archive)];
  if (theirs !== null && theirs !== ours) {
    throw new TruthError('INVALID_ARGUMENT', `${archive} is the archive of log ${theirs}, not of ${ours}`);
  }
  const archives = readArchives(disk, directory);
  if (archives.includes(archive)) return;
  const text = `${JSON.stringify({ format: FORMAT, archives: [...archives, archive] })}\n`;
  writeSmallFile(disk, pathIn(directory), new TextEncoder().encode(text));
}

/** Directories, in the order in which they were first used. Errors: CORRUPT. */
export function readArchives(disk: Disk, directory: string): readonly string[] {
  const bytes = readSmallFile(disk, pathIn(directory));
  if (bytes === null) return [];
  const archives = parse(bytes);
  if (archives !== null) return archives;
  throw new TruthError(
    'CORRUPT',
    `${pathIn(directory)} is not what the log wrote there; restore it, or remove it and archive again`,
    { file: pathIn(directory) },
  );
}

/** The segments directly before the one at which the log begins, oldest first, as far as archives have them without a hole. */
export function archivedBefore(disk: Disk, directory: string, index: number): ArchivedSegment[] {
  if (readFloor(disk, directory) === null) return [];
  const found = new Map<number, ArchivedSegment>();
  for (const archive of readArchives(disk, directory)) {
    for (const name of segmentsIn(disk, directory, archive, index)) {
      if (!found.has(name.index)) found.set(name.index, { ...name, archive });
    }
  }
  const gaps = found.size === 0 ? [] : readGaps(disk, directory);
  const segments: ArchivedSegment[] = [];
  for (let at = index - 1; at >= 1; at--) {
    const segment = found.get(at);
    if (segment !== undefined) segments.unshift(segment);
    else if (lostSegment(gaps, at) === null) break;
  }
  return segments;
}

/** Where a log begins, and what archives have of what was pruned. JSON-safe. */
export interface LogBeginning {
  /** First sequence that can be read, here or from an archive that is there. */
  readonly first: Sequence;
  /** First sequence in the log's own directory. */
  readonly floor: Sequence;
  /** What is read from archives, oldest first. */
  readonly archives: readonly {
    readonly directory: string;
    readonly from: Sequence;
    readonly to: Sequence;
  }[];
  /** Why the archives could not be looked at, or null. */
  readonly problem: string | null;
}

export function logBeginning(disk: Disk, directory: string): LogBeginning {
  const floor = readFloor(disk, directory);
  if (floor === null) return { first: 1 as Sequence, floor: 1 as Sequence, archives: [], problem: null };
  try {
    const archives = stretchesOf(archivedBefore(disk, directory, floor.segment), floor.sequence);
    return { first: archives[0]?.from ?? floor.sequence, floor: floor.sequence, archives, problem: null };
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    return { first: floor.sequence, floor: floor.sequence, archives: [], problem };
  }
}

function stretchesOf(segments: readonly ArchivedSegment[], floor: Sequence): LogBeginning['archives'] {
  const stretches: { directory: string; from: Sequence; to: Sequence }[] = [];
  for (const [at, { archive, firstSequence }] of segments.entries()) {
    const to = ((segments[at + 1]?.firstSequence ?? floor) - 1) as Sequence;
    const last = stretches.at(-1);
    if (last?.directory === archive) last.to = to;
    else stretches.push({ directory: archive, from: firstSequence, to });
  }
  return stretches;
}

/** Opens one; `next` is the header of the segment that follows it. Errors: CORRUPT where that does not continue this one. */
export function openArchived(
  disk: Disk,
  directory: string,
  archived: ArchivedSegment,
  next: SegmentHeader,
): OpenedSegment {
  const segment = openUnchecked(disk, archived);
  try {
    if (!continues(disk, directory, segment, next)) throw foreign(archived, segment);
    return segment;
  } catch (error) {
    disk.close(segment.handle);
    throw error;
  }
}

/** The header of one. */
export function headerOfArchived(disk: Disk, archived: ArchivedSegment): SegmentHeader {
  const { handle, header } = openUnchecked(disk, archived);
  disk.close(handle);
  return header;
}

function openUnchecked(disk: Disk, { archive, index, firstSequence, state }: ArchivedSegment): OpenedSegment {
  return openSegment(disk, walDirectory(archive), { index, firstSequence, state }, 'read');
}

/** An archive can hold another branch of the log, of the same name: from before a restore, say. */
function continues(disk: Disk, directory: string, segment: OpenedSegment, next: SegmentHeader): boolean {
  const { identity, index } = segment.header;
  if (Buffer.compare(identity.logId, next.identity.logId) !== 0) return false;
  const lost = restOf(readGaps(disk, directory), index, identity.segmentBytes) !== null;
  return lost || next.index !== index + 1 || sealChain(disk, segment) === hex(next.chainHead);
}

function foreign({ archive }: ArchivedSegment, { name }: OpenedSegment): TruthError {
  return new TruthError(
    'CORRUPT',
    `segment ${name} in the archive ${archive} is not the one that this log goes on from; ` +
      `look at it with \`truthdb wal verify --data ${archive}\``,
    { segment: name, offset: 0 },
  );
}

/** Chain behind a whole segment; null when it does not end with a valid seal. */
function sealChain(disk: Disk, segment: OpenedSegment): string | null {
  const start = startOfSeal(disk, segment);
  if (start === null) return null;
  const scanner = new Scanner(disk);
  scanner.start(segment, start);
  const seal = scanner.next();
  return seal.kind === 'seal' ? hex(seal.chain) : null;
}

function segmentsIn(disk: Disk, directory: string, archive: string, index: number): SegmentName[] {
  try {
    return readLogId(disk, archive) === readLogId(disk, directory) ? listBelow(disk, archive, index) : [];
  } catch (error) {
    if (error instanceof TruthError) throw error;
    if (isNotFound(error)) return [];
    const reason = error instanceof Error ? error.message : String(error);
    throw new TruthError('IO', `the archive ${archive} cannot be read: ${reason}`, {}, { cause: error });
  }
}

function parse(bytes: Uint8Array): string[] | null {
  try {
    const { format, archives } = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
    const valid = format === FORMAT && Array.isArray(archives);
    return valid && archives.every((each) => typeof each === 'string' && isAbsolute(each)) ? archives : null;
  } catch {
    return null;
  }
}

function pathIn(directory: string): string {
  return join(metadataDirectory(directory), FILE);
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
