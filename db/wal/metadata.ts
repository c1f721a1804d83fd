/**
 * What the log keeps beside itself, in `metadata/`: each a small JSON file, replaced atomically.
 *
 *     log.json      { "format": 1, "logId": "hex" }            written once by init; must match the segments
 *     epoch.json    { "epoch": 3 }                              written before an epoch's first use
 *     durable.json  { "sequence": 812, "epoch": 3 }             written by a clean close: everything up to there is on disk
 *     floor.json    { "segment": 4, "sequence": 812, "chain": "hex" }   written before segments below it are removed
 *     last-segment.json { "segment": 7 }                        written in idle time and by a clean close: it existed
 *     torn/         copies of torn tails that recovery cut off
 */
import { join } from 'node:path';
import { TruthError } from '../errors.ts';
import { type Disk, readSmallFile, writeSmallFile } from '../io/index.ts';
import { type Epoch, type Sequence, sequence } from '../types.ts';
import { FORMAT_VERSION } from './format.ts';

export interface DurableMark {
  readonly sequence: Sequence;
  readonly epoch: Epoch;
}

/** Whatever JSON the file holds; each field is checked where it is read. */
interface Content {
  readonly logId?: unknown;
  readonly epoch?: unknown;
  readonly sequence?: unknown;
  readonly segment?: unknown;
  readonly chain?: unknown;
}

/** Where the log begins since what was before has been pruned. */
export interface Floor {
  /** Index of the first segment. */
  readonly segment: number;
  /** Its first sequence. */
  readonly sequence: Sequence;
  /** Chain before it, hex. */
  readonly chain: string;
}

export function metadataDirectory(directory: string): string {
  return join(directory, 'metadata');
}

export function tornDirectory(directory: string): string {
  return join(metadataDirectory(directory), 'torn');
}

export function writeLogId(disk: Disk, directory: string, logId: Uint8Array): void {
  write(disk, directory, 'log.json', { format: FORMAT_VERSION, logId: Buffer.from(logId).toString('hex') });
}

/** The log's identity as written by init, or null when there is none. */
export function readLogId(disk: Disk, directory: string): string | null {
  const content = read(disk, directory, 'log.json');
  if (content === null) return null;
  const logId = content.logId;
  if (typeof logId !== 'string' || !/^[0-9a-f]{32}$/.test(logId)) throw unreadable(directory, 'log.json');
  return logId;
}

export function writeEpoch(disk: Disk, directory: string, epoch: Epoch): void {
  write(disk, directory, 'epoch.json', { epoch });
}

/** The highest epoch ever used; 0 for a log never opened. */
export function readEpoch(disk: Disk, directory: string): Epoch {
  const content = read(disk, directory, 'epoch.json');
  return content === null ? (0 as Epoch) : epochOf(content, directory, 'epoch.json');
}

export function writeDurableMark(disk: Disk, directory: string, mark: DurableMark): void {
  write(disk, directory, 'durable.json', { sequence: mark.sequence, epoch: mark.epoch });
}

export function readDurableMark(disk: Disk, directory: string): DurableMark | null {
  const content = read(disk, directory, 'durable.json');
  if (content === null) return null;
  const value = content.sequence;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw unreadable(directory, 'durable.json');
  return { sequence: sequence(value), epoch: epochOf(content, directory, 'durable.json') };
}

export function writeFloor(disk: Disk, directory: string, { segment, sequence, chain }: Floor): void {
  write(disk, directory, 'floor.json', { segment, sequence, chain });
}

/** Null for a log that has all of itself. */
export function readFloor(disk: Disk, directory: string): Floor | null {
  const content = read(disk, directory, 'floor.json');
  if (content === null) return null;
  const { segment, sequence: first, chain } = content;
  if (!isCount(segment) || !isCount(first) || typeof chain !== 'string' || !/^[0-9a-f]{64}$/.test(chain)) {
    throw unreadable(directory, 'floor.json');
  }
  return { segment, sequence: sequence(first), chain };
}

export function writeLastSegment(disk: Disk, directory: string, segment: number): void {
  write(disk, directory, 'last-segment.json', { segment });
}

/** Index of a segment that certainly existed; 0 when none was noted. */
export function readLastSegment(disk: Disk, directory: string): number {
  const content = read(disk, directory, 'last-segment.json');
  if (content === null) return 0;
  if (!isCount(content.segment)) throw unreadable(directory, 'last-segment.json');
  return content.segment;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 1;
}

function epochOf(content: Content, directory: string, name: string): Epoch {
  const epoch = content.epoch;
  if (typeof epoch !== 'number' || !Number.isInteger(epoch) || epoch < 0 || epoch > 0xffff_ffff) {
    throw unreadable(directory, name);
  }
  return epoch as Epoch;
}

function write(disk: Disk, directory: string, name: string, content: object): void {
  const text = `${JSON.stringify(content)}\n`;
  writeSmallFile(disk, join(metadataDirectory(directory), name), new TextEncoder().encode(text));
}

function read(disk: Disk, directory: string, name: string): Content | null {
  const bytes = readSmallFile(disk, join(metadataDirectory(directory), name));
  if (bytes === null) return null;
  try {
    const content: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof content === 'object' && content !== null) return content;
  } catch {
    // Falls through to the one answer for anything unreadable.
  }
  throw unreadable(directory, name);
}

function unreadable(directory: string, name: string): TruthError {
  const path = join(metadataDirectory(directory), name);
  return new TruthError('CORRUPT', `${path} is not what the log wrote there; restore it from a backup`, {
    file: path,
  });
}
