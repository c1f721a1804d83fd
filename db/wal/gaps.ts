/**
 * Ranges of a log that an operator has declared lost (isolate.ts), in `metadata/gaps.json`: each a stretch of one segment
 * file and the sequences it held. Readers that come to one hear GAP, recovery and verification go around it. Each is also
 * an entry of the log itself, in the epoch that began with it.
 *
 *     { "gaps": [ { "segment", "offset", "end", "from", "to", "recorded" } ] }
 */
import { join } from 'node:path';
import { TruthError } from '../errors.ts';
import { type Disk, readSmallFile, writeSmallFile } from '../io/index.ts';
import type { Sequence } from '../types.ts';
import { metadataDirectory } from './metadata.ts';

export interface Gap {
  /** Index of the segment. */
  readonly segment: number;
  /** Bytes [offset, end) of its file. From 0: the whole file is gone. Up to the file's size: the log goes on in the next one. */
  readonly offset: number;
  readonly end: number;
  /** First and last sequence lost. */
  readonly from: Sequence;
  readonly to: Sequence;
}

interface StoredGap extends Gap {
  /** Whether the log has an entry that says so. */
  readonly recorded: boolean;
}

const FILE = 'gaps.json';

/** In the log's order. */
export function readGaps(disk: Disk, directory: string): StoredGap[] {
  const path = join(metadataDirectory(directory), FILE);
  const bytes = readSmallFile(disk, path);
  if (bytes === null) return [];
  const gaps = parse(bytes);
  if (gaps !== null) return gaps;
  throw new TruthError('CORRUPT', `${path} is not what the log wrote there; restore it from a backup`, {
    file: path,
  });
}

/** Adds a gap, durably: from here on it counts. */
export function addGap(disk: Disk, directory: string, gap: Gap): void {
  const gaps = [...readGaps(disk, directory), { ...gap, recorded: false }];
  write(
    disk,
    directory,
    gaps.sort((a, b) => a.from - b.from),
  );
}

/** Adds a gap as another log has it, durably, unless it is known: to a copy. */
export function copyGap(disk: Disk, directory: string, gap: Gap): void {
  if (!readGaps(disk, directory).some((known) => isSameGap(known, gap))) addGap(disk, directory, gap);
}

/** The log has an entry for this gap now. */
export function noteRecordedGap(disk: Disk, directory: string, gap: Gap): void {
  const gaps = readGaps(disk, directory);
  if (!gaps.some((known) => !known.recorded && isSameGap(known, gap))) return;
  write(
    disk,
    directory,
    gaps.map((known) => (isSameGap(known, gap) ? { ...known, recorded: true } : known)),
  );
}

export function isSameGap(a: Gap, b: Gap): boolean {
  return (
    a.segment === b.segment && a.offset === b.offset && a.end === b.end && a.from === b.from && a.to === b.to
  );
}

/** The log has entries for all gaps now. */
export function noteRecorded(disk: Disk, directory: string): void {
  const gaps = readGaps(disk, directory);
  if (gaps.every(({ recorded }) => recorded)) return;
  write(
    disk,
    directory,
    gaps.map((gap) => ({ ...gap, recorded: true })),
  );
}

/** The gap that begins at that place, or null. */
export function gapAt(gaps: readonly Gap[], segment: number, offset: number): Gap | null {
  return gaps.find((gap) => gap.segment === segment && gap.offset === offset) ?? null;
}

/** The gap that holds a sequence, or null. */
export function gapWith(gaps: readonly Gap[], sequence: Sequence): Gap | null {
  return gaps.find(({ from, to }) => sequence >= from && sequence <= to) ?? null;
}

/** The gap that takes a segment's rest, its whole file perhaps; null when it ends with its seal. */
export function restOf(gaps: readonly Gap[], segment: number, segmentBytes: number): Gap | null {
  return gaps.find((gap) => gap.segment === segment && gap.end >= segmentBytes) ?? null;
}

/** The gap that takes a segment's whole file, or null. */
export function lostSegment(gaps: readonly Gap[], segment: number): Gap | null {
  return gapAt(gaps, segment, 0);
}

export function gapError({ from, to }: Pick<Gap, 'from' | 'to'>): TruthError {
  return new TruthError(
    'GAP',
    `sequences ${from} to ${to} of this log were lost and isolated; it goes on with ${to + 1}`,
    { from, to, next: to + 1, previous: from - 1 },
  );
}

function write(disk: Disk, directory: string, gaps: readonly StoredGap[]): void {
  const text = `${JSON.stringify({ gaps }, null, 2)}\n`;
  writeSmallFile(disk, join(metadataDirectory(directory), FILE), new TextEncoder().encode(text));
}

function parse(bytes: Uint8Array): StoredGap[] | null {
  try {
    const { gaps } = JSON.parse(new TextDecoder().decode(bytes)) as { readonly gaps: unknown };
    return Array.isArray(gaps) && gaps.every(isStoredGap) ? gaps : null;
  } catch {
    return null;
  }
}

function isStoredGap(value: unknown): value is StoredGap {
  if (typeof value !== 'object' || value === null) return false;
  const { segment, offset, end, from, to, recorded } = value as Record<string, unknown>;
  const counts = [segment, offset, end, from, to];
  return (
    counts.every((each) => Number.isSafeInteger(each) && Number(each) >= 0) && typeof recorded === 'boolean'
  );
}
