/**
 * Takes the snapshots of an open database, one at a time: when asked, and in the background each time enough commits or
 * bytes have come since the last. A failure costs nothing but the snapshot; the database goes on.
 */
import { TruthError } from '../errors.ts';
import type { Registry, SaveRunner } from '../materializer/index.ts';
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
  #lookCommits: number;
  #bytes: number;
  #lookAt = 0;
  #running: Promise<SnapshotSummary> | null = null;
  #waiting = false;
  #stopped = false;
  /** Ordinal of the newest snapshot's commit; counting begins with the first commit where there is none. */
  #newest: number;

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
    this.#newest = options.store.newestOrdinal(this.#logId, log.stable);
    this.#lookCommits =
      policy.everyCommits === 0 ? LOOK_COMMITS : Math.min(LOOK_COMMITS, policy.everyCommits);
    const wanted = policy.everyCommits > 0 || policy.everyBytes > 0;
    this.#stopListening = wanted ? log.onCommit(({ ordinal }) => this.#committed(ordinal)) : () => {};
  }

  /** Takes a snapshot now, after one that is under way. Errors: VIEW_UNAVAILABLE, CLOSED, those of the disk. */
  async create(): Promise<SnapshotSummary> {
    while (this.#running !== null) await this.#running.catch(() => {});
    if (this.#stopped)
      throw new TruthError('CLOSED', 'the database is closing: no snapshot is taken any more');
    this.#running = this.#take();
    try {
      return await this.#running;
    } finally {
      this.#running = null;
    }
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

  /** Waits for a snapshot under way; no other begins. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#stopListening();
    while (this.#running !== null) await this.#running.catch(() => {});
    await this.#runner.close();
  }

  async #take(): Promise<SnapshotSummary> {
    const { bytesWritten } = this.#log.status();
    const capture = await this.#registry.capture();
    const { folder } = this.#store;
    const written = await writeSnapshot({ folder, logId: this.#logId, capture, runner: this.#runner });
    this.#newest = written.manifest.ordinal;
    this.#bytes = bytesWritten;
    const removed = await this.#store.retain(this.#policy.keep, this.#logId, this.#runner);
    const summary = this.#store.summary(written.name);
    this.#report(
      `snapshot ${summary.name} at ${summary.position}: ${written.bytes} bytes${removed.length === 0 ? '' : `; removed ${removed.join(', ')}`}`,
    );
    return summary;
  }

  #committed(ordinal: number): void {
    if (this.#stopped || this.#waiting || ordinal < this.#lookAt) return;
    this.#lookAt = ordinal + this.#lookCommits;
    if (!this.#isDue(ordinal)) return;
    this.#waiting = true;
    this.create()
      .catch((error: unknown) => {
        this.#report(`no snapshot was taken: ${error instanceof Error ? error.message : String(error)}`);
        // Not again at the very next look: a full disk would be asked all the time.
        this.#newest = ordinal;
        this.#bytes = this.#log.status().bytesWritten;
      })
      .finally(() => {
        this.#waiting = false;
      });
  }

  #isDue(ordinal: number): boolean {
    const { everyCommits, everyBytes } = this.#policy;
    if (everyCommits > 0 && ordinal - this.#newest >= everyCommits) return true;
    return everyBytes > 0 && this.#log.status().bytesWritten - this.#bytes >= everyBytes;
  }
}
