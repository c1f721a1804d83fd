/**
 * Takes the snapshots of an open database, one at a time: when asked, and in the background each time enough commits or
 * bytes have come since the last. A failure costs nothing but the snapshot; the database goes on.
 */
import { TruthError } from '../errors.ts';
import { type Registry, releaseCapture, type SaveRunner } from '../materializer/index.ts';
import { SEQUENCE_NONE, type Sequence } from '../types.ts';
import type { Log } from '../wal/index.ts';
import type { SnapshotStore, SnapshotSummary } from './store.ts';
import { writeSnapshot } from './writer.ts';

export interface SnapshotPolicy {
  /** A snapshot after this many commits; 0 for none. */
  readonly everyCommits: number;
  /** A snapshot after this many bytes of log, counted from the last one or from opening; 0 for none. */
  readonly everyBytes: number;
  /** How many are kept, held ones not counted; at least 1. */
  readonly keep: number;
}

export interface SnapshotsStatus {
  /** Position of the newest usable snapshot; 0 without one. */
  readonly position: Sequence;
  readonly taking: boolean;
  /** Why the last attempt failed; null when it did not. */
  readonly problem: string | null;
}

/** Commits between two looks at the counters. */
const LOOK_COMMITS = 256;

export class SnapshotKeeper {
  readonly #log: Log;
  readonly #logId: string;
  readonly #registry: Pick<Registry, 'capture'>;
  readonly #store: SnapshotStore;
  readonly #runner: SaveRunner;
  readonly #policy: SnapshotPolicy;
  readonly #report: (line: string) => void;
  readonly #stopListening: () => void;
  readonly #stopping = new AbortController();
  #lookCommits: number;
  #bytes: number;
  #lookAt = 0;
  #running: Promise<SnapshotSummary> | null = null;
  #waiting = false;
  /** Ordinal of the commit from which the policy counts: the newest snapshot's, or 0. */
  #countedFrom: number;
  #position: Sequence;
  #problem: string | null = null;

  constructor(options: {
    readonly log: Log;
    readonly registry: Pick<Registry, 'capture'>;
    readonly store: SnapshotStore;
    /** For this keeper alone, which closes it. */
    readonly runner: SaveRunner;
    readonly policy: SnapshotPolicy;
    readonly report: (line: string) => void;
  }) {
    const { log, policy } = options;
    this.#log = log;
    this.#logId = Buffer.from(log.identity.logId).toString('hex');
    this.#registry = options.registry;
    this.#store = options.store;
    this.#runner = options.runner;
    this.#policy = policy;
    this.#report = options.report;
    this.#bytes = log.status().bytesWritten;
    const newest = options.store.newest(this.#logId, log.stable);
    this.#countedFrom = newest?.ordinal ?? 0;
    this.#position = (newest?.sequence ?? SEQUENCE_NONE) as Sequence;
    this.#lookCommits =
      policy.everyCommits === 0 ? LOOK_COMMITS : Math.min(LOOK_COMMITS, policy.everyCommits);
    const wanted = policy.everyCommits > 0 || policy.everyBytes > 0;
    this.#stopListening = wanted ? log.onCommit(({ ordinal }) => this.#committed(ordinal)) : () => {};
  }

  /** Takes a snapshot now, after one that is under way. Errors: VIEW_UNAVAILABLE, CLOSED, those of the disk. */
  async create(): Promise<SnapshotSummary> {
    while (this.#running !== null) await this.#running.catch(() => {});
    if (this.#stopping.signal.aborted)
      throw new TruthError('CLOSED', 'the database is closing: no snapshot is taken any more');
    this.#running = this.#take();
    try {
      const taken = await this.#running;
      this.#problem = null;
      return taken;
    } catch (error) {
      this.#problem = error instanceof Error ? error.message : String(error);
      throw error;
    } finally {
      this.#running = null;
    }
  }

  status(): SnapshotsStatus {
    return { position: this.#position, taking: this.#running !== null, problem: this.#problem };
  }

  list(): readonly SnapshotSummary[] {
    return this.#store.list();
  }

  hold(name: string, reason: string): SnapshotSummary {
    return this.#store.hold(name, reason);
  }

  release(name: string): SnapshotSummary {
    return this.#store.release(name);
  }

  /** Removes all snapshots, held ones and those set aside too. Returns their names. */
  async clear(): Promise<string[]> {
    while (this.#running !== null) await this.#running.catch(() => {});
    this.#position = SEQUENCE_NONE;
    return this.#store.clear();
  }

  /** Gives up a snapshot under way, which would only hold up the end; no other begins. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#stopListening();
    while (this.#running !== null) await this.#running.catch(() => {});
    await this.#runner.close();
  }

  async #take(): Promise<SnapshotSummary> {
    const { bytesWritten } = this.#log.status();
    const capture = await this.#registry.capture();
    const { folder } = this.#store;
    const written = await writeSnapshot({
      folder,
      logId: this.#logId,
      capture,
      runner: this.#runner,
      signal: this.#stopping.signal,
    }).finally(() => releaseCapture(capture));
    this.#countedFrom = written.manifest.ordinal;
    this.#position = written.manifest.sequence as Sequence;
    this.#bytes = bytesWritten;
    const removed = await this.#store.retain(this.#policy.keep, this.#logId, this.#runner);
    const summary = this.#store.summary(written.name);
    this.#report(
      `snapshot ${summary.name} at ${summary.position}: ${written.bytes} bytes${removed.length === 0 ? '' : `; removed ${removed.join(', ')}`}`,
    );
    return summary;
  }

  #committed(ordinal: number): void {
    if (this.#stopping.signal.aborted || this.#waiting || ordinal < this.#lookAt) return;
    this.#lookAt = ordinal + this.#lookCommits;
    if (!this.#isDue(ordinal)) return;
    this.#waiting = true;
    this.create()
      .catch((error: unknown) => {
        this.#report(`no snapshot was taken: ${error instanceof Error ? error.message : String(error)}`);
        // Not again at the very next look: a full disk would be asked all the time.
        this.#countedFrom = ordinal;
        this.#bytes = this.#log.status().bytesWritten;
      })
      .finally(() => {
        this.#waiting = false;
      });
  }

  #isDue(ordinal: number): boolean {
    const { everyCommits, everyBytes } = this.#policy;
    if (everyCommits > 0 && ordinal - this.#countedFrom >= everyCommits) return true;
    return everyBytes > 0 && this.#log.status().bytesWritten - this.#bytes >= everyBytes;
  }
}
