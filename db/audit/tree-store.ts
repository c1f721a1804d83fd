/**
 * The trees over a log in `views/proof/`: one over all entries, one for each tenant. They are computed from the log and can
 * be computed again; what a crash may have torn lies behind the noted progress and is written again.
 *
 *     entries.nodes            tree over all entries; a leaf's mark is its entry's tenant + 1, 0 for an entry of the log itself
 *     tenant-<number>.nodes    tree over one tenant's entries; a leaf's mark is the entry's sequence
 *     erasures.nodes           tree over the entries that say what was erased; marks as those of a tenant
 *     progress.json            how far they are, what they hold, and where in the log to go on
 */
import { join } from 'node:path';
import { type Disk, isNotFound, readSmallFile, writeSmallFile } from '../io/index.ts';
import { sequence } from '../types.ts';
import { readLogId } from '../wal/metadata.ts';
import type { GroupPlace } from '../wal/raw-groups.ts';
import type { Hold } from '../wal/retention.ts';
import { MemoryTree, rootOf } from './merkle.ts';
import { NodeFile } from './node-file.ts';
import { hex, sha256, tenantLeafHash } from './verifier.ts';

/** Format 1 is of older releases, which kept no tree over the erasures. */
const FORMAT = 2;
const PROGRESS = 'progress.json';
const ENTRIES = 'entries.nodes';
const ERASURES = 'erasures.nodes';
/** With more tenants than this each one’s file is closed after use: there are only so many descriptors. */
const OPEN_MAX = 64;

/** The last commit in the trees: where a checkpoint can stand. */
export interface CommitMark {
  readonly sequence: number;
  readonly ordinal: number;
  readonly epoch: number;
  /** Nanoseconds since 1970. */
  readonly recordedAt: string;
  /** Hex. */
  readonly chain: string;
}

/** An epoch as its entry in the log says. */
export interface EpochMark {
  readonly sequence: number;
  readonly epoch: number;
  readonly parentEpoch: number;
  readonly parentSequence: number;
  readonly reason: number;
}

interface Progress {
  readonly format: 1 | typeof FORMAT;
  readonly logId: string;
  readonly sequence: number;
  readonly next: GroupPlace | null;
  readonly commit: CommitMark | null;
  readonly epochs: readonly EpochMark[];
  readonly tenants: readonly (readonly [tenant: number, leaves: number])[];
  /** Leaves; not there in format 1. */
  readonly erasures?: number;
}

/** What an entry is to the trees. */
export interface LeafOwner {
  /** Null for an entry of the log itself, which no tenant's tree has. */
  readonly tenant: number | null;
  readonly isErasure: boolean;
}

export const LOG_ITSELF: LeafOwner = { tenant: null, isErasure: false };

export interface TenantTree {
  readonly tenant: number;
  readonly size: number;
  readonly root: Uint8Array;
}

export class TreeStore {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #logId: string;
  readonly #tenants = new Map<number, NodeFile>();
  #entries: NodeFile;
  #erasures: NodeFile | null;
  /** Where the next group begins; null before the first. */
  next: GroupPlace | null = null;
  commit: CommitMark | null = null;
  readonly epochs: EpochMark[] = [];

  /** Whatever cannot be used counts as not there. `logId`: hex. */
  constructor(disk: Disk, directory: string, logId: string) {
    this.#disk = disk;
    this.#folder = join(directory, 'views', 'proof');
    this.#logId = logId;
    const progress = this.#progress();
    this.#entries = new NodeFile(disk, join(this.#folder, ENTRIES), progress?.sequence ?? 0);
    const erased = progress === null ? 0 : progress.erasures;
    this.#erasures = erased === undefined ? null : this.#erasuresFile(erased);
    if (progress === null) return;
    this.next = progress.next;
    this.commit = progress.commit;
    this.epochs.push(...progress.epochs);
    for (const [tenant, leaves] of progress.tenants) this.#tenants.set(tenant, this.#file(tenant, leaves));
  }

  /** Entries in the tree over all: the last one's sequence. */
  get sequence(): number {
    return this.#entries.leaves;
  }

  get entries(): NodeFile {
    return this.#entries;
  }

  /** Null where the trees were made by a release that kept none. */
  get erasures(): NodeFile | null {
    return this.#erasures;
  }

  /** Null for a tenant without an entry. */
  tenant(tenant: number): NodeFile | null {
    return this.#tenants.get(tenant) ?? null;
  }

  /** The next entry's leaf. */
  append(leaf: Uint8Array, { tenant, isErasure }: LeafOwner): void {
    this.#entries.append(leaf, tenant === null ? 0 : tenant + 1);
    if (isErasure) this.#erasures?.append(leaf, this.#entries.leaves);
    if (tenant === null) return;
    let file = this.#tenants.get(tenant);
    if (file === undefined) {
      file = this.#file(tenant, 0);
      this.#tenants.set(tenant, file);
    }
    file.append(leaf, this.#entries.leaves);
  }

  root(size: number): Uint8Array {
    return size === this.sequence ? this.#entries.root() : rootOf(this.#entries, size);
  }

  /** Every tenant that had entries when there were `size` in all, in ascending order. */
  tenantsAt(size: number): TenantTree[] {
    const trees: TenantTree[] = [];
    for (const [tenant, file] of [...this.#tenants].sort(([a], [b]) => a - b)) {
      const leaves = size >= this.sequence ? file.leaves : file.leavesUpTo(size, file.leaves);
      if (leaves === 0) continue;
      const root = leaves === file.leaves ? file.root() : rootOf(file, leaves);
      trees.push({ tenant, size: leaves, root });
      this.#closeAmongMany(file);
    }
    return trees;
  }

  /** The tree over the erasures among the first `size` entries; null where there is none. */
  erasuresAt(size: number): { readonly count: number; readonly root: Uint8Array } | null {
    const file = this.#erasures;
    if (file === null) return null;
    const count = size >= this.sequence ? file.leaves : file.leavesUpTo(size, file.leaves);
    return { count, root: count === file.leaves ? file.root() : rootOf(file, count) };
  }

  /** Makes everything appended so far durable, then notes it. */
  save(): void {
    this.prepare();
    let changed = this.#entries.sync();
    changed = this.#erasures?.sync() || changed;
    for (const file of this.#tenants.values()) {
      changed = file.sync() || changed;
      this.#closeAmongMany(file);
    }
    if (changed) this.#disk.fsyncDirectory(this.#folder);
    const progress: Progress = {
      format: this.#erasures === null ? 1 : FORMAT,
      logId: this.#logId,
      sequence: this.sequence,
      next: this.next,
      commit: this.commit,
      epochs: this.epochs,
      tenants: [...this.#tenants].map(([tenant, { leaves }]) => [tenant, leaves]),
      ...(this.#erasures === null ? {} : { erasures: this.#erasures.leaves }),
    };
    const stored: Stored = { progress, sha256: digestOf(progress) };
    writeSmallFile(this.#disk, join(this.#folder, PROGRESS), Buffer.from(`${JSON.stringify(stored)}\n`));
  }

  /** Makes the folder, so that files can be appended to. */
  prepare(): void {
    this.#disk.mkdir(join(this.#folder, '..'));
    this.#disk.mkdir(this.#folder);
  }

  /** Forgets everything: it is computed from the beginning. */
  clear(): void {
    this.close();
    try {
      this.#disk.unlink(join(this.#folder, PROGRESS));
      this.#disk.fsyncDirectory(this.#folder);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    this.#entries = new NodeFile(this.#disk, join(this.#folder, ENTRIES), 0);
    this.#erasures = this.#erasuresFile(0);
    this.#tenants.clear();
    this.next = null;
    this.commit = null;
    this.epochs.length = 0;
  }

  close(): void {
    for (const file of [this.#entries, this.#erasures, ...this.#tenants.values()]) file?.release();
  }

  #closeAmongMany(file: NodeFile): void {
    if (this.#tenants.size > OPEN_MAX) file.release();
  }

  #file(tenant: number, leaves: number): NodeFile {
    const name = `tenant-${String(tenant).padStart(10, '0')}.nodes`;
    return new NodeFile(this.#disk, join(this.#folder, name), leaves);
  }

  #erasuresFile(leaves: number): NodeFile {
    return new NodeFile(this.#disk, join(this.#folder, ERASURES), leaves);
  }

  #progress(): Progress | null {
    const bytes = readSmallFile(this.#disk, join(this.#folder, PROGRESS));
    if (bytes === null) return null;
    try {
      const { progress, sha256 } = JSON.parse(Buffer.from(bytes).toString()) as Stored;
      const known = progress.format === 1 || progress.format === FORMAT;
      const whole = sha256 === digestOf(progress) && known;
      return whole && progress.logId === this.#logId ? progress : null;
    } catch {
      return null;
    }
  }
}

/** As the file has it: a progress that is not whole counts for nothing. */
interface Stored {
  readonly progress: Progress;
  readonly sha256: string;
}

function digestOf(progress: Progress): string {
  return hex(sha256(Buffer.from(JSON.stringify(progress))));
}

/** What the trees of a database still need of its log: without it they could not grow, and nothing more could be proven. */
export function proofHolds(disk: Disk, directory: string): Hold[] {
  const store = new TreeStore(disk, directory, readLogId(disk, directory) ?? '');
  if (store.next === null) return [];
  const release = 'removing views/proof, which ends the proofs of what is pruned,';
  return [{ kind: 'view', name: '"proof"', from: sequence(store.sequence + 1), release }];
}

/** The tree over the tenants' trees. */
export function tenantsTree(tenants: readonly TenantTree[]): MemoryTree {
  return new MemoryTree(tenants.map(({ tenant, size, root }) => tenantLeafHash(tenant, size, root)));
}
