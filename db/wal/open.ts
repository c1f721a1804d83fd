/** Opens a log for writing: lock, recovery, a new epoch, the writer behind its queue. */
import { TruthError } from '../errors.ts';
import {
  type Clock,
  type Disk,
  type DiskLock,
  isNotFound,
  RealDisk,
  realScheduler,
  type Scheduler,
} from '../io/index.ts';
import type { Epoch } from '../types.ts';
import { InlineDriver, ThreadDriver } from './drivers.ts';
import { commandBytesMax } from './encoder.ts';
import { entryBytes } from './format.ts';
import { lockedError } from './init.ts';
import type { Durability, Log, LogIdentity } from './log.ts';
import { writeEpoch } from './metadata.ts';
import { OrderedLog } from './ordered-log.ts';
import { createQueueMemory } from './queue.ts';
import type { ReadableSegment } from './reader.ts';
import { type DurableClaim, type Recovered, recoverLog, type TornTail } from './recovery.ts';
import type { WriterStart } from './writer.ts';

const RING_BYTES_DEFAULT = 32 * 1024 * 1024;

export interface OpenLogOptions {
  /** Absolute path of the data directory. */
  readonly directory: string;
  readonly disk: Disk;
  readonly clock: Clock;
  /** Cryptographically random bytes. */
  readonly random: (bytes: number) => Uint8Array;
  /** What an append gets that asks for less; `group_sync` unless given. */
  readonly durability?: Durability;
  /** Size of the queue's ring; raised to what the largest entry needs. */
  readonly ringBytes?: number;
  /** Runs the writer on the calling thread: for tests and simulation. Needed with any disk but the real one. */
  readonly inline?: boolean;
  readonly scheduler?: Scheduler;
  /** Sequences others know to be durable: snapshots, views' applied positions. A log that ends before one is refused. */
  readonly marks?: readonly DurableClaim[];
  readonly progress?: (message: string) => void;
}

/** An open log with what opening it found. */
export interface OpenedLog extends Log {
  readonly torn: TornTail | null;
  /** Ends the open group now instead of at the end of the turn. */
  flush(): void;
}

/** Throws NOT_FOUND, LOCKED, CORRUPT, UNSUPPORTED_VERSION, or the writer's failure. */
export async function openLog(options: OpenLogOptions): Promise<OpenedLog> {
  const { disk, directory, random } = options;
  const inline = options.inline ?? false;
  if (!inline && !(disk instanceof RealDisk)) {
    throw new TruthError('INVALID_ARGUMENT', 'a writer thread can only use the real disk; pass inline: true');
  }
  const lock = lockDirectory(disk, directory);
  try {
    const progress = options.progress ?? (() => {});
    const recovered = recoverLog({ disk, directory, random, marks: options.marks ?? [], progress });
    const epoch = (recovered.lastEpoch + 1) as Epoch;
    writeEpoch(disk, directory, epoch);
    const log = assemble(options, lock, recovered, epoch);
    await beginOrAbandon(log, recovered, random(32));
    return Object.assign(log, { torn: recovered.torn });
  } catch (error) {
    lock.release();
    throw error;
  }
}

async function beginOrAbandon(log: OrderedLog, { end }: Recovered, random: Uint8Array): Promise<void> {
  try {
    await log.begin({
      parentEpoch: end.epoch,
      parentSequence: end.sequence,
      parentChain: end.chain,
      reason: 'open',
      random,
    });
  } catch (error) {
    await log.abandon();
    throw error;
  }
}

function lockDirectory(disk: Disk, directory: string): DiskLock {
  try {
    const lock = disk.lock(directory);
    if (lock !== null) return lock;
  } catch (error) {
    if (!isNotFound(error)) throw error;
    throw new TruthError(
      'NOT_FOUND',
      `there is no directory ${directory}; \`truthdb init --data ${directory}\` makes one`,
    );
  }
  throw lockedError(directory);
}

function assemble(options: OpenLogOptions, lock: DiskLock, recovered: Recovered, epoch: Epoch): OrderedLog {
  const { disk, clock, random, directory } = options;
  const scheduler = options.scheduler ?? realScheduler;
  const queue = createQueueMemory(ringBytes(recovered.identity, options.ringBytes), options.inline !== true);
  const start = writerStart(directory, recovered, epoch);
  const driver =
    options.inline === true
      ? new InlineDriver(queue, start, { disk, clock, random, scheduler })
      : new ThreadDriver(queue, start);
  return new OrderedLog({
    disk,
    clock,
    scheduler,
    directory,
    lock,
    durability: options.durability ?? 'group_sync',
    queue,
    driver,
    stable: recovered.end.sequence,
    segments: recovered.segments.map((segment, at) => readable(segment, at, recovered)),
    start: {
      identity: recovered.identity,
      epoch,
      segmentIndex: start.segmentIndex,
      offset: start.offset,
      segmentEntries: recovered.openSegment.entries,
      nextSequence: (recovered.end.sequence + 1) as typeof recovered.end.sequence,
      lastOrdinal: recovered.end.ordinal,
      lastRecordedAt: recovered.end.recordedAt,
      index: recovered.openSegment.index,
    },
  });
}

function readable(
  { index, firstSequence }: Recovered['segments'][number],
  at: number,
  { segments, openSegment }: Recovered,
): ReadableSegment {
  const isOpen = at === segments.length - 1;
  return { index, firstSequence, sparse: isOpen ? openSegment.index : null, saved: !isOpen };
}

function writerStart(directory: string, recovered: Recovered, epoch: Epoch): WriterStart {
  const open = recovered.segments.at(-1);
  if (open === undefined) throw new Error('a log of no segments was recovered');
  return {
    identity: recovered.identity,
    directory,
    epoch,
    segmentIndex: open.index,
    segmentFirst: open.firstSequence,
    offset: recovered.openSegment.offset,
    durable: recovered.end.sequence,
    chain: recovered.end.chain,
    lastOrdinal: recovered.end.ordinal,
    lastRecordedAt: recovered.end.recordedAt,
    seed: recovered.openSegment.seed,
    contentHash: recovered.openSegment.contentHash,
  };
}

/** At least what is needed to take one entry of the largest size. */
function ringBytes(identity: LogIdentity, wanted = RING_BYTES_DEFAULT): number {
  const around = identity.segmentBytes - commandBytesMax(identity.segmentBytes, Number.POSITIVE_INFINITY);
  return Math.max(wanted, 2 * (entryBytes(identity.entryBytesMax) + around));
}
