/**
 * A copy as a log that can be read and not appended to. What the follower has made durable is handed to the views commit by
 * commit, and only then shown to readers, so that a reader never sees more than the views know.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { TruthError } from '../errors.ts';
import type { Disk } from '../io/index.ts';
import type { Epoch, RecordedAt, Sequence } from '../types.ts';
import type { Gap } from '../wal/index.ts';
import type {
  AppendedRange,
  HistogramSnapshot,
  Log,
  LogCommit,
  LogEntry,
  LogIdentity,
  LogStatus,
  ReadOptions,
} from '../wal/log.ts';
import { SegmentReader } from '../wal/reader.ts';
import { StableWait } from '../wal/stable-wait.ts';
import { CopyTail } from './copy-tail.ts';
import { listCopy } from './examine.ts';

/** What one turn hands to the views at most. */
const COMMITS_PER_TURN = 64;
const NOTHING_MEASURED: HistogramSnapshot = {
  bounds: [Number.POSITIVE_INFINITY],
  counts: [0],
  sum: 0,
  count: 0,
};

export interface FollowedLogOptions {
  readonly disk: Disk;
  /** The data directory. */
  readonly directory: string;
  readonly identity: LogIdentity;
  /** Address of the source, for whoever tries to append. */
  readonly source: string;
  /** Durable here, at least 1: shown at once. */
  readonly stable: Sequence;
  /** Ends the follower that feeds this. */
  readonly onClose: () => Promise<void>;
}

export class FollowedLog implements Log {
  readonly identity: LogIdentity;
  readonly commandBytesMax = 0;
  readonly #options: FollowedLogOptions;
  readonly #reader: SegmentReader;
  readonly #tail: CopyTail;
  readonly #replicated = new Set<(commit: LogCommit) => void>();
  readonly #gapListeners = new Set<(gap: Gap) => void>();
  readonly #stableListeners = new Set<(stable: Sequence) => void>();
  readonly #failureListeners = new Set<(error: Error) => void>();
  readonly #waiting = new StableWait();
  #durable: Sequence;
  #stable: Sequence;
  #epoch: Epoch;
  #running = false;
  #failure: Error | null = null;
  #closed = false;

  /** Errors: CORRUPT when the copy is not what its mark says. */
  constructor(options: FollowedLogOptions) {
    const { disk, directory, stable } = options;
    this.#options = options;
    this.identity = options.identity;
    this.#durable = stable;
    this.#stable = stable;
    const names = listCopy(disk, directory);
    // The segment in which the copy ends is the tail's, which knows its index.
    const segments = names
      .filter(({ firstSequence }) => firstSequence <= stable)
      .slice(0, -1)
      .map(({ index, firstSequence }) => ({ index, firstSequence, sparse: null, saved: true }));
    this.#reader = new SegmentReader(disk, directory, segments, this);
    this.#tail = new CopyTail(disk, directory, stable, (segment) => this.#reader.addSegment(segment));
    this.#epoch = this.#tail.epoch;
  }

  get stable(): Sequence {
    return this.#stable;
  }

  get written(): Sequence {
    return this.#stable;
  }

  get next(): Sequence {
    return (this.#stable + 1) as Sequence;
  }

  get epoch(): Epoch {
    return this.#epoch;
  }

  /** More is durable here. */
  advance(durable: Sequence): void {
    if (durable <= this.#durable || this.#closed) return;
    this.#durable = durable;
    if (!this.#running) void this.#run();
  }

  /** The follower has ended for good: readers are told, and nothing more comes. */
  fail(error: Error): void {
    if (this.#failure !== null || this.#closed) return;
    this.#failure = error;
    for (const listener of this.#failureListeners) listener(error);
    this.#waiting.wakeAll();
  }

  append(): AppendedRange {
    throw readOnlyCopy(this.#options.source);
  }

  /** Called with each commit as it becomes stable here, before `onStable`. Returns the way to stop. */
  onReplicated(listener: (commit: LogCommit) => void): () => void {
    this.#replicated.add(listener);
    return () => this.#replicated.delete(listener);
  }

  /** Called with what was lost, before the commit behind it. Returns the way to stop. */
  onGap(listener: (gap: Gap) => void): () => void {
    this.#gapListeners.add(listener);
    return () => this.#gapListeners.delete(listener);
  }

  onStable(listener: (stable: Sequence) => void): () => void {
    this.#stableListeners.add(listener);
    return () => this.#stableListeners.delete(listener);
  }

  onFailure(listener: (error: Error) => void): () => void {
    this.#failureListeners.add(listener);
    return () => this.#failureListeners.delete(listener);
  }

  /** Nothing is appended here, so no group closes, nothing is only written, and no room is waited for. */
  onCommit(): () => void {
    return () => undefined;
  }

  onWritten(): () => void {
    return () => undefined;
  }

  onRoom(): () => void {
    return () => undefined;
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
      epoch: this.#epoch,
      durability: 'group_sync',
      stable: this.#stable,
      next: this.next,
      segments: this.#reader.segmentCount,
      queueBytes: 0,
      queueBytesMax: 0,
      queueEntries: 0,
      writeMicros: NOTHING_MEASURED,
      syncMicros: NOTHING_MEASURED,
      groupEntries: NOTHING_MEASURED,
      bytesWritten: 0,
      bytesZeroFilled: 0,
      busyFraction: 0,
      readOnly: readOnlyCopy(this.#options.source).message,
      failed: this.#failure?.message ?? null,
    };
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#waiting.wakeAll();
    await this.#options.onClose();
    while (this.#running) await turn();
    this.#tail.close();
    this.#reader.saveIndexes();
    this.#reader.close();
  }

  /** Hands on what is durable, some at a time, until there is no more. */
  async #run(): Promise<void> {
    this.#running = true;
    try {
      while (this.#stable < this.#durable && !this.#closed && this.#failure === null) {
        this.#tail.refresh();
        for (let commits = 0; this.#stable < this.#durable && commits < COMMITS_PER_TURN; commits++)
          this.#step();
        await turn();
      }
    } catch (error) {
      this.fail(error instanceof Error ? error : new Error(String(error)));
    } finally {
      this.#running = false;
    }
  }

  #step(): void {
    const read = this.#tail.next();
    this.#epoch = read.epoch;
    for (const gap of read.lost) {
      this.#reader.addGap(gap);
      for (const listener of this.#gapListeners) listener(gap);
    }
    if (read.commit !== null) for (const listener of this.#replicated) listener(read.commit);
    this.#stable = read.sequence;
    for (const listener of this.#stableListeners) listener(this.#stable);
    this.#waiting.wakeAll();
  }
}

/** What whoever tries to write to a copy is told. */
export function readOnlyCopy(source: string): TruthError {
  return new TruthError(
    'READ_ONLY',
    `this server keeps a copy of the log at ${source} and takes no appends; append there`,
    { source },
  );
}
