/**
 * What the tables of a tenant are kept in: ordered keys with values, where the newest version and the older ones lie apart.
 * A `space` is a table, an index, a projection or the catalog; keys compare as bytes. Everything written at a position is
 * seen by whoever asks as of that position or later. All calls are synchronous; nothing here knows of SQL.
 */
import type { CommitOrdinal, Epoch, RecordedAt, Sequence } from '../../types.ts';

/** Number of a space within its tenant, u32. Below 16: the store's owner's own (0 catalog). */
export type Space = number & { readonly __space: true };

export interface KeyRange {
  /** Inclusive; null: from the beginning of the space. */
  readonly from: Uint8Array | null;
  /** Exclusive; null: to the end of the space. */
  readonly to: Uint8Array | null;
}

export interface StoredVersion {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  /** Sequence of the entry that wrote it. */
  readonly since: Sequence;
}

export interface HistoricVersion extends StoredVersion {
  /** Sequence of the entry that replaced or deleted it; null while it is current. */
  readonly until: Sequence | null;
}

export interface ScanOptions {
  readonly range: KeyRange;
  readonly reverse: boolean;
  /** Null: all. */
  readonly limit: number | null;
}

/** A commit that changed the store, for AS OF and for who did what when. */
export interface StoredCommit {
  readonly sequence: Sequence;
  readonly ordinal: CommitOrdinal;
  readonly epoch: Epoch;
  readonly recordedAt: RecordedAt;
}

/** Reads of one consistent state. Byte arrays handed out are the caller's to keep and not to change. */
export interface StoreReader {
  /** The last commit in the store, or null before the first. */
  readonly position: StoredCommit | null;
  get(space: Space, key: Uint8Array): StoredVersion | null;
  /** As of a position: the version that was current when the last commit at or before it was. */
  getAt(space: Space, key: Uint8Array, at: Sequence): StoredVersion | null;
  /** Ascending by key, or descending. The iterable may be left early. Nothing may be written by the same thread meanwhile. */
  scan(space: Space, options: ScanOptions): Iterable<StoredVersion>;
  scanAt(space: Space, options: ScanOptions, at: Sequence): Iterable<StoredVersion>;
  /** Every version in the range that existed at some position in [after + 1, to], by key, then oldest first. */
  versions(space: Space, range: KeyRange, after: Sequence, to: Sequence): Iterable<HistoricVersion>;
  /** Whether anything in the range was written, replaced or deleted after a position. */
  changedSince(space: Space, range: KeyRange, after: Sequence): boolean;
  /** Number of current keys of a space, counted by the store as it goes. */
  count(space: Space): number;
  /** The last commit at or before a position / recorded at or before a moment, or null. */
  commitAtPosition(at: Sequence): StoredCommit | null;
  commitAtTime(at: RecordedAt): StoredCommit | null;
  /** Who wrote the entry with that sequence, and when it was recorded; null where the store does not know. */
  writeAt(sequence: Sequence): { readonly actor: string; readonly recordedAt: RecordedAt } | null;
}

/** A consistent state for as long as it is open, whatever is committed meanwhile. */
export interface StoreSnapshot extends StoreReader {
  close(): void;
}

/**
 * The one that writes. Writes are seen by its own reads at once and by others' only after `commit`; `rollback` forgets them.
 * `at` never decreases.
 */
export interface StoreWriter extends StoreReader {
  begin(): void;
  /** Whether `begin` was called and neither `commit` nor `rollback` since. */
  readonly open: boolean;
  put(space: Space, key: Uint8Array, value: Uint8Array, at: Sequence): void;
  /** Writes, or with null removes, without remembering what was there: for what nobody asks about the past of. */
  replace(space: Space, key: Uint8Array, value: Uint8Array | null, at: Sequence): void;
  /** Nothing happens when there is no such key. */
  delete(space: Space, key: Uint8Array, at: Sequence): void;
  /** Who wrote the entry `at`: noted once an entry. Its time is that of the commit that follows. */
  wrote(at: Sequence, actor: string): void;
  /** Notes a commit of the log: what was written since the last one belongs to it. Does not end the transaction. */
  committed(commit: StoredCommit): void;
  /** Removes a space with all its versions: nothing remembers it. Only for what can be computed again, and for erasure. */
  drop(space: Space): void;
  /** Removes all versions of a key, as if it had never been. Only for erasure. */
  erase(space: Space, key: Uint8Array): void;
  commit(): void;
  rollback(): void;
  /** A consistent state of what is committed, for another reader on this thread. */
  snapshot(): StoreSnapshot;
  /** Hex digest over all versions of all spaces, kept as it goes. */
  digest(): string;
}
