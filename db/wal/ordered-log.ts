/**
 * The open log on the ordering thread: encoder in front, queue in the middle, writer behind it (in its own thread, or
 * called directly), reader beside it. Reading works from the start; writing from `begin` on, or from when there is room
 * for its first entry.
 */
import { TruthError } from '../errors.ts';
import type { Clock, Disk, DiskLock, Scheduler } from '../io/index.ts';
import type { Epoch, RecordedAt, Sequence } from '../types.ts';
import { DiskActivity } from './disk-activity.ts';
import type { WriterDriver } from './drivers.ts';
import { stricter } from './durability.ts';
import { commandBytesMax, Encoder, type EncoderStart, type EpochFacts } from './encoder.ts';
import type { EpochBeginning } from './epochs.ts';
import type {
  AppendedRange,
  ClosedCommit,
  Durability,
  EntryDraft,
  Log,
  LogCommit,
  LogEntry,
  LogIdentity,
  LogStatus,
  Preparation,
  ReadOptions,
} from './log.ts';
import { LogRetention } from './log-retention.ts';
import { type QueueMemory, QueueProducer, QueueStatistics, WRITER_STATE } from './queue.ts';
import { type ReadableSegment, SegmentReader } from './reader.ts';
import { DISK_FULL_RETRY_MILLIS } from './settle.ts';
import { SparseIndex } from './sparse-index.ts';
import { StableWait } from './stable-wait.ts';

/** An idle log writes an empty commit after this long, to carry the mark of the last real one. */
/** A held group that has grown to this is handed over: the writer can hash it while it waits for the disk. */
const HELD_BYTES_MAX = 64 * 1024;
const IDLE_MARK_MILLIS = 50;

export interface OrderedLogOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly directory: string;
  readonly lock: DiskLock;
  readonly durability: Durability;
  readonly queue: QueueMemory;
  readonly identity: LogIdentity;
  /** Where the log ends: everything up to there is durable. */
  readonly end: { readonly sequence: Sequence; readonly epoch: Epoch };
  readonly segments: readonly ReadableSegment[];
}

/** What it takes to write a log. */
export interface WriterSetup {
  readonly start: EncoderStart;
  readonly driver: WriterDriver;
  /** The segment that is written next. */
  readonly segment: ReadableSegment;
  readonly facts: EpochFacts;
}

interface Writing {
  readonly encoder: Encoder;
  readonly driver: WriterDriver;
}

export class OrderedLog implements Log {
  readonly identity: LogIdentity;
  readonly commandBytesMax: number;
  readonly retention: LogRetention;
  readonly #clock: Clock;
  readonly #scheduler: Scheduler;
  readonly #lock: DiskLock;
  readonly #durability: Durability;
  readonly #queue: QueueProducer;
  readonly #statistics: QueueStatistics;
  readonly #reader: SegmentReader;
  readonly #commitListeners = new Set<(commit: ClosedCommit) => void>();
  readonly #writtenListeners = new Set<(written: Sequence) => void>();
  readonly #stableListeners = new Set<(stable: Sequence) => void>();
  readonly #roomListeners = new Set<() => void>();
  readonly #failureListeners = new Set<(error: Error) => void>();
  readonly #waiting = new StableWait();
  readonly #activity: DiskActivity;
  #writing: Writing | null = null;
  /** Why nothing can be appended now. */
  #refusal: TruthError | null = null;
  #epoch: Epoch;
  #begun: EpochBeginning | null = null;
  #written: Sequence;
  #stable: Sequence;
  #lastCommit: Sequence;
  #failure: TruthError | null = null;
  #closing: Promise<void> | null = null;
  #closed = false;
  /** Somebody was refused for lack of room. */
  #refusedBusy = false;
  #flushScheduled = false;
  /** The open group waits for the writer's next progress. */
  #held = false;
  #idleArmed = false;
  #activeNanos = 0n;

  constructor(options: OrderedLogOptions) {
    const { identity, end, queue } = options;
    this.identity = identity;
    this.commandBytesMax = commandBytesMax(identity.segmentBytes, queue.ringBytes);
    this.#clock = options.clock;
    this.#scheduler = options.scheduler;
    this.#lock = options.lock;
    this.#durability = options.durability;
    this.#queue = new QueueProducer(queue);
    this.#statistics = new QueueStatistics(queue);
    this.#epoch = end.epoch;
    this.#written = end.sequence;
    this.#stable = end.sequence;
    this.#lastCommit = end.sequence;
    this.#activity = new DiskActivity(options.clock.monotonicNanos());
    this.#reader = new SegmentReader(options.disk, options.directory, options.segments, this);
    this.retention = new LogRetention(options.disk, options.directory, this.#reader);
  }

  get epoch(): Epoch {
    return this.#epoch;
  }

  get begun(): EpochBeginning | null {
    return this.#begun;
  }

  get stable(): Sequence {
    return this.#stable;
  }

  get written(): Sequence {
    return this.#written;
  }

  get next(): Sequence {
    return this.#writing?.encoder.next ?? ((this.#stable + 1) as Sequence);
  }

  /**
   * Gives the log its writer and writes the epoch's first entry. Resolves when that is durable, or when it is known that
   * there is no room for it; then it is tried again now and then.
   */
  async begin({ start, driver, segment, facts }: WriterSetup): Promise<void> {
    this.#reader.addSegment(segment);
    const encoder = new Encoder(this.#queue, start, {
      onSegment: (index, first) => {
        const sparse = new SparseIndex(first);
        this.#reader.addSegment({ index, firstSequence: first, sparse, saved: false });
        return sparse;
      },
      onCommit: (commit) => {
        for (const listener of this.#commitListeners) listener(commit);
      },
      // Room for half of what is queued lets many in at once, and the writer is still busy when they come.
      retryAfterMillis: (queuedBytes) => this.#sampled().millisFor(queuedBytes / 2),
    });
    this.#writing = { encoder, driver };
    this.#epoch = start.epoch;
    this.#begun = { epoch: start.epoch, after: facts.parentSequence, random: facts.random };
    if (!driver.inline) void this.#watch();
    await this.#beginEpoch(encoder, facts);
  }

  /** Appends are refused with this from here on. With `retry`, that is called a little later. */
  refuse(refusal: TruthError, retry: (() => Promise<void>) | null): void {
    this.#refusal = refusal;
    if (retry === null) return;
    this.#scheduler.after(DISK_FULL_RETRY_MILLIS, () => {
      if (this.#closing !== null || this.#failure !== null) return;
      retry().catch((error: unknown) => this.#fail(error instanceof Error ? error.message : String(error)));
    });
  }

  append(
    entries: readonly EntryDraft[],
    recordedAt: RecordedAt,
    durability?: Durability,
    preparation: Preparation | null = null,
  ): AppendedRange {
    this.#refuseIfOver();
    try {
      const asked = stricter(durability ?? this.#durability, this.#durability);
      return this.#encoder().append(entries, recordedAt, asked, preparation);
    } catch (error) {
      this.#refusedBusy ||= error instanceof TruthError && error.code === 'BUSY';
      throw error;
    } finally {
      // Also after a refusal: the open group may be what fills the queue.
      this.#flushSoon();
    }
  }

  #flushSoon(): void {
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    this.#scheduler.endOfTurn(() => this.#endTurn());
  }

  /**
   * While a group waits for the writer already, what comes is collected in one group behind it: a commit for each turn costs
   * more than it brings forward. The writer's next progress closes it, which comes before the writer could take it.
   */
  #endTurn(): void {
    const writing = this.#writing;
    const collecting =
      writing !== null &&
      // An inline writer makes no progress by itself.
      !writing.driver.inline &&
      this.#queue.waiting &&
      writing.encoder.groupCanWait(HELD_BYTES_MAX);
    if (collecting) {
      this.#flushScheduled = false;
      this.#held = true;
      return;
    }
    this.flush();
  }

  /** Ends the open group now instead of at the end of the turn. */
  flush(): void {
    this.#flushScheduled = false;
    this.#held = false;
    if (this.#writing === null) return;
    const { encoder } = this.#writing;
    const commit = encoder.closeGroup();
    this.#lastCommit = Math.max(this.#lastCommit, encoder.lastCommit) as Sequence;
    if (commit !== null) this.#activeNanos = this.#clock.monotonicNanos();
    this.#run();
    this.#armIdle();
  }

  onCommit(listener: (commit: ClosedCommit) => void): () => void {
    this.#commitListeners.add(listener);
    return () => this.#commitListeners.delete(listener);
  }

  onStable(listener: (stable: Sequence) => void): () => void {
    this.#stableListeners.add(listener);
    return () => this.#stableListeners.delete(listener);
  }

  onWritten(listener: (written: Sequence) => void): () => void {
    this.#writtenListeners.add(listener);
    return () => this.#writtenListeners.delete(listener);
  }

  onRoom(listener: () => void): () => void {
    this.#roomListeners.add(listener);
    return () => this.#roomListeners.delete(listener);
  }

  onFailure(listener: (error: Error) => void): () => void {
    this.#failureListeners.add(listener);
    return () => this.#failureListeners.delete(listener);
  }

  read(options: ReadOptions): AsyncIterable<LogCommit> {
    return this.#reader.read(options);
  }

  readBackwards(from: Sequence): AsyncIterable<LogCommit> {
    return this.#reader.readBackwards(from);
  }

  entryAt(at: Sequence): (LogEntry & { readonly recordedAt: RecordedAt }) | null {
    return this.#reader.entryAt(at);
  }

  /** True once `stable` is past `after`; false when the log or the signal ended the wait. */
  stablePast(after: Sequence, signal: AbortSignal | undefined): Promise<boolean> {
    const over = (): boolean => this.#closed || this.#failure !== null;
    return this.#waiting.until(() => this.#stable > after, over, signal);
  }

  status(): LogStatus {
    return {
      identity: this.identity,
      epoch: this.epoch,
      durability: this.#durability,
      stable: this.#stable,
      next: this.next,
      segments: this.#reader.segmentCount,
      queueBytes: this.#queue.queuedBytes,
      queueBytesMax: this.#queue.ringBytes,
      queueEntries: this.#queue.queuedEntries,
      writeMicros: this.#statistics.writeMicros.snapshot(),
      syncMicros: this.#statistics.syncMicros.snapshot(),
      groupEntries: this.#statistics.groupEntries.snapshot(),
      bytesWritten: this.#statistics.gauge('bytesWritten'),
      bytesZeroFilled: this.#statistics.gauge('bytesZeroFilled'),
      busyFraction: this.#sampled().busyFraction,
      readOnly: this.#refusal?.message ?? null,
      failed: this.#failure?.message ?? null,
    };
  }

  #sampled(): DiskActivity {
    const statistics = this.#statistics;
    const micros = statistics.writeMicros.sum + statistics.syncMicros.sum;
    return this.#activity.sample(this.#clock.monotonicNanos(), micros, statistics.gauge('bytesWritten'));
  }

  /** Ends the writer without the ceremony of `close`: for a log that could not begin. */
  async abandon(): Promise<void> {
    this.#closing ??= Promise.resolve();
    this.#queue.stop();
    this.#run();
    await this.#writing?.driver.ended();
    this.#closed = true;
    this.#waiting.wakeAll();
    this.#reader.close();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#writing !== null) await this.#endWriting(this.#writing);
    this.#closed = true;
    this.#lookForProgress();
    this.#waiting.wakeAll();
    if (this.#failure === null) this.#reader.saveIndexes();
    this.#reader.close();
    this.#lock.release();
  }

  async #endWriting({ encoder, driver }: Writing): Promise<void> {
    this.flush();
    this.#queue.requestSync();
    this.#run();
    await this.#settled();
    // The closing commit carries the mark of everything before it, so it must not share their fdatasync.
    const began = this.#refusal === null && this.#failure === null;
    if (began && encoder.appendMark(this.#now(), 'group_sync')) {
      this.#lastCommit = encoder.lastCommit;
      this.#run();
      await this.#settled();
    }
    this.#queue.stop();
    this.#run();
    await driver.ended();
  }

  async #beginEpoch(encoder: Encoder, facts: EpochFacts): Promise<void> {
    while (this.#failure === null) {
      const { tick } = this.#queue;
      try {
        this.#lastCommit = encoder.beginEpoch(facts, this.#now());
        break;
      } catch (error) {
        if (!(error instanceof TruthError)) throw error;
        if (error.code === 'DISK_FULL') {
          this.refuse(error, () => {
            this.#run();
            return this.#beginEpoch(encoder, facts);
          });
          return;
        }
        if (error.code !== 'BUSY') throw error;
        // The writer's thread has only just begun to prepare the segment.
        await this.#queue.progressSince(tick);
      }
    }
    this.#run();
    await this.#settled();
    if (this.#failure !== null) throw this.#failure;
    this.#refusal = null;
    this.#armIdle();
  }

  #encoder(): Encoder {
    if (this.#refusal !== null) throw this.#refusal;
    if (this.#writing === null) throw new Error('a log was appended to before it began');
    return this.#writing.encoder;
  }

  #refuseIfOver(): void {
    if (this.#failure !== null) throw this.#failure;
    if (this.#closing !== null) {
      throw new TruthError('CLOSED', 'the log is closed or closing; nothing can be appended any more');
    }
  }

  /** Resolves when everything committed so far is stable, or will never be. */
  async #settled(): Promise<void> {
    const commit = this.#lastCommit;
    if (commit > 0) await this.stablePast((commit - 1) as Sequence, undefined);
  }

  #run(): void {
    this.#writing?.driver.run();
    if (this.#writing?.driver.inline === true) this.#lookForProgress();
  }

  /** Follows the writer's progress for as long as it lives. A stalled event loop finds everything published when it is back. */
  async #watch(): Promise<void> {
    while (!this.#closed && this.#failure === null) {
      const { tick } = this.#queue;
      this.#lookForProgress();
      await this.#queue.progressSince(tick);
    }
  }

  #lookForProgress(): void {
    const { stable } = this.#queue;
    const written = Math.max(this.#queue.written, stable) as Sequence;
    if (written > this.#written) {
      this.#written = written;
      for (const listener of this.#writtenListeners) listener(written);
    }
    if (stable > this.#stable) {
      this.#stable = stable;
      for (const listener of this.#stableListeners) listener(this.#stable);
      this.#waiting.wakeAll();
    }
    if (this.#queue.writerState === WRITER_STATE.failed && this.#failure === null)
      this.#fail(this.#queue.failure);
    if (this.#refusedBusy) {
      this.#refusedBusy = false;
      for (const listener of this.#roomListeners) listener();
    }
    if (this.#held) this.flush();
  }

  #fail(reason: string): void {
    this.#failure = new TruthError(
      'WRITER_FAILED',
      `the log’s writer ended for good: ${reason}. What was not acknowledged is undecided; restart to recover from disk.`,
    );
    for (const listener of this.#failureListeners) listener(this.#failure);
    this.#waiting.wakeAll();
  }

  #armIdle(): void {
    if (this.#idleArmed || this.#closing !== null) return;
    this.#idleArmed = true;
    this.#scheduler.after(IDLE_MARK_MILLIS, () => {
      this.#idleArmed = false;
      this.#markIfIdle();
    });
  }

  #markIfIdle(): void {
    if (this.#closing !== null || this.#failure !== null) return;
    const idleMillis = Number(this.#clock.monotonicNanos() - this.#activeNanos) / 1e6;
    const encoder = this.#encoder();
    const settled = !encoder.groupOpen && this.#stable >= this.#lastCommit;
    if (!settled || idleMillis < IDLE_MARK_MILLIS - 1 || !encoder.appendMark(this.#now(), 'group_sync')) {
      this.#armIdle();
      return;
    }
    this.#lastCommit = encoder.lastCommit;
    this.#run();
  }

  #now(): RecordedAt {
    return this.#clock.nowNanos() as RecordedAt;
  }
}
