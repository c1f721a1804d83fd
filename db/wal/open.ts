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
import type { Epoch, Sequence } from '../types.ts';
import { InlineDriver, ThreadDriver } from './drivers.ts';
import { commandBytesMax } from './encoder.ts';
import { type EpochBeginning, noteEpoch } from './epochs.ts';
import { SYNC_CAPS_DEFAULT, type SyncCaps } from './flusher.ts';
import { type EpochReason, entryBytes } from './format.ts';
import { type Gap, noteRecorded, readGaps } from './gaps.ts';
import { lockedError } from './init.ts';
import type { Durability, Log, LogIdentity } from './log.ts';
import type { LogRetention } from './log-retention.ts';
import { writeEpoch } from './metadata.ts';
import { OrderedLog, type WriterSetup } from './ordered-log.ts';
import { createQueueMemory, type QueueMemory } from './queue.ts';
import type { ReadableSegment } from './reader.ts';
import { type OpenSegment, type Recovered, recoverLog } from './recovery.ts';
import type { SegmentName } from './segment.ts';
import { type DurableClaim, type TornTail, unlessFull } from './settle.ts';
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
  /** Limits of what one fdatasync covers; SYNC_CAPS_DEFAULT unless given. */
  readonly syncCaps?: SyncCaps;
  /** Size of the queue's ring; raised to what the largest entry needs. */
  readonly ringBytes?: number;
  /** Runs the writer on the calling thread: for tests and simulation. Needed with any disk but the real one. */
  readonly inline?: boolean;
  readonly scheduler?: Scheduler;
  /** Sequences others know to be durable: snapshots, views' applied positions. A log that ends before one is read-only. */
  readonly marks?: readonly DurableClaim[];
  /** Why a new epoch begins; `open` unless given. */
  readonly reason?: EpochReason;
  readonly progress?: (message: string) => void;
}

/** An open log with what opening it found. */
export interface OpenedLog extends Log {
  readonly torn: TornTail | null;
  readonly retention: LogRetention;
  /** The epoch that is written in; null before there was room to begin it. */
  readonly begun: EpochBeginning | null;
  /** Ends the open group now instead of at the end of the turn. */
  flush(): void;
}

/**
 * Throws NOT_FOUND, LOCKED, CORRUPT, UNSUPPORTED_VERSION, or the writer's failure. A log that lacks commits others know of
 * (VIEW_AHEAD), or has no room to begin (DISK_FULL), opens for reading: appends are refused with the reason, and with
 * DISK_FULL writing begins by itself when there is room.
 */
export async function openLog(options: OpenLogOptions): Promise<OpenedLog> {
  const { disk, directory } = options;
  const inline = options.inline ?? false;
  if (!inline && !(disk instanceof RealDisk)) {
    throw new TruthError('INVALID_ARGUMENT', 'a writer thread can only use the real disk; pass inline: true');
  }
  const lock = lockDirectory(disk, directory);
  try {
    const recovered = recover(options);
    const queue = createQueueMemory(ringBytes(recovered.identity, options.ringBytes), !inline);
    const log = createLog(options, lock, queue, recovered);
    try {
      await startWriting(log, options, queue, recovered);
    } catch (error) {
      await log.abandon();
      throw error;
    }
    return Object.assign(log, { torn: recovered.torn });
  } catch (error) {
    lock.release();
    throw error;
  }
}

function recover({ disk, directory, random, marks, progress }: OpenLogOptions): Recovered {
  return recoverLog({ disk, directory, random, marks: marks ?? [], progress: progress ?? (() => {}) });
}

/** Begins the next epoch, or has the log refuse appends; what only lacks space is tried again later. */
async function startWriting(
  log: OrderedLog,
  options: OpenLogOptions,
  queue: QueueMemory,
  recovered: Recovered,
): Promise<void> {
  const { refusal, openSegment } = recovered;
  if (refusal !== null || openSegment === null) {
    const full =
      refusal?.code === 'DISK_FULL' ? () => startWriting(log, options, queue, recover(options)) : null;
    log.refuse(refusal ?? new TruthError('INTERNAL', 'the log has no open segment'), full);
    return;
  }
  const epoch = (recovered.lastEpoch + 1) as Epoch;
  const room = unlessFull('the number of the next epoch', () =>
    writeEpoch(options.disk, options.directory, epoch),
  );
  if (room instanceof TruthError) {
    log.refuse(room, () => startWriting(log, options, queue, recovered));
    return;
  }
  const gaps = readGaps(options.disk, options.directory).filter(({ recorded }) => !recorded);
  const setup = setUpWriter(options, queue, recovered, openSegment, epoch, gaps);
  const beginning = { epoch, after: setup.facts.parentSequence, random: setup.facts.random };
  const noted = unlessFull('the random bytes of the next epoch', () =>
    noteEpoch(options.disk, options.directory, beginning),
  );
  if (noted instanceof TruthError) {
    log.refuse(noted, () => startWriting(log, options, queue, recovered));
    return;
  }
  await log.begin(setup);
  if (gaps.length > 0 && log.status().readOnly === null) noteRecorded(options.disk, options.directory);
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

function createLog(
  { disk, clock, directory, durability, scheduler }: OpenLogOptions,
  lock: DiskLock,
  queue: QueueMemory,
  { identity, end, segments, openSegment }: Recovered,
): OrderedLog {
  return new OrderedLog({
    disk,
    clock,
    scheduler: scheduler ?? realScheduler,
    directory,
    lock,
    durability: durability ?? 'group_sync',
    queue,
    identity,
    end,
    segments: segments.map((segment, at) =>
      readable(segment, at === segments.length - 1 ? openSegment : null),
    ),
  });
}

function readable({ index, firstSequence }: SegmentName, open: OpenSegment | null): ReadableSegment {
  return { index, firstSequence, sparse: open?.index ?? null, saved: open === null };
}

function setUpWriter(
  { disk, clock, random, directory, scheduler, inline, reason, syncCaps }: OpenLogOptions,
  queue: QueueMemory,
  { identity, segments, end }: Recovered,
  openSegment: OpenSegment,
  epoch: Epoch,
  gaps: readonly Gap[],
): WriterSetup {
  const name = segments.at(-1);
  if (name === undefined) throw new Error('a log of no segments was recovered');
  const { offset, seed, contentHash, index, entries } = openSegment;
  const { sequence, chain, ordinal: lastOrdinal, recordedAt: lastRecordedAt } = end;
  const common = { identity, epoch, segmentIndex: name.index, offset, lastOrdinal, lastRecordedAt };
  const start: WriterStart = {
    ...common,
    directory,
    segmentFirst: name.firstSequence,
    durable: sequence,
    chain,
    seed,
    contentHash,
    syncCaps: syncCaps ?? SYNC_CAPS_DEFAULT,
  };
  const io = { disk, clock, random, scheduler: scheduler ?? realScheduler };
  return {
    driver: inline === true ? new InlineDriver(queue, start, io) : new ThreadDriver(queue, start),
    start: { ...common, segmentEntries: entries, nextSequence: (sequence + 1) as Sequence, index },
    segment: readable(name, openSegment),
    facts: {
      parentEpoch: end.epoch,
      parentSequence: sequence,
      parentChain: chain,
      reason: reason ?? (gaps.length > 0 ? 'isolate' : 'open'),
      random: random(32),
      gaps,
    },
  };
}

/** At least what is needed to take one entry of the largest size. */
function ringBytes(identity: LogIdentity, wanted = RING_BYTES_DEFAULT): number {
  const around = identity.segmentBytes - commandBytesMax(identity.segmentBytes, Number.POSITIVE_INFINITY);
  return Math.max(wanted, 2 * (entryBytes(identity.entryBytesMax) + around));
}
