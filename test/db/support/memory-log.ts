/**
 * A log in memory that keeps the contract of db/wal/log.ts, with its hand on what a disk decides alone: when commits
 * become stable, whether the queue is full, when the writer fails, what a crash leaves.
 */
import { createHash } from 'node:crypto';
import { TruthError } from '../../../db/errors.ts';
import type { CommitOrdinal, Epoch, RecordedAt, Sequence } from '../../../db/types.ts';
import type {
  AppendedRange,
  ClosedCommit,
  Durability,
  EntryDraft,
  HistogramSnapshot,
  Log,
  LogCommit,
  LogEntry,
  LogStatus,
  Preparation,
  ReadOptions,
} from '../../../db/wal/log.ts';

const EPOCH_TYPE = 3;

export interface MemoryLogOptions {
  /** `auto`: durable in a later turn than it was written. `manual`: durable when the test calls `stabilise`. */
  readonly stability?: 'auto' | 'manual';
  /** `auto`: groups close at the end of the turn. `manual`: when the test calls `closeGroup`. */
  readonly groups?: 'auto' | 'manual';
  readonly entryBytesMax?: number;
  readonly commandBytesMax?: number;
  readonly durability?: Durability;
  readonly logId?: Uint8Array;
}

export class MemoryLog implements Log {
  readonly identity;
  readonly commandBytesMax: number;
  readonly #options: MemoryLogOptions;
  readonly #commits: LogCommit[] = [];
  readonly #onCommit = new Set<(commit: ClosedCommit) => void>();
  readonly #onWritten = new Set<(written: Sequence) => void>();
  readonly #onStable = new Set<(stable: Sequence) => void>();
  readonly #onRoom = new Set<() => void>();
  readonly #onFailure = new Set<(error: Error) => void>();
  #epoch = 0 as Epoch;
  #next = 1;
  #written = 0;
  #stable = 0;
  #group: { entries: (EntryDraft & { sequence: Sequence })[]; recordedAt: bigint } | null = null;
  #busy = false;
  #failed: Error | null = null;
  #closed = false;

  constructor(options: MemoryLogOptions = {}) {
    this.#options = options;
    this.identity = {
      logId: options.logId ?? new Uint8Array(16).fill(7),
      segmentBytes: 1 << 26,
      entryBytesMax: options.entryBytesMax ?? 1 << 20,
      hash: 'sha256' as const,
    };
    this.commandBytesMax = options.commandBytesMax ?? 1 << 22;
    this.#beginEpoch();
  }

  get epoch(): Epoch {
    return this.#epoch;
  }

  get next(): Sequence {
    return this.#next as Sequence;
  }

  get stable(): Sequence {
    return this.#stable as Sequence;
  }

  get written(): Sequence {
    return this.#written as Sequence;
  }

  append(
    entries: readonly EntryDraft[],
    recordedAt: RecordedAt,
    _durability?: Durability,
    preparation: Preparation | null = null,
  ): AppendedRange {
    if (this.#closed) throw new TruthError('CLOSED', 'the log is closed');
    if (this.#failed !== null) throw new TruthError('WRITER_FAILED', this.#failed.message);
    if (this.#busy) throw new TruthError('BUSY', 'the queue is full', { retryAfterMillis: 5 });
    if (this.#group === null) {
      this.#group = { entries: [], recordedAt };
      if (this.#options.groups !== 'manual') setImmediate(() => this.closeGroup());
    }
    const group = this.#group;
    const first = this.#next as Sequence;
    preparation?.prepare(first);
    for (const entry of entries) {
      const payload = new Uint8Array(entry.payload);
      group.entries.push({ ...entry, payload, sequence: this.#next++ as Sequence });
    }
    if (recordedAt > group.recordedAt) group.recordedAt = recordedAt;
    return { first, last: (this.#next - 1) as Sequence };
  }

  onCommit(listener: (commit: ClosedCommit) => void): () => void {
    return subscribe(this.#onCommit, listener);
  }

  onStable(listener: (stable: Sequence) => void): () => void {
    return subscribe(this.#onStable, listener);
  }

  onWritten(listener: (written: Sequence) => void): () => void {
    return subscribe(this.#onWritten, listener);
  }

  onRoom(listener: () => void): () => void {
    return subscribe(this.#onRoom, listener);
  }

  onFailure(listener: (error: Error) => void): () => void {
    return subscribe(this.#onFailure, listener);
  }

  async *read({ from }: ReadOptions): AsyncGenerator<LogCommit, void, undefined> {
    for (let index = 0; index < this.#commits.length; index++) {
      const commit = this.#commits[index]!;
      if (commit.sequence > this.#stable) return;
      if (commit.sequence >= from) yield* lent(commit);
    }
  }

  async *readBackwards(from: Sequence): AsyncGenerator<LogCommit, void, undefined> {
    let newest = this.#commits.length - 1;
    while (newest >= 0 && this.#commits[newest]!.sequence > this.#stable) newest--;
    while (newest > 0 && this.#commits[newest - 1]!.sequence >= from) newest--;
    for (let index = newest; index >= 0; index--) yield* lent(this.#commits[index]!);
  }

  entryAt(at: Sequence): (LogEntry & { readonly recordedAt: RecordedAt }) | null {
    const commit = this.#commits.find(({ sequence }) => sequence >= at);
    if (commit === undefined || commit.sequence > this.#stable) return null;
    const entry = commit.entries.find(({ sequence }) => sequence === at);
    if (entry === undefined) return null;
    return { ...entry, payload: new Uint8Array(entry.payload), recordedAt: commit.recordedAt };
  }

  status(): LogStatus {
    const none: HistogramSnapshot = { bounds: [Infinity], counts: [0], sum: 0, count: 0 };
    return {
      identity: this.identity,
      epoch: this.#epoch,
      durability: this.#options.durability ?? 'group_sync',
      stable: this.stable,
      next: this.next,
      segments: 1,
      queueBytes: 0,
      queueBytesMax: 1 << 25,
      queueEntries: 0,
      writeMicros: none,
      syncMicros: none,
      groupEntries: none,
      bytesWritten: 0,
      bytesZeroFilled: 0,
      busyFraction: 0,
      readOnly: null,
      failed: this.#failed?.message ?? null,
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.closeGroup();
    if (this.#failed === null) this.stabilise();
  }

  /** Closes the open group into a commit; an empty one when `empty` asks for it. */
  closeGroup(empty = false): void {
    if (this.#failed !== null || (this.#group === null && !empty)) return;
    const group = this.#group ?? { entries: [], recordedAt: 0n };
    this.#group = null;
    const ordinal = (this.#commits.length + 1) as CommitOrdinal;
    const previous = this.#commits.at(-1);
    const earliest = previous === undefined ? 1n : previous.recordedAt + 1n;
    const recordedAt = (group.recordedAt > earliest ? group.recordedAt : earliest) as RecordedAt;
    const sequence = this.#next++ as Sequence;
    const entries = group.entries.map((entry) => ({ ...entry, ordinal }));
    const chain = chained(previous?.chain, entries, recordedAt);
    this.#commits.push({ ordinal, epoch: this.#epoch, recordedAt, sequence, entries, chain });
    const first = entries[0]?.sequence ?? sequence;
    for (const listener of this.#onCommit)
      listener({ ordinal, epoch: this.#epoch, recordedAt, first, sequence });
    if (this.#options.stability !== 'manual') setImmediate(() => this.stabilise());
  }

  /** Gives the closed commits to the operating system, which a crash of the machine takes with it. */
  write(): void {
    const last = this.#commits.at(-1)?.sequence ?? 0;
    if (this.#failed !== null || last <= this.#written) return;
    this.#written = last;
    for (const listener of this.#onWritten) listener(this.written);
  }

  /** Makes the closed commits durable, all of them or the oldest few. */
  stabilise(commits = Infinity): void {
    if (this.#failed !== null) return;
    this.write();
    for (let left = commits; left > 0; left--) {
      const next = this.#commits.find(({ sequence }) => sequence > this.#stable);
      if (next === undefined) return;
      this.#stable = next.sequence;
      for (const listener of this.#onStable) listener(this.stable);
    }
  }

  /** From now on, or no longer, appends are refused with BUSY. */
  setBusy(busy: boolean): void {
    this.#busy = busy;
    if (!busy) for (const listener of this.#onRoom) listener();
  }

  /** The disk said no: nothing further becomes stable. */
  failWriter(message: string): void {
    this.#failed = new TruthError('WRITER_FAILED', message);
    for (const listener of this.#onFailure) listener(this.#failed);
  }

  /** What a crash leaves: the stable commits, and `keep` of the others. Opened again, so in a new epoch. */
  crash(keep = 0, options: MemoryLogOptions = this.#options): MemoryLog {
    const stable = this.#commits.filter(({ sequence }) => sequence <= this.#stable).length;
    return MemoryLog.from(this.#commits.slice(0, stable + keep), this.#epoch, {
      ...options,
      logId: this.identity.logId,
    });
  }

  /** The same log without its newest stable commits: what must never happen to a log, and does to disks. */
  lose(commits: number, options: MemoryLogOptions = this.#options): MemoryLog {
    return MemoryLog.from(this.#commits.slice(0, -commits), this.#epoch, {
      ...options,
      logId: this.identity.logId,
    });
  }

  static from(commits: readonly LogCommit[], epoch: Epoch, options: MemoryLogOptions): MemoryLog {
    const log = new MemoryLog(options);
    log.#commits.length = 0;
    log.#commits.push(...commits);
    log.#next = (commits.at(-1)?.sequence ?? 0) + 1;
    log.#stable = log.#next - 1;
    log.#written = log.#stable;
    log.#epoch = epoch;
    log.#beginEpoch();
    return log;
  }

  /** Stable at once, as after recovery. */
  #beginEpoch(): void {
    this.#epoch = (this.#epoch + 1) as Epoch;
    this.#group = {
      entries: [
        {
          type: EPOCH_TYPE,
          tenant: 0 as EntryDraft['tenant'],
          partitionKey: 0n,
          flags: 0,
          payload: new Uint8Array(32),
          sequence: this.#next++ as Sequence,
        },
      ],
      recordedAt: 1n,
    };
    this.closeGroup();
    this.#stable = this.#next - 1;
    this.#written = this.#stable;
  }
}

/** As a reader lends it: the payloads are gone when it is asked for the next commit. */
function* lent(commit: LogCommit): Generator<LogCommit> {
  const entries = commit.entries.map((entry) => ({ ...entry, payload: new Uint8Array(entry.payload) }));
  yield { ...commit, entries };
  for (const { payload } of entries) payload.fill(0xee);
}

function chained(
  previous: Uint8Array | undefined,
  entries: readonly LogEntry[],
  recordedAt: bigint,
): Uint8Array {
  const hash = createHash('sha256').update(previous ?? new Uint8Array(32));
  for (const { sequence, payload } of entries) hash.update(String(sequence)).update(payload);
  return hash.update(String(recordedAt)).digest();
}

function subscribe<T>(listeners: Set<T>, listener: T): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
