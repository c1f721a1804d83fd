/** What the database answers, without how: server, CLI and embedders are written against this. */
import type { EngineProofs, ProofStatus } from '../audit/index.ts';
import type { AppendRequest, AppendResult, EventPage, RecordedEvent, StreamName } from '../kernel/event.ts';
import type { ViewStatus } from '../materializer/materializer.ts';
import type { MemoryStatus } from '../materializer/memory-budget.ts';
import type { SnapshotsStatus } from '../snapshot/keeper.ts';
import type { SnapshotSummary } from '../snapshot/store.ts';
import type { SqlDatabase } from '../sql/contract.ts';
import type { QueryLoad } from '../sql/index.ts';
import type { AuditLog, Tenants } from '../tenancy/index.ts';
import type { Revision, Sequence, TenantId } from '../types.ts';
import type { LogBeginning } from '../wal/archive-places.ts';
import type { FollowerStatus } from '../wal/follower-leases.ts';
import type { LogCommit, LogStatus } from '../wal/log.ts';
import type { LogBytesRequest, LogPiece } from '../wal/log-bytes.ts';
import type { Pruned } from '../wal/prune.ts';
import type { ScrubStatus } from '../wal/scrub.ts';
import type { RankingDatabase } from './ranking-door.ts';
import type { LiveReadersStatus } from './ranking-reader/index.ts';
import type { EngineReducers } from './reducer-path.ts';

export interface ReadStreamRequest {
  readonly stream: StreamName;
  readonly direction: 'forwards' | 'backwards';
  /** Inclusive. Forwards from `end` is an empty page with the revision the next event will get. */
  readonly from: Revision | 'start' | 'end';
  /** Events wanted, 1 to 10,000. A page may hold fewer: pages also end at 4 MiB of data, `end` tells. */
  readonly limit: number;
}

export interface ReadAllRequest {
  readonly direction: 'forwards' | 'backwards';
  /** Inclusive position. */
  readonly from: Sequence | 'start' | 'end';
  /** As in ReadStreamRequest. */
  readonly limit: number;
}

export interface SubscribeRequest {
  /** Exclusive: events after this position; 0 for all. */
  readonly from: Sequence;
  /** Only this stream's events; it need not exist yet. */
  readonly stream?: StreamName;
  /** Ends the subscription without an error. */
  readonly signal?: AbortSignal;
}

/** What a copy knows of the log it is a copy of. */
export interface FollowingStatus {
  /** Address of the source. */
  readonly source: string;
  readonly connected: boolean;
  /** Behind what the source last said; null before it has said anything. */
  readonly lag: { readonly entries: number; readonly bytes: number; readonly seconds: number } | null;
  readonly reconnects: number;
  /** Why there is no connection, or null. */
  readonly problem: string | null;
}

/** Where the commits of a copy come from, and what is said to whoever wants to append to one. */
export interface Replication {
  /** Calls with each commit in log order, as it becomes stable and before readers see it. Returns the way to stop. */
  onReplicated(listener: (commit: LogCommit) => void): () => void;
  /** Calls with each range of the log that is lost, before the commit behind it. Returns the way to stop. */
  onGap(listener: (gap: { readonly from: Sequence; readonly to: Sequence }) => void): () => void;
  /** What an append is answered. */
  refusal(): Error;
  status(): FollowingStatus;
}

export interface EngineStatus {
  readonly log: LogStatus;
  readonly views: readonly ViewStatus[];
  /** Of the views that say what they take. */
  readonly memory: MemoryStatus;
  readonly streams: number;
  readonly events: number;
  /** Appends decided and not yet answered. */
  readonly inFlight: number;
  /** Of all tenants. */
  readonly tables: number;
  /** Commands on tables that are not answered. */
  readonly commandsWaiting: number;
  /** Of the threads that only read. */
  readonly queries: QueryLoad;
  /** Of the threads that answer questions about ranking; null where there are none. */
  readonly readers: LiveReadersStatus | null;
  readonly snapshots: SnapshotsStatus;
  /** Why nothing can be written although reads go on, or null. */
  readonly readOnly: string | null;
  /** Where the log begins, as it was within the last second. */
  readonly beginning: LogBeginning;
  /** Copies that are being made of this log now, with the sequence each is sent next. */
  readonly copies: readonly { readonly name: string; readonly next: Sequence }[];
  /** Copies that have a name, also those that are away. */
  readonly followers: readonly FollowerStatus[];
  /** What reading sealed segments in the background has found; null where that is off. */
  readonly scrub: ScrubStatus | null;
  /** How far the proofs are; null where none are kept. */
  readonly proofs: ProofStatus | null;
  /** Null where this is no copy. */
  readonly following: FollowingStatus | null;
}

export interface EngineSnapshots {
  /** Takes one now, while appends go on. Errors: VIEW_UNAVAILABLE, CLOSED, IO. */
  create(): Promise<SnapshotSummary>;
  /** Newest first. */
  list(): readonly SnapshotSummary[];
  /** Keeps one whatever the policy says, until it is released. Errors: NOT_FOUND, INVALID_ARGUMENT. */
  hold(name: string, reason: string): SnapshotSummary;
  /** Errors: NOT_FOUND. */
  release(name: string): SnapshotSummary;
}

export interface PruneRequest {
  /** Entries before this position may go; whole segments do. */
  readonly before: Sequence;
  /** Declares the loss of segments that are in no archive. */
  readonly withoutArchive: boolean;
}

export interface EngineRetention {
  /** Removes the oldest segments. Errors: LOCKED naming who still needs them, READ_ONLY, CLOSED. */
  prune(request: PruneRequest): Pruned;
  /** Copies of this log that have a name, and what is kept for each, as they were within the last second. */
  followers(): FollowerStatus[];
  /** Keeps nothing for one any more until it connects anew. Errors: NOT_FOUND. */
  dropFollower(name: string): FollowerStatus;
}

/** Who did, was refused or looked at what. */
export type EngineAudit = Pick<AuditLog, 'record' | 'list'>;

/** Hears the outcome of one append, once, and never inside the call that asked for it. It must not throw. */
export type AppendSettled = (outcome: AppendResult | Error) => void;

/** The streams of one tenant. */
export interface Streams {
  /**
   * Appends the events of one request, all or none. Appends are decided in the order of the calls, in the call itself:
   * two calls from one turn of the event loop are ordered and share a commit. Where the log has no room at the moment they
   * wait and are decided in that order as soon as it has. The promise settles, also with a refusal
   * or a duplicate, only when everything the answer rests on is stable. The events' bytes are copied in the call.
   *
   * Errors: INVALID_ARGUMENT (names, ids, no events, `applied` with durability `async`), TOO_LARGE (events, bytes),
   * WRONG_EXPECTED_REVISION (details.actual: last revision, -1 when the stream does not exist), EVENT_ID_CONFLICT,
   * NOT_FOUND (no such tenant), FORBIDDEN (the tenant is suspended or shredded), QUOTA_EXCEEDED,
   * BUSY (details.retryAfterMillis), DISK_FULL, WRITER_FAILED, VIEW_AHEAD, VIEW_UNAVAILABLE, READ_ONLY
   * (details.source: this is a copy), CLOSED.
   */
  append(request: AppendRequest): Promise<AppendResult>;
  /** As `append`, for callers with very many: without a promise each. */
  submit(request: AppendRequest, settled: AppendSettled): void;
  /** Errors: NOT_FOUND (no such stream), INVALID_ARGUMENT, PRUNED, GAP, CORRUPT, VIEW_UNAVAILABLE, CLOSED. Backwards, `end` is final and `next` then 0. */
  readStream(request: ReadStreamRequest): Promise<EventPage>;
  /** Events of all the tenant's streams by position. Errors and `next` as in readStream, without NOT_FOUND. */
  readAll(request: ReadAllRequest): Promise<EventPage>;
  /**
   * Events after a position, those there and those to come: in order, each once, in batches that are never empty, but
   * for one empty batch at the moment it has caught up. Nothing is read ahead of the consumer, so a slow one costs no
   * memory. Throws what readAll throws; ends quietly on `signal`, with CLOSED when the engine closes.
   */
  subscribe(request: SubscribeRequest): AsyncIterable<readonly RecordedEvent[]>;
}

/** The database; its own streams are the first tenant's. */
export interface Engine extends Streams {
  /** Tables. */
  readonly sql: SqlDatabase;
  readonly reducers: EngineReducers;
  readonly ranking: RankingDatabase;
  /** The streams of a tenant, which need not exist: then nothing is in them and nothing can be appended. */
  tenant(id: TenantId): Streams;
  /**
   * The stable log's own bytes from a place on, then live: what copies are made of. Pieces are valid until the next one is
   * asked for; nothing is read ahead. Ends quietly on `signal`. Errors: PRUNED, FORKED, INVALID_ARGUMENT, CORRUPT, CLOSED.
   */
  logBytes(request: LogBytesRequest): AsyncIterable<LogPiece>;
  /** Tenants, their quotas, keys and erasures. */
  readonly tenants: Tenants;
  readonly audit: EngineAudit;
  readonly snapshots: EngineSnapshots;
  readonly retention: EngineRetention;
  /** Checkpoints and proofs; null where none are kept. */
  readonly proofs: EngineProofs | null;
  status(): EngineStatus;
  /** Called once if the log's writer ends for good; reads go on. Returns the way to stop listening. */
  onFailure(listener: (error: Error) => void): () => void;
  /** Answers what is in flight, checkpoints the views, closes the log. Everything after the call is refused with CLOSED. */
  close(): Promise<void>;
}
