/**
 * The database without its doors: one path from a command to its answer, and the read side. Server, CLI and embedders
 * stand on this file; below it lie the kernel (what a command means), the log (what is true) and the views (what is known).
 *
 * May import everything under db/ but server, client, protocol and cli. Its parts lie in engine/.
 */
import { randomBytes } from 'node:crypto';
import { checkpointClaims, ErasureSigner, ProofKeeper, type ProofPolicy } from './audit/index.ts';
import type { Engine, Replication } from './engine/contract.ts';
import { Database } from './engine/database.ts';
import { Erasing } from './engine/erasing.ts';
import { rankingMemoryDefault } from './engine/ranking-memory.ts';
import { RankingReaders } from './engine/ranking-reader/index.ts';
import { RANKING_VIEWS } from './engine/ranking-views.ts';
import { tablesView } from './engine/reducers-view.ts';
import { holdsOnDisk, LogKeeper } from './engine/retention.ts';
import { TruthError } from './errors.ts';
import { type Clock, type Disk, RealDisk, realClock, realScheduler, type Scheduler } from './io/index.ts';
import {
  appliedPositions,
  CheckpointStore,
  inlineRunner,
  MemoryBudget,
  Registry,
  ScratchFiles,
  ThreadedRunner,
  type ViewDefinition,
} from './materializer/index.ts';
import { SnapshotKeeper, type SnapshotPolicy, SnapshotStore, snapshotClaims } from './snapshot/index.ts';
import { loadSql, Queries, SESSION_LIMITS, type SessionLimits, uuidOf } from './sql/index.ts';
import { streamIndex } from './streams/index.ts';
import { auditTrail, Epochs, type KekSource, KeyRing, SealedLog, tenantDirectory } from './tenancy/index.ts';
import {
  type Durability,
  type DurableClaim,
  type EpochBeginning,
  FollowerLeases,
  type Hold,
  type InitLogOptions,
  initLog,
  type Log,
  LogBytes,
  type LogCommit,
  type LogIdentity,
  noteArchive,
  type OpenedLog,
  openLog,
  Scrubber,
  ScrubThread,
  SegmentFiles,
  type SyncCaps,
} from './wal/index.ts';

export {
  bundlePieces,
  checkpointText,
  decodeCheckpoint,
  type EngineProofs,
  momentText,
  PROOF_COMMANDS,
  type ProofCommand,
  type ProofPolicy,
  proofFromJson,
  sequencesIn,
  unbase64,
} from './audit/index.ts';
export type {
  Engine,
  EngineAudit,
  EngineRetention,
  EngineSnapshots,
  EngineStatus,
  FollowingStatus,
  ReadAllRequest,
  ReadStreamRequest,
  Replication,
  Streams,
  SubscribeRequest,
} from './engine/contract.ts';
export type { PassOptions } from './engine/log-pass.ts';
export { evaluateProfiles } from './engine/ranking-evaluation.ts';
export { reportExperiment, reportExperiments } from './engine/ranking-experiment.ts';
export {
  type ExportedRow,
  type ExportedValue,
  RankingExport,
  schemaBehind,
} from './engine/ranking-export.ts';
export type { ShownCandidate } from './engine/shown-candidates.ts';
export type { AuditedEntry, NewAuditRecord } from './tenancy/index.ts';

/** Every view there is. Adding one is one line here. */
export const VIEWS: readonly ViewDefinition[] = [
  streamIndex,
  tablesView,
  tenantDirectory,
  auditTrail,
  ...RANKING_VIEWS,
];

const CHECKPOINT_ENTRIES = 1_000_000;
const QUERY_THREADS = 2;
const QUERIES_WAITING_MAX = 256;
/** What a reader's copies of views may take of what the views themselves may. */
const READER_SHARE_OF_MEMORY = 0.5;
const RANKING_READERS = 0;
const UUID_SEED_BYTES = 32;
const FOLLOWER_BYTES_MAX = 64 * 1024 ** 3;
/** Only by command, unless somebody says otherwise. */
const SNAPSHOTS_BY_COMMAND: SnapshotPolicy = { everyCommits: 0, everyBytes: 0, keep: 3 };

export interface OverLogOptions {
  /** Absolute path of the data directory, which holds wal/, metadata/ and views/. */
  readonly directory: string;
  readonly disk?: Disk;
  readonly clock?: Clock;
  readonly scheduler?: Scheduler;
  /** Views beside those of the database itself. */
  readonly views?: readonly ViewDefinition[];
  /** Where commits come from that nobody appends here: the log is a copy. */
  readonly replication?: Replication;
  /** The log itself where it is written here, so that it can be pruned. */
  readonly prunable?: Pick<OpenedLog, 'retention'>;
  /** Entries applied between two checkpoints of the views in the background. */
  readonly checkpointEntries?: number;
  /** When snapshots are taken in the background and how many are kept; without it only by command, and three. */
  readonly snapshots?: SnapshotPolicy;
  /** What is kept of the log for a follower that is behind or away, in bytes; 0: nothing. 64 GiB unless given. */
  readonly followerBytesMax?: number;
  /** Archives to read from what was pruned, beside those the log knows of: absolute paths. They are remembered. */
  readonly archives?: readonly string[];
  /** How fast sealed segments are read in the background to find damage; 0, or not given: not at all. */
  readonly scrubBytesPerSecond?: number;
  /** When checkpoints of the log are signed in the background; not given: no proofs are kept. Never for a copy. */
  readonly proofs?: ProofPolicy;
  /** Where the key-encryption key of encrypted tenants comes from; not given: there can be none. */
  readonly keys?: KekSource | null;
  /** The log's own epoch, where it is written here. */
  readonly begun?: () => EpochBeginning | null;
  /** Cryptographically random bytes. */
  readonly random?: (bytes: number) => Uint8Array;
  /** Bytes that views of the ranking layer may take of the machine's memory; half of it unless given. */
  readonly rankingMemoryBytes?: number;
  /** Threads that answer questions about ranking, each with copies of its views; 0: the ordering thread does. */
  readonly rankingReaders?: number;
  /** What sessions on tables may take. */
  readonly sql?: Partial<SessionLimits>;
  /** One line for each long step and each problem. */
  readonly progress?: (line: string) => void;
}

export interface EngineOptions extends OverLogOptions {
  /** What an append gets that asks for nothing else; `group_sync` unless given. */
  readonly durability?: Durability;
  /** Limits of what one fdatasync covers. */
  readonly syncCaps?: SyncCaps;
  /** Size of the queue between the appends and the disk. */
  readonly ringBytes?: number;
  /** Runs the log's writer on this thread: for tests and simulation. */
  readonly inline?: boolean;
}

export type InitOptions = Pick<InitLogOptions, 'directory' | 'segmentBytes' | 'entryBytesMax'> &
  Partial<Pick<InitLogOptions, 'disk' | 'random'>>;

/** Makes an empty database. Errors: ALREADY_EXISTS, LOCKED, INVALID_ARGUMENT, IO errors of the disk. */
export function initDatabase(options: InitOptions): LogIdentity {
  return initLog({ disk: new RealDisk(), random: randomBytes, ...options });
}

/** What the views and snapshots of a database still need of its log, without opening it. */
export function holdsOf(disk: Disk, directory: string): Hold[] {
  return holdsOnDisk(disk, directory, VIEWS);
}

/** What views, snapshots and signed checkpoints prove to have been durable, without opening the database. */
export function claimsOf(disk: Disk, directory: string): DurableClaim[] {
  return [
    ...appliedPositions(disk, directory, VIEWS),
    ...snapshotClaims(disk, directory),
    ...checkpointClaims(disk, directory),
  ];
}

/**
 * Opens a database for writing: the log recovered, the views at its end. Errors: NOT_FOUND (no database there), LOCKED,
 * CORRUPT, UNSUPPORTED_VERSION, WRITER_FAILED. A view ahead of the log does not fail the opening: reads work, appends are
 * refused with VIEW_AHEAD, and `status().readOnly` says why.
 */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  const { directory, disk = new RealDisk(), clock = realClock, random = randomBytes } = options;
  const log = await openLog({
    directory,
    disk,
    clock,
    random,
    marks: claimsOf(disk, directory),
    ...defined(options, ['durability', 'syncCaps', 'ringBytes', 'inline', 'scheduler', 'progress']),
  });
  try {
    return await openEngineOver(log, { ...options, disk, clock, prunable: log, begun: () => log.begun });
  } catch (error) {
    await log.close();
    throw error;
  }
}

/**
 * Opens the engine over a log that is open already and which it closes with itself. Returns when the views the database
 * needs are at the log's end. Errors: those of reading the log.
 */
export async function openEngineOver(below: Log, options: OverLogOptions): Promise<Engine> {
  const { directory, disk = new RealDisk(), clock = realClock, scheduler = realScheduler } = options;
  const random = options.random ?? randomBytes;
  const report = options.progress ?? (() => {});
  for (const archive of options.archives ?? []) noteArchive(disk, directory, archive);
  const pause = (): Promise<void> => new Promise((resolve) => scheduler.endOfTurn(resolve));
  await allStable(below);
  const { log, ring, epochs } = await sealedOver(below, { ...options, disk, random });
  const logId = Buffer.from(log.identity.logId).toString('hex');
  const store = new CheckpointStore({ disk, directory, logId, report });
  const here = inlineRunner(disk, pause);
  // Another thread can only use the real disk.
  const saver = () => (disk instanceof RealDisk ? new ThreadedRunner() : here);
  const definitions = [...VIEWS, ...(options.views ?? [])];
  const copies = new SnapshotStore(disk, directory);
  copies.removeLeftovers();
  const restorePoints = copies.restorePoints(logId, report);
  const memoryBytes = options.rankingMemoryBytes ?? rankingMemoryDefault();
  const memory = new MemoryBudget({
    bytesMax: memoryBytes,
    scratch: store.scratch === null ? null : new ScratchFiles({ disk, folder: store.scratch, report }),
  });
  const registry = new Registry({
    ...{ log, definitions, store, saver: saver(), restorePoints, memory, pause, report },
  });
  // On any other disk nothing waits for real time; the first statement loads it then.
  await Promise.all([registry.open(), disk instanceof RealDisk ? loadSql() : null]);
  const policy = options.snapshots ?? SNAPSHOTS_BY_COMMAND;
  const snapshots = new SnapshotKeeper({ log, registry, store: copies, runner: saver(), policy, report });
  const checkpointEntries = options.checkpointEntries ?? CHECKPOINT_ENTRIES;
  const files = new SegmentFiles(disk, directory);
  const leases = new FollowerLeases({
    disk,
    directory,
    clock,
    scheduler,
    bytesMax: options.followerBytesMax ?? FOLLOWER_BYTES_MAX,
    bytesFrom: (from) => files.bytesFrom(from, log.identity.segmentBytes),
    report,
  });
  const bytes = new LogBytes({ disk, directory, log: below, leases });
  const prunable = options.prunable ?? null;
  const bytesPerSecond = options.scrubBytesPerSecond ?? 0;
  const scrubber = (): Scrubber => {
    const worker = new ScrubThread({ directory, bytesPerSecond });
    return new Scrubber({ disk, directory, worker, clock, scheduler, report });
  };
  const retention = new LogKeeper({
    disk,
    directory,
    views: definitions,
    log: prunable,
    bytes,
    leases,
    clock,
  });
  const erasing = new Erasing({
    ...{ disk, directory, ring, log, registry, snapshots, report },
    signer: new ErasureSigner({
      ...{ disk, directory, logId, pause, report, nowNanos: () => clock.nowNanos() },
      makesKeys: options.proofs !== undefined && options.replication === undefined,
    }),
    first: () => retention.beginning().first,
    followers: () => retention.followers(),
    nowMillis: () => Number(clock.nowNanos() / 1_000_000n),
  });
  const database = new Database({
    log,
    sealing: { ring, epochs, erasing },
    bytes,
    registry,
    snapshots,
    retention,
    replication: options.replication === undefined ? null : openedReplication(options.replication, log),
    scrubber: bytesPerSecond > 0 && disk instanceof RealDisk ? scrubber() : null,
    proofs:
      options.proofs !== undefined && options.replication === undefined && disk instanceof RealDisk
        ? new ProofKeeper({ directory, log: below, policy: options.proofs, scheduler, report })
        : null,
    clock,
    scheduler,
    random,
    queries: new Queries({
      clock,
      scheduler,
      // A simulated machine has one thread.
      threads: disk instanceof RealDisk ? QUERY_THREADS : 0,
      waitingMax: QUERIES_WAITING_MAX,
      randomUuid: () => uuidOf(random(UUID_SEED_BYTES), 0),
    }),
    readers: new RankingReaders({
      ...{ disk, directory, log, ring, epochs, clock, scheduler, pause, report },
      unknownKeys: unknownKeysOf(options),
      live: options.rankingReaders ?? RANKING_READERS,
      memoryBytes: Math.floor(memoryBytes * READER_SHARE_OF_MEMORY),
    }),
    sqlLimits: { ...SESSION_LIMITS, ...options.sql },
    end: await lastCommit(log),
    pause,
    checkpointEntries,
    report,
    closing: here,
  });
  if (options.replication === undefined) await database.tenants.finishErasures(registry.restoredFrom);
  else await database.erasures.follow(registry.restoredFrom);
  return database;
}

/** The log with what seals and opens its entries. Errors: KEY_UNAVAILABLE, CORRUPT, CONFIG, those of reading the log. */
async function sealedOver(
  log: Log,
  options: OverLogOptions & Required<Pick<OverLogOptions, 'disk' | 'random'>>,
): Promise<{ readonly log: SealedLog; readonly ring: KeyRing; readonly epochs: Epochs }> {
  const { disk, directory, random, begun } = options;
  const { logId } = log.identity;
  const ring = new KeyRing({ disk, directory, logId, random, source: options.keys ?? null });
  const epochs = new Epochs(disk, directory, begun ?? (() => null));
  if (!ring.empty) await epochs.load(log);
  return {
    log: new SealedLog({ log, ring, epochs, unknownKeys: unknownKeysOf(options) }),
    ring,
    epochs,
  };
}

/** Only the original must have every key: a copy holds what it cannot open. */
function unknownKeysOf({ replication }: OverLogOptions): 'refuse' | 'skip' {
  return replication === undefined ? 'refuse' : 'skip';
}

function openedReplication(replication: Replication, log: SealedLog): Replication {
  return {
    onReplicated: (listener) => replication.onReplicated((commit) => listener(log.opened(commit))),
    onGap: (listener) => replication.onGap(listener),
    refusal: () => replication.refusal(),
    status: () => replication.status(),
  };
}

/** Waits until nothing in the log is unstable, so that the live feed begins with the very next commit. */
function allStable(log: Log): Promise<void> {
  return new Promise((resolve, reject) => {
    if (log.stable >= log.next - 1) {
      resolve();
      return;
    }
    const stops = [
      log.onStable((stable) => {
        if (stable < log.next - 1) return;
        for (const stop of stops) stop();
        resolve();
      }),
      log.onFailure((error) => {
        for (const stop of stops) stop();
        reject(error);
      }),
    ];
  });
}

/** The last commit readers may know of, or null where there is none that can be read. */
async function lastCommit(log: Log): Promise<LogCommit | null> {
  try {
    for await (const commit of log.readBackwards(log.stable)) return commit;
  } catch (error) {
    if (!(error instanceof TruthError)) throw error;
  }
  return null;
}

/** The named options that were given: an option that is absent and one that is undefined are not the same. */
function defined<T extends object, K extends keyof T>(options: T, names: readonly K[]): Pick<T, K> {
  const given = names.filter((name) => options[name] !== undefined).map((name) => [name, options[name]]);
  return Object.fromEntries(given) as Pick<T, K>;
}
