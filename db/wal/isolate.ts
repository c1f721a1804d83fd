/**
 * Declares a damaged stretch of a log lost, when an operator says so and names it. The bytes are kept in
 * `metadata/isolated/`, the stretch becomes a gap (gaps.ts), and the next epoch records it in the log itself. Nothing else
 * is touched: what lies before and behind stays readable, readers that come to the gap are told.
 *
 * The order makes every crash harmless: the copy is durable before the gap is noted, and from then on the gap counts,
 * whether or not the damaged bytes have been replaced by zeros.
 */
import { join } from 'node:path';
import { TruthError } from '../errors.ts';
import { type Clock, type Disk, isNotFound, type Scheduler } from '../io/index.ts';
import type { Sequence } from '../types.ts';
import { listBelow, segmentPath } from './catalog.ts';
import { addGap, type Gap, readGaps, restOf } from './gaps.ts';
import { lockedError } from './init.ts';
import { contentEnd, startOfSeal } from './locate.ts';
import { metadataDirectory, readDurableMark, readFloor } from './metadata.ts';
import { openLog } from './open.ts';
import { Scanner } from './scanner.ts';
import {
  type OpenedSegment,
  openSegment,
  type SegmentName,
  segmentFileName,
  walDirectory,
} from './segment.ts';
import { walkSegment } from './segment-walk.ts';
import type { DurableClaim } from './settle.ts';
import { preadWithZeros } from './unreadable.ts';

const BLOCK_BYTES = 1024 * 1024;

export interface IsolateOptions {
  readonly disk: Disk;
  readonly directory: string;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly random: (bytes: number) => Uint8Array;
  /** Index of the damaged segment and a sequence that cannot be read, as `verify` and the failing start name them. */
  readonly segment: number;
  readonly sequence: Sequence;
  /** What others know to have been durable: no sequence up to there is given out again. */
  readonly marks: readonly DurableClaim[];
  readonly progress: (message: string) => void;
}

export interface Isolated extends Gap {
  /** Where the removed bytes are; null when there were none. */
  readonly copy: string | null;
  /** Other damage that keeps the log from opening: the gap counts already, and is recorded in the log once it opens. */
  readonly more: string | null;
}

/** Throws INVALID_ARGUMENT when the damage is not where it is said to be, LOCKED while somebody has the log open. */
export async function isolate(options: IsolateOptions): Promise<Isolated> {
  const { disk, directory, clock, scheduler, random, marks, progress } = options;
  const lock = disk.lock(directory);
  if (lock === null) throw lockedError(directory);
  let isolated: Omit<Isolated, 'more'>;
  try {
    const damage = findDamage(options);
    if (options.sequence < damage.from || options.sequence > damage.to) throw elsewhere(options, damage);
    progress(`keeping the bytes of sequences ${damage.from} to ${damage.to}`);
    isolated = { ...damage, copy: keepBytes(disk, directory, damage) };
    addGap(disk, directory, damage);
    clearBytes(disk, directory, damage);
  } finally {
    lock.release();
  }
  progress(`recording the gap in the log`);
  try {
    const log = await openLog({ disk, directory, clock, scheduler, random, marks, inline: true, progress });
    await log.close();
    return { ...isolated, more: null };
  } catch (error) {
    if (!(error instanceof TruthError) || error.code !== 'CORRUPT') throw error;
    return { ...isolated, more: error.message };
  }
}

/** The first damage of the segment that no gap covers yet. */
function findDamage(options: IsolateOptions): Gap {
  const { disk, directory, segment: index } = options;
  const name = listBelow(disk, directory, index + 1).find((each) => each.index === index);
  const segment = name === undefined ? null : openIfReadable(disk, directory, name);
  if (segment === null) return lostFile(options);
  try {
    const gaps = readGaps(disk, directory);
    let next = segment.header.firstSequence;
    for (const walked of walkSegment(disk, new Scanner(disk), segment, gaps)) {
      if (walked.kind === 'damage') {
        return { segment: index, offset: walked.offset, end: walked.end, from: next, to: walked.sequence };
      }
      if (walked.kind === 'break') return lostRest(options, segment, walked.offset, next);
      next = (walked.sequence + 1) as Sequence;
    }
    throw new TruthError('INVALID_ARGUMENT', `segment ${segment.name} is whole; there is nothing to isolate`);
  } finally {
    disk.close(segment.handle);
  }
}

/** Nothing behind `offset` can be read: the log goes on in the next segment, which is there or will be. */
function lostRest(options: IsolateOptions, segment: OpenedSegment, offset: number, from: Sequence): Gap {
  const { index, identity } = segment.header;
  const successor = firstBehind(options, index);
  const to = successor === null ? highestMark(options, from) : successor - 1;
  const empty = contentEnd(options.disk, segment) <= offset;
  if (successor === null && empty && highestMark(options, 0 as Sequence) < from) {
    throw new TruthError('INVALID_ARGUMENT', `segment ${segment.name} is whole; there is nothing to isolate`);
  }
  return { segment: index, offset, end: identity.segmentBytes, from, to: to as Sequence };
}

/** The file is missing, or its header cannot be trusted with anything. */
function lostFile(options: IsolateOptions): Gap {
  const { disk, directory, segment: index } = options;
  const from = endBefore(options, index);
  const successor = firstBehind(options, index);
  const end = segmentBytesOf(disk, directory);
  const to = successor === null ? highestMark(options, from) : ((successor - 1) as Sequence);
  return { segment: index, offset: 0, end, from, to };
}

/**
 * First sequence behind a segment, as the next one that is there says; null when none is. Where files between are missing
 * too, nobody knows what each held: a sequence at least, which it keeps to be isolated with.
 */
function firstBehind({ disk, directory }: IsolateOptions, index: number): Sequence | null {
  const next = listBelow(disk, directory, Number.POSITIVE_INFINITY).find((each) => each.index > index);
  return next === undefined ? null : ((next.firstSequence - (next.index - index - 1)) as Sequence);
}

/** First sequence that a segment would have, from the one before it. */
function endBefore({ disk, directory }: IsolateOptions, index: number): Sequence {
  const floor = readFloor(disk, directory);
  if (index === (floor?.segment ?? 1)) return floor?.sequence ?? (1 as Sequence);
  const lost = restOf(readGaps(disk, directory), index - 1, segmentBytesOf(disk, directory));
  if (lost !== null) return (lost.to + 1) as Sequence;
  const previous = listBelow(disk, directory, index).at(-1);
  const segment = previous?.index === index - 1 ? openIfReadable(disk, directory, previous) : null;
  if (segment === null) {
    throw new TruthError(
      'INVALID_ARGUMENT',
      `segment ${index - 1} cannot be read either; isolate that one first`,
    );
  }
  try {
    const start = startOfSeal(disk, segment);
    if (start !== null) {
      const scanner = new Scanner(disk);
      scanner.start(segment, start);
      const seal = scanner.next();
      if (seal.kind === 'seal') return (seal.sequence + 1) as Sequence;
    }
  } finally {
    disk.close(segment.handle);
  }
  throw new TruthError(
    'INVALID_ARGUMENT',
    `segment ${index - 1} does not end with a seal; isolate its damage first`,
  );
}

/** Highest sequence anybody knows to have been durable, `from` at least. */
function highestMark({ disk, directory, marks }: IsolateOptions, from: Sequence): Sequence {
  const own = readDurableMark(disk, directory)?.sequence ?? 0;
  return Math.max(from, own, ...marks.map(({ sequence }) => sequence)) as Sequence;
}

function segmentBytesOf(disk: Disk, directory: string): number {
  for (const name of listBelow(disk, directory, Number.POSITIVE_INFINITY)) {
    const segment = openIfReadable(disk, directory, name);
    if (segment === null) continue;
    disk.close(segment.handle);
    return segment.header.identity.segmentBytes;
  }
  throw new TruthError(
    'CORRUPT',
    `no segment of ${walDirectory(directory)} has a readable header; restore a backup`,
  );
}

function openIfReadable(disk: Disk, directory: string, name: SegmentName): OpenedSegment | null {
  try {
    return openSegment(disk, walDirectory(directory), name, 'read');
  } catch (error) {
    if (isNotFound(error) || (error instanceof TruthError && error.code === 'CORRUPT')) return null;
    throw error;
  }
}

/** Copies what is about to be removed. Returns the copy's path, or null without a file to copy. */
function keepBytes(disk: Disk, directory: string, { segment: index, offset, end }: Gap): string | null {
  const name = listBelow(disk, directory, index + 1).find((each) => each.index === index);
  if (name === undefined) return null;
  const folder = isolatedDirectory(directory);
  disk.mkdir(folder);
  disk.fsyncDirectory(metadataDirectory(directory));
  const path = join(
    folder,
    freeName(disk, folder, `${segmentFileName(index, name.firstSequence, name.state)}-${offset}`),
  );
  const source = disk.open(segmentPath(directory, name), 'read');
  const target = disk.open(path, 'create');
  try {
    const block = new Uint8Array(BLOCK_BYTES);
    const size = Math.min(end, disk.size(source));
    for (let at = offset; at < size; at += block.length) {
      const part = block.subarray(0, Math.min(block.length, size - at));
      preadWithZeros(disk, source, part, part.length, at);
      disk.pwrite(target, part, at - offset);
    }
    disk.fsync(target);
  } finally {
    disk.close(source);
    disk.close(target);
  }
  disk.fsyncDirectory(folder);
  return path;
}

/** The damaged bytes become zeros; a file without a header to go by goes. */
function clearBytes(disk: Disk, directory: string, { segment: index, offset, end }: Gap): void {
  const name = listBelow(disk, directory, index + 1).find((each) => each.index === index);
  if (name === undefined) return;
  if (offset === 0) {
    disk.unlink(segmentPath(directory, name));
    disk.fsyncDirectory(walDirectory(directory));
    return;
  }
  const handle = disk.open(segmentPath(directory, name), 'write');
  try {
    const zeros = new Uint8Array(BLOCK_BYTES);
    for (let at = offset; at < end; at += zeros.length) {
      disk.pwrite(handle, zeros.subarray(0, Math.min(zeros.length, end - at)), at);
    }
    disk.fdatasync(handle);
  } finally {
    disk.close(handle);
  }
}

function isolatedDirectory(directory: string): string {
  return join(metadataDirectory(directory), 'isolated');
}

function freeName(disk: Disk, folder: string, base: string): string {
  const taken = new Set(disk.list(folder));
  let name = `${base}.bytes`;
  for (let again = 2; taken.has(name); again++) name = `${base}-${again}.bytes`;
  return name;
}

function elsewhere({ segment, sequence }: IsolateOptions, damage: Gap): TruthError {
  return new TruthError(
    'INVALID_ARGUMENT',
    `segment ${segment} is damaged from sequence ${damage.from} to ${damage.to} (offset ${damage.offset}), not at ${sequence}; ` +
      'name a sequence in the damage. Nothing was changed.',
    { segment, from: damage.from, to: damage.to, offset: damage.offset },
  );
}
