/**
 * What the log keeps beside itself, in `metadata/`: each a small JSON file, replaced atomically.
 *
 *     log.json      { "format": 1, "logId": "hex" }            written once by init; must match the segments
 *     epoch.json    { "epoch": 3 }                              written before an epoch's first use
 *     durable.json  { "sequence": 812, "epoch": 3 }             written by a clean close: everything up to there is on disk
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
