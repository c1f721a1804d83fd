/**
 * What the layers above see of the log. `wal/` knows nothing of payloads; nobody above knows of files, rings or threads.
 *
 * The caller of `append` is the one thread that orders (the kernel). Sequences are assigned at once, in the call; the
 * entries become *stable* later, when the commit that closes their group is durable. A group closes by itself at the
 * end of the event-loop turn in which it was opened, or earlier when it reaches its size limit; commit, seal and epoch
 * entries take sequences of their own between the caller's.
 */
import type { CommitOrdinal, Epoch, RecordedAt, Sequence, TenantId } from '../types.ts';

/** An entry as its author knows it; the log adds sequence, ordinal, checksum. `type` is 16 or more. `payload` is copied in `append`. */
export interface EntryDraft {
  readonly type: number;
  readonly tenant: TenantId;
  readonly partitionKey: bigint;
  readonly flags: number;
  readonly payload: Uint8Array;
  /** The person the entry is about, for whoever seals it; the log itself takes no notice. */
  readonly subject?: string | null;
}

/** A validated entry as read back. `payload` is a view into the reader's buffer: valid until the reader is asked for more. */
export interface LogEntry {
  readonly sequence: Sequence;
  readonly ordinal: CommitOrdinal;
  readonly type: number;
  readonly tenant: TenantId;
  readonly partitionKey: bigint;
  readonly flags: number;
  readonly payload: Uint8Array;
}

/** An entry about a person that nobody can open: what its header still says. */
export interface ErasedEntry {
  readonly sequence: Sequence;
  readonly type: number;
  readonly tenant: TenantId;
  /** Name of the key it was sealed under, hex; an erasure names the keys it destroys. */
  readonly key: string;
  /** Whether it was written with that partition key; false where this copy cannot tell. */
  isIn(partitionKey: bigint): boolean;
}

/** One commit with the entries it covers (types of 16 and more as well as epoch entries; never the commit or seal itself). */
export interface LogCommit {
  readonly ordinal: CommitOrdinal;
  readonly epoch: Epoch;
  readonly recordedAt: RecordedAt;
  /** Sequence of the commit entry: everything up to and including it is stable once it is durable. */
  readonly sequence: Sequence;
  readonly entries: readonly LogEntry[];
  /** Left out of `entries`, in order. The log itself knows of none: whoever opens what is sealed says so. */
  readonly erased?: readonly ErasedEntry[] | undefined;
  readonly chain: Uint8Array;
}

/**
 * A commit as it is known when its group closes, before it is durable: all of it but the chain hash, which only the
 * writer computes. The entries of the commit are the appended ranges with sequences from `first` to before `sequence`.
 */
export interface ClosedCommit {
  readonly ordinal: CommitOrdinal;
  readonly epoch: Epoch;
  readonly recordedAt: RecordedAt;
  /** First sequence of the group; equal to `sequence` when the commit is empty. */
  readonly first: Sequence;
  /** Sequence of the commit entry. */
  readonly sequence: Sequence;
}

export type Durability = 'async' | 'sync' | 'group_sync';

/**
 * Whoever must know the places of a command's entries before their payloads are copied, because the bytes depend on them:
 * each payload has its final length already.
 */
export interface Preparation {
  /**
   * Called in `append`, after everything that may refuse the command, with the sequence of its first entry. Fills payloads in
   * place. What it throws is `append`'s error, and nothing of the command is in the log.
   */
  prepare(first: Sequence): void;
}

export interface AppendedRange {
  readonly first: Sequence;
  readonly last: Sequence;
}

export interface LogIdentity {
  /** 16 bytes. */
  readonly logId: Uint8Array;
  readonly segmentBytes: number;
  readonly entryBytesMax: number;
  readonly hash: 'sha256' | 'blake3';
}

export interface LogStatus {
  readonly identity: LogIdentity;
  readonly epoch: Epoch;
  readonly durability: Durability;
  readonly stable: Sequence;
  readonly next: Sequence;
  readonly segments: number;
  readonly queueBytes: number;
  readonly queueBytesMax: number;
  readonly queueEntries: number;
  readonly writeMicros: HistogramSnapshot;
  readonly syncMicros: HistogramSnapshot;
  readonly groupEntries: HistogramSnapshot;
  readonly bytesWritten: number;
  readonly bytesZeroFilled: number;
  readonly busyFraction: number;
  /** Why nothing can be appended although reads go on, or null. */
  readonly readOnly: string | null;
  readonly failed: string | null;
}

/** Bucket upper bounds (ascending, last is Infinity) and how many observations fell in each. */
export interface HistogramSnapshot {
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
  readonly sum: number;
  readonly count: number;
}

export interface ReadOptions {
  /** First entry sequence wanted; the reader starts with the commit that contains it. */
  readonly from: Sequence;
  /** Keep waiting for new stable commits at the end instead of finishing. */
  readonly follow: boolean;
  readonly signal?: AbortSignal;
}

/** The stable part of a log. Never shows anything that is not durable (in a cluster: quorum-committed). */
export interface LogReader {
  readonly stable: Sequence;
  /**
   * Commits in order from the one containing `from`. Errors: CORRUPT (with segment, offset, sequence), GAP, PRUNED.
   * Synchronous reads inside; yields per commit.
   */
  read(options: ReadOptions): AsyncIterable<LogCommit>;
  /** Commits backwards, newest first, starting with the one containing `from` (or the newest stable one). */
  readBackwards(from: Sequence): AsyncIterable<LogCommit>;
  /** One entry by sequence through the sparse index, or null past `stable`. The payload is a copy. */
  entryAt(at: Sequence): (LogEntry & { readonly recordedAt: RecordedAt }) | null;
}

export interface Log extends LogReader {
  readonly identity: LogIdentity;
  readonly epoch: Epoch;
  /** Sequence the next appended entry will get, commit and seal entries in between already accounted for. */
  readonly next: Sequence;
  /**
   * Adds the entries of one command, all in one commit. `recordedAt` is the kernel's captured input; the commit takes
   * the greatest of its group, at least previous + 1 ns.
   * Errors: BUSY (queue full; details.retryAfterMillis), TOO_LARGE, DISK_FULL, VIEW_AHEAD, WRITER_FAILED, CLOSED.
   */
  append(
    entries: readonly EntryDraft[],
    recordedAt: RecordedAt,
    durability?: Durability,
    preparation?: Preparation | null,
  ): AppendedRange;
  /** Bytes one command may take at most, headers and padding included. */
  readonly commandBytesMax: number;
  /**
   * Called for every commit, empty ones too, in order, when its group closes and before `onStable` reaches it: whoever
   * appended the entries can then hand them to views without reading them back. Returns the way to stop.
   */
  onCommit(listener: (commit: ClosedCommit) => void): () => void;
  /** Called with the new stable sequence, in order, each time it moves; never from inside `append`. Returns the way to stop. */
  onStable(listener: (stable: Sequence) => void): () => void;
  /** Highest sequence the operating system has taken; at least `stable`. Lost with the machine, not with the process. */
  readonly written: Sequence;
  /** Called with the new written sequence, in order, before `onStable` of the same commits; never from inside `append`. */
  onWritten(listener: (written: Sequence) => void): () => void;
  /** Called some time after an append was refused with BUSY, when it may fit; never from inside `append`. */
  onRoom(listener: () => void): () => void;
  /** Called once if the writer ends for good. */
  onFailure(listener: (error: Error) => void): () => void;
  status(): LogStatus;
  /** Drains, writes the closing commit, fsyncs, releases the directory. Nothing can be appended after the call. */
  close(): Promise<void>;
}
