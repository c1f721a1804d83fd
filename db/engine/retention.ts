/** Removing the oldest part of a database's log, which everybody who still needs it can refuse. */
import { proofHolds } from '../audit/index.ts';
import { TruthError } from '../errors.ts';
import type { Clock, Disk } from '../io/index.ts';
import { appliedPositions, CheckpointStore, type ViewDefinition } from '../materializer/index.ts';
import { snapshotClaims } from '../snapshot/index.ts';
import type { Sequence } from '../types.ts';
import {
  type FollowerLeases,
  type FollowerStatus,
  fileHolds,
  type Hold,
  type LogBeginning,
  type LogBytes,
  leaseHolds,
  logBeginning,
  type OpenedLog,
  type Pruned,
} from '../wal/index.ts';
import { readLogId } from '../wal/metadata.ts';
import type { EngineRetention, PruneRequest } from './contract.ts';

/** What views, snapshots, followers and backups still need of a log that nobody has open. */
export function holdsOnDisk(disk: Disk, directory: string, views: readonly ViewDefinition[]): Hold[] {
  return [
    ...viewHolds(disk, directory, views),
    ...proofHolds(disk, directory),
    ...leaseHolds(disk, directory),
    ...fileHolds(disk, directory),
  ];
}

/**
 * What views and snapshots on disk need: each goes on from its position, and the commit there is what tells whether the
 * log bears it out. A view without a checkpoint needs everything.
 */
function viewHolds(disk: Disk, directory: string, views: readonly ViewDefinition[]): Hold[] {
  const logId = readLogId(disk, directory) ?? '';
  const store = new CheckpointStore({ disk, directory, logId, report: () => {} });
  const missing = views.filter(({ name }) => store.record(name) === null);
  return [
    ...missing.map(
      ({ name }): Hold => ({
        kind: 'view',
        name: `"${name}", which has no checkpoint,`,
        from: 1 as Sequence,
      }),
    ),
    ...appliedPositions(disk, directory, views).map(
      ({ source, sequence }): Hold => ({ kind: 'view', name: source.replace(/^view /, ''), from: sequence }),
    ),
    ...snapshotClaims(disk, directory).map(
      ({ source, sequence }): Hold => ({
        kind: 'snapshot',
        name: source.replace(/^snapshot /, ''),
        from: sequence,
      }),
    ),
  ];
}

const LOOK_NANOS = 1_000_000_000n;

export class LogKeeper implements EngineRetention {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #views: readonly ViewDefinition[];
  readonly #log: Pick<OpenedLog, 'retention'> | null;
  readonly #bytes: LogBytes;
  readonly #leases: FollowerLeases;
  readonly #clock: Pick<Clock, 'monotonicNanos'>;
  #beginning: LogBeginning | null = null;
  #lookedAt = 0n;

  /** `log` is null where it is a copy: that follows its source. */
  constructor(options: {
    readonly disk: Disk;
    readonly directory: string;
    readonly views: readonly ViewDefinition[];
    readonly log: Pick<OpenedLog, 'retention'> | null;
    readonly bytes: LogBytes;
    readonly leases: FollowerLeases;
    readonly clock: Pick<Clock, 'monotonicNanos'>;
  }) {
    this.#disk = options.disk;
    this.#directory = options.directory;
    this.#views = options.views;
    this.#log = options.log;
    this.#bytes = options.bytes;
    this.#leases = options.leases;
    this.#clock = options.clock;
  }

  prune({ before, withoutArchive }: PruneRequest): Pruned {
    if (this.#log === null)
      throw new TruthError('READ_ONLY', 'a copy of a log is not pruned by itself: prune the source');
    this.#leases.look();
    const others = [
      ...viewHolds(this.#disk, this.#directory, this.#views),
      ...proofHolds(this.#disk, this.#directory),
      ...this.#leases.holds(),
      ...this.#bytes.holds(),
      ...fileHolds(this.#disk, this.#directory),
    ];
    this.#beginning = null;
    return this.#log.retention.prune({ before, withoutArchive, others });
  }

  /** Where the log begins. Looked at once a second at most: archives can lie on slow disks. */
  beginning(): LogBeginning {
    const now = this.#clock.monotonicNanos();
    if (this.#beginning === null || now - this.#lookedAt >= LOOK_NANOS) {
      this.#beginning = logBeginning(this.#disk, this.#directory);
      this.#lookedAt = now;
    }
    return this.#beginning;
  }

  followers(): FollowerStatus[] {
    return this.#leases.list();
  }

  dropFollower(name: string): FollowerStatus {
    return this.#leases.drop(name);
  }

  close(): void {
    this.#leases.close();
  }
}
