/** An open database: log, views, append path and readers wired together, and the life of the whole. */

import type { ProofKeeper } from '../audit/index.ts';
import { TruthError } from '../errors.ts';
import type { Clock, Scheduler } from '../io/index.ts';
import type { AppendRequest, AppendResult, EventPage, RecordedEvent } from '../kernel/event.ts';
import {
  type Registry,
  type SaveRunner,
  type ViewCommit,
  type ViewHandle,
  viewCommit,
} from '../materializer/index.ts';
import { rankingDuplicates, rankingEntities } from '../ranking/entities/index.ts';
import type { SnapshotKeeper } from '../snapshot/index.ts';
import type { LogEnd, QueryRunner, SessionLimits, SqlDatabase, SqlView } from '../sql/index.ts';
import {
  EventReader,
  RecentCommits,
  StreamKey,
  type StreamLookup,
  StreamState,
  type SubscriptionSource,
  seedOf,
  streamIndex,
} from '../streams/index.ts';
import {
  AuditLog,
  auditTrail,
  type Epochs,
  type KeyRing,
  type SystemEntry,
  TenantAdmission,
  type TenantDirectory,
  Tenants,
  tenantDirectory,
} from '../tenancy/index.ts';
import { type Sequence, TENANT_DEFAULT, type TenantId } from '../types.ts';
import type { LogBeginning } from '../wal/archive-places.ts';
import type { Log } from '../wal/log.ts';
import type { LogBytes, LogBytesRequest, LogPiece } from '../wal/log-bytes.ts';
import type { Scrubber } from '../wal/scrub.ts';
import { AppendPath } from './append-path.ts';
import { CheckpointPolicy } from './checkpoint-policy.ts';
import type {
  AppendSettled,
  Engine,
  EngineRetention,
  EngineStatus,
  ReadAllRequest,
  ReadStreamRequest,
  Replication,
  Streams,
  SubscribeRequest,
} from './contract.ts';
import type { Erasing, ErasingHost } from './erasing.ts';
import { FollowedErasures } from './followed-erasures.ts';
import { LiveFeed } from './live-feed.ts';
import { RankingDoor } from './ranking-door.ts';
import { RankingPath, rankingUnavailable } from './ranking-path.ts';
import type { RankingReaders } from './ranking-reader/index.ts';
import { LiveRankingViews } from './ranking-views.ts';
import { ReducerPath } from './reducer-path.ts';
import { tablesView } from './reducers-view.ts';
import { bytesOf, checkLive, refusalOf, writerFailed } from './refusals.ts';
import { SqlDoor } from './sql-database.ts';
import { SqlPath } from './sql-path.ts';
import { SubjectStreams } from './subject-streams.ts';
import { SystemPath } from './system-path.ts';
import { type StreamsHost, TenantStreams } from './tenant-streams.ts';

export interface DatabaseOptions {
  readonly log: Log;
  readonly bytes: LogBytes;
  /** What seals entries, and what becomes of it when a key is destroyed. */
  readonly sealing: { readonly ring: KeyRing; readonly epochs: Epochs; readonly erasing: Erasing };
  /** Open, at the log's stable end. */
  readonly registry: Registry;
  readonly snapshots: SnapshotKeeper;
  readonly retention: EngineRetention & { beginning(): LogBeginning; close(): void };
  /** Where commits come from that nobody appends here; null where they are appended. */
  readonly replication: Replication | null;
  /** Looks for damage in the background; null where nobody does. */
  readonly scrubber: Scrubber | null;
  /** Signs and proves in the background; null where nobody does. */
  readonly proofs: ProofKeeper | null;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  /** Cryptographically random bytes. */
  readonly random: (bytes: number) => Uint8Array;
  /** Carries out queries on tables. */
  readonly queries: QueryRunner;
  /** Answer questions about ranking. */
  readonly readers: RankingReaders;
  /** Of sessions on tables. */
  readonly sqlLimits: SessionLimits;
  /** The log's last commit, or null. */
  readonly end: LogEnd | null;
  readonly pause: () => Promise<void>;
  readonly checkpointEntries: number;
  /** Writes the last checkpoint, when nothing is left that it could hold up. */
  readonly closing: SaveRunner;
  readonly report: (line: string) => void;
}

export class Database implements Engine {
  readonly sql: SqlDatabase;
  readonly reducers: ReducerPath;
  readonly ranking: RankingDoor;
  readonly tenants: Tenants;
  readonly audit: AuditLog;
  readonly snapshots: SnapshotKeeper;
  readonly retention: DatabaseOptions['retention'];
  readonly proofs: ProofKeeper | null;
  /** Of the source, in a copy. */
  readonly erasures: FollowedErasures;
  readonly #log: Log;
  readonly #bytes: LogBytes;
  readonly #registry: Registry;
  readonly #indexHandle: ViewHandle<StreamLookup>;
  readonly #report: (line: string) => void;
  readonly #lastSaver: SaveRunner;
  readonly #feed = new LiveFeed();
  readonly #appends: AppendPath;
  readonly #directory: ViewHandle<TenantDirectory>;
  readonly #admission: TenantAdmission;
  readonly #subjects: SubjectStreams;
  readonly #state: StreamState;
  readonly #system: SystemPath;
  /** What is answered while something is being erased, or null. */
  #held: TruthError | null = null;
  readonly #tables: ViewHandle<SqlView>;
  readonly #commands: SqlPath;
  readonly #rankings: RankingPath;
  readonly #queries: QueryRunner;
  readonly #readers: RankingReaders;
  #end: LogEnd | null;
  readonly #recent: RecentCommits;
  readonly #sourceOf: (tenant: TenantId) => SubscriptionSource;
  readonly #host: StreamsHost;
  readonly #streams = new Map<TenantId, Streams>();
  /** The first tenant's. */
  readonly #own: Streams;
  readonly #key: StreamKey;
  readonly #checkpoints: CheckpointPolicy;
  readonly #replication: Replication | null;
  readonly #scrubber: Scrubber | null;
  readonly #closing = new AbortController();
  readonly #stopListening: (() => void)[];
  #closed: Promise<void> | null = null;

  constructor(options: DatabaseOptions) {
    const { log, registry, clock, pause } = options;
    const { logId } = log.identity;
    this.#log = log;
    this.#bytes = options.bytes;
    this.#registry = registry;
    this.snapshots = options.snapshots;
    this.retention = options.retention;
    this.#replication = options.replication;
    this.#scrubber = options.scrubber;
    this.proofs = options.proofs;
    this.#indexHandle = registry.handle(streamIndex);
    this.#report = options.report;
    this.#lastSaver = options.closing;
    this.#key = new StreamKey(seedOf(logId));
    const index = () => this.#index;
    const state = new StreamState({
      logId,
      index,
      applied: () => this.#indexHandle.applied,
      read: (at) =>
        this.#feed.payloadAt(at) ?? this.#recent.payloadAt(at) ?? log.entryAt(at)?.payload ?? null,
    });
    this.#state = state;
    this.#directory = registry.handle(tenantDirectory);
    const directory = (): TenantDirectory => this.#directory.view;
    this.#admission = new TenantAdmission({
      directory,
      streamsOf: (tenant) => this.#index.streamsOf(tenant),
      clock,
    });
    const { ring, epochs, erasing } = options.sealing;
    this.#subjects = new SubjectStreams(directory, (tenant) => ring.encrypts(tenant));
    this.#appends = new AppendPath({
      ...{ log, clock, state, feed: this.#feed, position: registry.position },
      ...{ admission: this.#admission, subjects: this.#subjects },
    });
    this.#system = new SystemPath({ log, clock, feed: this.#feed });
    this.tenants = new Tenants({
      ...{ directory, ring, logId },
      beforeSealing: () => epochs.keep(),
      append: (entries) => this.#appendSystem(entries),
      erase: (request) => erasing.run(this.#erasingHost(), request),
      isCertified: (position) => erasing.isCertified(position),
      recompute: () => erasing.recompute(this.#erasingHost()),
    });
    const closing = this.#closing.signal;
    this.erasures = new FollowedErasures({ tenants: this.tenants, closing, report: options.report });
    const audited = registry.handle(auditTrail);
    this.audit = new AuditLog({
      view: () => audited.view,
      append: (entries) => this.#appendSystem(entries),
      isShredded: (tenant) => directory().get(tenant)?.state === 'shredded',
      subjectOf: (tenant, stream) => directory().subjectOf(tenant, stream),
      entryAt: (at) => log.entryAt(at),
    });
    this.#tables = registry.handle(tablesView);
    this.#queries = options.queries;
    this.#readers = options.readers;
    this.#readers.reached(registry.position);
    this.#end = options.end;
    const { scheduler, random, queries } = options;
    const view = (): SqlView => this.#tables.view;
    this.#commands = new SqlPath({
      ...{ log, clock, scheduler, random, view, feed: this.#feed },
      refusal: () => refusalOf(() => this.#checkTablesWritable()),
      broken: () => refusalOf(() => this.#checkTables('tables cannot be written')),
      admit: (tenant, bytes) => this.#admission.admit(tenant, bytes),
      wanted: (tenant) => {
        if (this.#replication === null) this.reducers.look(tenant);
      },
    });
    this.reducers = new ReducerPath({
      ...{ log, view, pause, path: this.#commands, closing: this.#closing.signal, report: options.report },
      subjectOf: (tenant, stream) => directory().subjectOf(tenant, stream),
      checkReadable: () => this.#checkTables('tables cannot be read'),
    });
    this.sql = new SqlDoor({
      ...{ clock, scheduler, random, queries, view, path: this.#commands, limits: options.sqlLimits },
      checkReadable: () => {
        this.#checkOpen();
        this.#checkTables('tables cannot be read');
      },
      end: () => this.#end,
    });
    const [rankingIs, duplicatesAre] = [registry.handle(rankingEntities), registry.handle(rankingDuplicates)];
    this.#rankings = new RankingPath({
      ...{ log, clock, scheduler, feed: this.#feed, memory: registry.memory },
      due: (tenant) => this.ranking.due(tenant),
      sealed: (tenant) => ring.encrypts(tenant),
      entities: () => rankingIs.view,
      duplicates: () => duplicatesAre.view,
      applied: () => registry.position,
      refusal: () => refusalOf(() => this.#checkRankingWritable([rankingIs, duplicatesAre])),
      admit: (tenant, bytes) => this.#admission.admit(tenant, bytes),
    });
    this.ranking = new RankingDoor({
      ...{ clock, path: this.#rankings, readers: options.readers, pause, closing },
      views: new LiveRankingViews((definition) => registry.handle(definition)),
      applied: () => registry.position,
    });
    this.#recent = new RecentCommits(registry.position);
    const reader = new EventReader({ logId, log, recent: this.#recent, index });
    this.#sourceOf = (tenant) => ({
      tenant,
      log,
      recent: this.#recent,
      reader,
      lastRevision: (stream) => this.#index.head(this.#key.set(tenant, stream)).revision,
      revisionAfter: (stream, position) => this.#index.revisionAfter(this.#key.set(tenant, stream), position),
      pause,
    });
    this.#host = this.#hostOfStreams();
    this.#own = this.tenant(TENANT_DEFAULT);
    this.#checkpoints = new CheckpointPolicy(
      options.checkpointEntries,
      () => registry.checkpoint(),
      options.report,
    );
    this.#stopListening = [
      log.onCommit((commit) => {
        this.#feed.closed(commit);
        this.#appends.groupClosed();
      }),
      log.onWritten((written) => this.#appends.reached('written', written)),
      log.onStable((stable) => this.#stable(stable)),
      log.onFailure((error) => {
        this.#appends.fail(writerFailed(error));
        this.#commands.fail(writerFailed(error));
        this.#rankings.fail(writerFailed(error));
        this.#system.fail(writerFailed(error));
      }),
      this.#replication?.onReplicated((commit) => this.#apply(viewCommit(commit))) ?? (() => {}),
      this.#replication?.onGap((gap) => {
        this.#registry.gap(gap);
        this.#recent.leap(gap.to);
      }) ?? (() => {}),
    ];
    if (this.#replication === null) this.#commands.start();
  }

  tenant(id: TenantId): Streams {
    let streams = this.#streams.get(id);
    if (streams === undefined) {
      streams = new TenantStreams(this.#host, this.#sourceOf(id));
      this.#streams.set(id, streams);
    }
    return streams;
  }

  append(request: AppendRequest): Promise<AppendResult> {
    return this.#own.append(request);
  }

  submit(request: AppendRequest, settled: AppendSettled): void {
    this.#own.submit(request, settled);
  }

  readStream(request: ReadStreamRequest): Promise<EventPage> {
    return this.#own.readStream(request);
  }

  readAll(request: ReadAllRequest): Promise<EventPage> {
    return this.#own.readAll(request);
  }

  subscribe(request: SubscribeRequest): AsyncIterable<readonly RecordedEvent[]> {
    return this.#own.subscribe(request);
  }

  async *logBytes(request: LogBytesRequest): AsyncGenerator<LogPiece, void, undefined> {
    const { signal } = request;
    this.#checkOpen();
    const signals = signal === undefined ? [this.#closing.signal] : [this.#closing.signal, signal];
    yield* this.#bytes.read({ ...request, signal: AbortSignal.any(signals) });
    if (signal?.aborted !== true) this.#checkOpen();
  }

  status(): EngineStatus {
    const log = this.#log.status();
    return {
      ...{ log, views: this.#registry.status(), memory: this.#registry.memory.status() },
      ...{ streams: this.#index.streams, events: this.#index.events, inFlight: this.#appends.inFlight },
      ...{ tables: this.#tables.view.tables, commandsWaiting: this.#commands.depth },
      ...{ queries: this.#queries.load, readers: this.#readers.status() },
      ...{ snapshots: this.snapshots.status(), readOnly: this.#registry.readOnly ?? log.readOnly },
      beginning: this.retention.beginning(),
      copies: this.#bytes.streams(),
      followers: this.retention.followers(),
      scrub: this.#scrubber?.status() ?? null,
      proofs: this.proofs?.status() ?? null,
      following: this.#replication?.status() ?? null,
    };
  }

  onFailure(listener: (error: Error) => void): () => void {
    return this.#log.onFailure(listener);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  #hostOfStreams(): StreamsHost {
    const log = this.#log;
    return {
      closing: this.#closing.signal,
      get next() {
        return log.next;
      },
      checkOpen: () => this.#checkOpen(),
      checkIndex: (consequence) => this.#checkIndex(consequence),
      append: (tenant, request, settled) => {
        this.#checkWritable();
        this.#admission.admit(tenant, bytesOf(request));
        this.#appends.append(tenant, request, settled);
      },
    };
  }

  get #index(): StreamLookup {
    return this.#indexHandle.view;
  }

  /** What became stable goes to the views first, then to those who follow, then the answers leave. */
  #stable(stable: Sequence): void {
    for (
      let commit = this.#feed.takeStable(stable);
      commit !== null;
      commit = this.#feed.takeStable(stable)
    ) {
      this.#apply(commit);
    }
    this.#appends.reached('durable', stable);
    this.#appends.reached('applied', this.#registry.position);
    this.#commands.applied(this.#registry.position);
    this.#rankings.applied(this.#registry.position);
    this.#system.applied(this.#registry.position);
  }

  #apply(commit: ViewCommit): void {
    this.#registry.apply(commit);
    this.#readers.reached(commit.sequence);
    this.#end = { sequence: commit.sequence, recordedAt: commit.recordedAt };
    this.#recent.publish(commit);
    if (this.#replication !== null) this.erasures.applied(commit);
    // A copy of a view that was made now would outlive what is being erased.
    if (this.#held === null) this.#checkpoints.applied(commit.entries.length);
  }

  async #close(): Promise<void> {
    this.#closing.abort();
    await Promise.all([this.#appends.drained(), this.#commands.drained(), this.#rankings.drained()]);
    await Promise.all([this.#queries.close(), this.#readers.close()]);
    try {
      // Together: a snapshot may be waiting for a rebuild that only the registry ends.
      await Promise.all([
        this.snapshots.stop(),
        this.#registry.stop(),
        this.#scrubber?.stop(),
        this.proofs?.stop(),
        this.erasures.settled(),
      ]);
      if (this.#log.status().failed === null) await this.#registry.checkpoint(this.#lastSaver);
    } catch (error) {
      this.#report(`views were not saved: ${error instanceof Error ? error.message : String(error)}`);
    }
    for (const stop of this.#stopListening) stop();
    this.#registry.close();
    this.retention.close();
    await this.#log.close();
  }

  #checkOpen(): void {
    if (this.#closing.signal.aborted) throw new TruthError('CLOSED', 'the database is closed: open it again');
  }

  /** Entries that are no command's. Errors: those of writing. */
  async #appendSystem(entries: readonly SystemEntry[]): Promise<Sequence> {
    this.#checkOpen();
    if (this.#replication !== null) throw this.#replication.refusal();
    const { readOnly } = this.#registry;
    if (readOnly !== null) throw new TruthError('VIEW_AHEAD', `nothing can be written: ${readOnly}`);
    return this.#system.append(entries);
  }

  #erasingHost(): ErasingHost {
    return {
      hold: async (error) => {
        this.#held = error;
        await Promise.all([this.#appends.drained(), this.#commands.drained(), this.#rankings.drained()]);
        await this.#readers.hold(error);
      },
      append: (entry) => this.#appendSystem([entry]),
      forget: () => {
        this.#recent.leap(this.#registry.position);
        this.#state.forget();
        this.#subjects.forget();
        this.#rankings.reset();
        this.#admission.reset();
      },
      release: () => {
        this.#held = null;
        this.#readers.release();
        this.#commands.start();
      },
    };
  }

  #checkLogWritable(): void {
    this.#checkOpen();
    if (this.#held !== null) throw this.#held;
    if (this.#replication !== null) throw this.#replication.refusal();
    const { readOnly } = this.#registry;
    if (readOnly !== null) throw new TruthError('VIEW_AHEAD', `nothing can be written: ${readOnly}`);
  }

  #checkWritable(): void {
    this.#checkLogWritable();
    this.#checkIndex('nothing can be written');
  }

  #checkTablesWritable(): void {
    this.#checkLogWritable();
    this.#checkTables('tables cannot be written');
  }

  #checkRankingWritable(needed: readonly ViewHandle<unknown>[]): void {
    this.#checkLogWritable();
    for (const { state, applied, error } of needed)
      if (state !== 'live') throw rankingUnavailable(rankingEntities.name, applied, error ?? state);
  }

  #checkTables(consequence: string): void {
    checkLive(tablesView.name, this.#tables, `${consequence}: their view`);
  }

  /** The index is the kernel's state: one that does not follow the log any more must not be asked. */
  #checkIndex(consequence: string): void {
    checkLive(streamIndex.name, this.#indexHandle, `${consequence}: the stream index`);
  }
}
