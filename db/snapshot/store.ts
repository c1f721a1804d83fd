/**
 * The folder `snapshots/`: one file per snapshot, and beside it `<name>.held` while somebody wants it kept. A file that
 * cannot be read is shown as damaged and used for nothing.
 */
import { join } from 'node:path';
import { TruthError } from '../errors.ts';
import { type Disk, isNotFound, readSmallFile, writeSmallFile } from '../io/index.ts';
import type { RestorePoint, SaveRunner } from '../materializer/index.ts';
import type { Epoch, Sequence } from '../types.ts';
import { readGaps } from '../wal/gaps.ts';
import type { DurableClaim, Gap } from '../wal/index.ts';
import { readLogId } from '../wal/metadata.ts';
import { parseSnapshotFile, type SnapshotManifest } from './format.ts';
import { readSnapshot, viewReader } from './snapshot-file.ts';
import { TEMPORARY } from './writer.ts';

const FOLDER = 'snapshots';
const HELD = '.held';
const SET_ASIDE = 'set-aside';
const REASON_CHARACTERS_MAX = 200;

/** A snapshot as lists show it. JSON-safe. */
export interface SnapshotSummary {
  readonly name: string;
  readonly position: number;
  readonly epoch: number;
  /** When its last commit was recorded, ISO 8601; null when the snapshot is damaged. */
  readonly recordedAt: string | null;
  /** Size of the file; null when it cannot be opened. */
  readonly bytes: number | null;
  /** Why it is kept whatever the policy says, or null. */
  readonly held: string | null;
  readonly views: readonly { readonly name: string; readonly version: number; readonly digest: string }[];
  readonly missing: readonly { readonly name: string; readonly reason: string }[];
  /** Why it cannot be used, or null. */
  readonly problem: string | null;
}

interface Found {
  readonly name: string;
  readonly path: string;
  readonly sequence: Sequence;
  readonly epoch: Epoch;
  readonly manifest: SnapshotManifest | null;
  readonly bytes: number | null;
  readonly problem: string | null;
}

export class SnapshotStore {
  readonly folder: string;
  readonly #disk: Disk;

  constructor(disk: Disk, directory: string) {
    this.#disk = disk;
    this.folder = join(directory, FOLDER);
  }

  /** Newest first. */
  list(): SnapshotSummary[] {
    return this.#found().map((found) => this.#summary(found));
  }

  /** Errors: NOT_FOUND. */
  summary(name: string): SnapshotSummary {
    return this.#summary(this.#named(name));
  }

  /** Path of a snapshot. Errors: NOT_FOUND. */
  path(name: string): string {
    return this.#named(name).path;
  }

  /** Keeps it until it is released, whatever the policy says. Errors: NOT_FOUND, INVALID_ARGUMENT. */
  hold(name: string, reason: string): SnapshotSummary {
    const found = this.#named(name);
    if (reason === '' || reason.length > REASON_CHARACTERS_MAX) {
      throw new TruthError(
        'INVALID_ARGUMENT',
        `a reason to hold a snapshot has 1 to ${REASON_CHARACTERS_MAX} characters`,
      );
    }
    writeSmallFile(this.#disk, this.#holdPath(name), Buffer.from(`${reason}\n`));
    return this.#summary(found);
  }

  /** Errors: NOT_FOUND. */
  release(name: string): SnapshotSummary {
    const found = this.#named(name);
    try {
      this.#disk.unlink(this.#holdPath(name));
      this.#disk.fsyncDirectory(this.folder);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    return this.#summary(found);
  }

  /**
   * Moves snapshots aside whose last commit the log has lost: nothing bears them out any more, and nobody is to begin from
   * them. Returns their names.
   */
  setAside(gaps: readonly Pick<Gap, 'from' | 'to'>[]): string[] {
    const lost = this.#found().filter(({ sequence }) => isLost(gaps, sequence));
    if (lost.length === 0) return [];
    const aside = join(this.folder, SET_ASIDE);
    this.#disk.mkdir(aside);
    this.#disk.fsyncDirectory(this.folder);
    for (const { name, path } of lost) {
      if (this.#held(name) !== null) this.#disk.rename(this.#holdPath(name), join(aside, `${name}${HELD}`));
      this.#disk.rename(path, join(aside, `${name}.snapshot`));
    }
    this.#disk.fsyncDirectory(aside);
    this.#disk.fsyncDirectory(this.folder);
    return lost.map(({ name }) => name);
  }

  /** Removes everything, whatever holds it. Returns the names of snapshots. */
  clear(): string[] {
    const removed: string[] = [];
    for (const folder of [this.folder, join(this.folder, SET_ASIDE)]) {
      const files = this.#files(folder).filter((file) => /\.(snapshot|held|tmp)$/.test(file));
      for (const file of files) this.#disk.unlink(join(folder, file));
      if (files.length > 0) this.#disk.fsyncDirectory(folder);
      removed.push(...files.filter((file) => file.endsWith('.snapshot')));
    }
    return removed.map((file) => file.replace(/\.snapshot$/, ''));
  }

  /** What a crash in the middle of writing left. Only for whoever has the database open. */
  removeLeftovers(): void {
    for (const file of this.#files()) {
      if (file.endsWith(TEMPORARY)) this.#disk.unlink(join(this.folder, file));
    }
    // A process that was killed may have left names that only the page cache has: nobody is to be told of those.
    if (this.#files().length > 0) this.#disk.fsyncDirectory(this.folder);
  }

  /**
   * Removes what the newest `keep` usable snapshots of this log make superfluous. What is held stays and does not count,
   * and so does what belongs to another log.
   */
  async retain(keep: number, logId: string, runner: SaveRunner): Promise<string[]> {
    const removed: string[] = [];
    let kept = 0;
    for (const { name, path, manifest } of this.#found()) {
      if (this.#held(name) !== null || (manifest !== null && manifest.logId !== logId)) continue;
      if (kept >= keep) {
        await runner.run({ kind: 'remove', path });
        removed.push(name);
      } else if (manifest !== null) {
        kept += 1;
      }
    }
    return removed;
  }

  /** What views of this log may begin from, newest first; `report` is told what is damaged. */
  restorePoints(logId: string, report: (line: string) => void): RestorePoint[] {
    return this.#found().flatMap((found) => {
      const { name, path, manifest, problem } = found;
      if (manifest === null) {
        report(`${problem}; an older one or the log takes its place`);
        return [];
      }
      return manifest.logId === logId ? [restorePoint(this.#disk, name, path, manifest)] : [];
    });
  }

  /** This log's newest usable snapshot that is not ahead of it. */
  newest(logId: string, stable: Sequence): SnapshotManifest | null {
    const usable = this.#found().find(
      ({ sequence, manifest }) => manifest !== null && manifest.logId === logId && sequence <= stable,
    );
    return usable?.manifest ?? null;
  }

  #found(): Found[] {
    const names = this.#files().flatMap((file) => parseSnapshotFile(file) ?? []);
    names.sort((a, b) => b.sequence - a.sequence || b.epoch - a.epoch);
    return names.map((name) => this.#read(name));
  }

  #read(named: { readonly name: string; readonly sequence: Sequence; readonly epoch: Epoch }): Found {
    const path = join(this.folder, `${named.name}.snapshot`);
    try {
      const { manifest, bytes } = readSnapshot(this.#disk, path);
      return { ...named, path, manifest, bytes, problem: null };
    } catch (error) {
      const problem =
        error instanceof TruthError
          ? error.message
          : `snapshot ${named.name} cannot be read: ${error instanceof Error ? error.message : String(error)}`;
      return { ...named, path, manifest: null, bytes: null, problem };
    }
  }

  #named(name: string): Found {
    const parsed = this.#files().includes(`${name}.snapshot`) ? parseSnapshotFile(`${name}.snapshot`) : null;
    if (parsed !== null) return this.#read(parsed);
    throw new TruthError(
      'NOT_FOUND',
      `there is no snapshot "${name}" in ${this.folder}; truthdb snapshot list shows those there are`,
    );
  }

  #summary({ name, sequence, epoch, manifest, bytes, problem }: Found): SnapshotSummary {
    return {
      name,
      position: sequence,
      epoch,
      recordedAt: manifest === null ? null : isoTime(manifest.recordedAt),
      bytes,
      held: this.#held(name),
      views: (manifest?.views ?? []).map((view) => ({
        name: view.name,
        version: view.version,
        digest: view.digest,
      })),
      missing: manifest?.missing ?? [],
      problem,
    };
  }

  #held(name: string): string | null {
    const bytes = readSmallFile(this.#disk, this.#holdPath(name));
    return bytes === null ? null : Buffer.from(bytes).toString().trim();
  }

  #holdPath(name: string): string {
    return join(this.folder, `${name}${HELD}`);
  }

  #files(folder = this.folder): string[] {
    try {
      return this.#disk.list(folder);
    } catch (error) {
      if (isNotFound(error)) return [];
      throw error;
    }
  }
}

/**
 * What the snapshots prove to have been durable. For the log's recovery. Those at a position that was declared lost prove
 * nothing more than the gap does, which reaches to it, and need nothing of the log.
 */
export function snapshotClaims(disk: Disk, directory: string): DurableClaim[] {
  const logId = readLogId(disk, directory);
  if (logId === null) return [];
  const gaps = readGaps(disk, directory);
  return new SnapshotStore(disk, directory)
    .restorePoints(logId, () => {})
    .filter(({ position }) => !isLost(gaps, position))
    .map(({ name, position }) => ({ source: name, sequence: position }));
}

function isLost(gaps: readonly Pick<Gap, 'from' | 'to'>[], sequence: Sequence): boolean {
  return gaps.some(({ from, to }) => sequence >= from && sequence <= to);
}

function restorePoint(disk: Disk, name: string, path: string, manifest: SnapshotManifest): RestorePoint {
  return {
    name: `snapshot ${name}`,
    position: manifest.sequence as Sequence,
    chain: manifest.chain,
    view: (wanted, version) => {
      const view = manifest.views.find((each) => each.name === wanted && each.version === version);
      return view === undefined ? null : { digest: view.digest, reader: viewReader(disk, path, view) };
    },
  };
}

function isoTime(nanos: string): string {
  return new Date(Number(BigInt(nanos) / 1_000_000n)).toISOString();
}
