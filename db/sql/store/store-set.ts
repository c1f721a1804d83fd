/**
 * The stores of all tenants as one view: a file `<tenant>.sqlite` for each, made when it is first written to, so a database
 * without tables has none. Where files cannot be kept they lie in a folder of their own that goes with the process.
 *
 * Every store holds its own last commit, in the transaction that wrote its rows; they commit one after the other, and a crash in
 * between leaves some ahead of others. So whoever applies a commit asks `begin` for the store, and gets none where the store
 * has that commit already.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { TruthError } from '../../errors.ts';
import type { CheckpointReader, CheckpointWriter, HeldFile } from '../../materializer/index.ts';
import { SEQUENCE_NONE, type Sequence, type TenantId } from '../../types.ts';
import type { StoredCommit } from './contract.ts';
import { scratchFolder } from './scratch-folder.ts';
import { SqliteStore } from './sqlite-store.ts';
import { StoreCaptures } from './store-captures.ts';
import { decodeDump } from './store-dump.ts';
import { fileOf, readStoreHead, removeStoreFiles, tenantOf } from './store-files.ts';
import { StoreUpkeep } from './store-upkeep.ts';

/** Commits of a replay that share one transaction. */
const REPLAY_COMMITS = 2048;
const DIRECTORY_MODE = 0o700;
const PART = /^tenant-(\d+)-at-\d+$/;
const EMPTY_DIGEST = /^0*$/;

export interface StoreSetOptions {
  /** The view's folder, made when the first store is; null where files cannot be kept. */
  readonly folder: string | null;
  /** 16 bytes. */
  readonly logId: Uint8Array;
  /** Of the view: files of another version are refused. */
  readonly version: number;
  /** Stores that are kept open; 128 unless given. A store is to be asked for each time: it may be closed in between. */
  readonly openMax?: number;
}

/** Each has a few descriptors and up to 32 MiB of cache. */
const OPEN_MAX = 128;

export class StoreSet {
  readonly #logId: Uint8Array;
  readonly #version: number;
  readonly #upkeep: StoreUpkeep | null;
  readonly #captures: StoreCaptures;
  readonly #scratch: { readonly path: string; remove(): void } | null;
  readonly #folder: string;
  readonly #openMax: number;
  /** Open, the one that was asked for last at the end. */
  readonly #stores = new Map<TenantId, SqliteStore>();
  readonly #tenants: Set<TenantId>;
  /** With an open transaction. */
  readonly #open = new Set<TenantId>();
  /** To be dropped with the next commit. */
  readonly #dropping = new Set<TenantId>();
  /** What stores say that are not open. */
  readonly #heads = new Map<TenantId, { readonly applied: Sequence; readonly digest: string }>();
  /** Made durable by this process. */
  readonly #synced = new Set<TenantId>();
  #commits = 0;
  #replaying = true;

  constructor({ folder, logId, version, openMax = OPEN_MAX }: StoreSetOptions) {
    this.#openMax = openMax;
    this.#logId = logId;
    this.#version = version;
    this.#scratch = folder === null ? scratchFolder(this) : null;
    this.#folder = folder ?? this.#scratch!.path;
    this.#upkeep = folder === null ? null : new StoreUpkeep();
    this.#captures = new StoreCaptures((tenant) => this.open(tenant).snapshot());
    const files = existsSync(this.#folder) ? readdirSync(this.#folder) : [];
    this.#tenants = new Set(files.flatMap((file) => tenantOf(file) ?? []));
  }

  /** Tenants that have a store. */
  get tenants(): readonly TenantId[] {
    return [...this.#tenants].sort((a, b) => a - b);
  }

  /** The store of a tenant, or null where it has none. */
  get(tenant: TenantId): SqliteStore | null {
    return this.#tenants.has(tenant) ? this.open(tenant) : null;
  }

  /** The store of a tenant, made where there is none. */
  open(tenant: TenantId): SqliteStore {
    let store = this.#stores.get(tenant);
    if (store === undefined) {
      mkdirSync(this.#folder, { recursive: true, mode: DIRECTORY_MODE });
      store = new SqliteStore({
        path: join(this.#folder, fileOf(tenant)),
        logId: this.#logId,
        version: this.#version,
        checkpoints: this.#upkeep === null ? 'by itself' : 'commanded',
      });
      this.#closeIdle();
      this.#stores.set(tenant, store);
      this.#tenants.add(tenant);
      this.#heads.delete(tenant);
    } else if (this.#stores.size >= this.#openMax) {
      this.#stores.delete(tenant);
      this.#stores.set(tenant, store);
    }
    return store;
  }

  /**
   * The store of a tenant with an open transaction, made where there is none yet, for the entries of a commit at or behind
   * `sequence`. Null when the store holds that commit already.
   */
  begin(tenant: TenantId, sequence: Sequence): SqliteStore | null {
    const store = this.open(tenant);
    if (store.open) return store;
    if ((store.position?.sequence ?? SEQUENCE_NONE) >= sequence) return null;
    this.#captures.beforeWriting(tenant);
    store.begin();
    this.#open.add(tenant);
    return store;
  }

  /** The tenant's store goes, with the next `commitAll`; nothing happens where it has none. */
  drop(tenant: TenantId): void {
    if (this.#tenants.has(tenant)) this.#dropping.add(tenant);
  }

  /** Notes a commit of the log in those of the given stores that write for it. */
  committed(commit: StoredCommit, tenants: Iterable<TenantId>): void {
    for (const tenant of tenants) if (this.#open.has(tenant)) this.open(tenant).committed(commit);
  }

  /**
   * Commits all open transactions, in a replay only now and then. `last`: the last commit of the log among what they hold.
   * Returns the tenants of which readers now see another state.
   */
  commitAll(last: StoredCommit): readonly TenantId[] {
    this.#commits += 1;
    if (this.#replaying && this.#dropping.size === 0 && this.#commits % REPLAY_COMMITS !== 0) return [];
    const changed = this.#commitOpen();
    for (const tenant of this.#dropping) this.#drop(tenant, last);
    changed.push(...this.#dropping);
    this.#dropping.clear();
    this.#upkeep?.committed(changed.map((tenant) => this.open(tenant)));
    if (!this.#replaying) this.#purge();
    return changed;
  }

  /** Forgets what is not committed. Returns the tenants it was of. */
  rollbackAll(): readonly TenantId[] {
    const forgotten = [...this.#open];
    for (const tenant of forgotten) this.open(tenant).rollback();
    this.#open.clear();
    this.#dropping.clear();
    return forgotten;
  }

  /** A replay has ended: from now on every `commitAll` commits. Returns the tenants of which readers now see another state. */
  caughtUp(): readonly TenantId[] {
    this.#replaying = false;
    const changed = this.#commitOpen();
    this.#purge();
    return changed;
  }

  /** Tenants whose files may still have bytes of what was erased or dropped: a snapshot of an earlier state is open. */
  get residual(): readonly TenantId[] {
    return [...this.#stores].filter(([, { residue }]) => residue).map(([tenant]) => tenant);
  }

  /** Makes durable what is committed, and says where each file stands. */
  async persist(): Promise<readonly HeldFile[]> {
    const held = this.tenants.map((tenant) => ({
      file: fileOf(tenant),
      applied: this.#head(tenant).applied,
    }));
    if (this.#upkeep === null || held.length === 0) return held;
    // Once also those nobody has opened: a process before this one may have been killed before the disk had all of them.
    const changed = this.tenants.filter((tenant) => this.#stores.has(tenant) || !this.#synced.has(tenant));
    await this.#upkeep.sync(
      changed.map((tenant) => join(this.#folder, fileOf(tenant))),
      [this.#folder, dirname(this.#folder)],
    );
    for (const tenant of changed) this.#synced.add(tenant);
    return held;
  }

  /** A part for each tenant; see StoreCaptures for what goes on meanwhile. */
  checkpoint(writer: CheckpointWriter): void {
    for (const tenant of this.tenants) {
      const { applied } = this.#head(tenant);
      if (applied === SEQUENCE_NONE) continue;
      const capture = this.#captures.take(tenant, this.#open.has(tenant));
      writer.part(`tenant-${tenant}-at-${applied}`, capture.chunks, capture.done);
    }
  }

  /** Fills a set that is empty. Errors: CORRUPT. */
  restore(reader: CheckpointReader): void {
    for (const name of reader.parts) {
      const match = PART.exec(name);
      if (match === null)
        throw new TruthError('CORRUPT', `a checkpoint of stores has the unknown part ${name}`);
      const store = this.open(Number(match[1]) as TenantId);
      store.load(decodeDump(reader.chunks?.(name) ?? [reader.read(name)]));
    }
  }

  /** Over what is committed. */
  digest(): string {
    const hash = createHash('sha256');
    for (const tenant of this.tenants) {
      const { digest } = this.#head(tenant);
      // A store that has become empty is as if it had never been.
      if (!EMPTY_DIGEST.test(digest)) hash.update(`${tenant} ${digest}\n`);
    }
    return hash.digest('hex');
  }

  /** Looks into stores that are not open, one a step. */
  *digestAhead(): Generator<void> {
    for (const tenant of this.tenants) {
      if (this.#stores.has(tenant) || this.#heads.has(tenant)) continue;
      this.#head(tenant);
      yield;
    }
  }

  /** Ends all stores; what is not committed is forgotten. */
  close(): void {
    this.#captures.close();
    for (const store of this.#stores.values()) store.close();
    this.#stores.clear();
    this.#open.clear();
    this.#upkeep?.close();
    this.#scratch?.remove();
  }

  /** The same, and removes the files. */
  discard(): void {
    this.close();
    for (const tenant of this.#tenants) removeStoreFiles(join(this.#folder, fileOf(tenant)));
    this.#tenants.clear();
    this.#heads.clear();
  }

  /** Makes room for one more, if one is not in use. */
  #closeIdle(): void {
    if (this.#stores.size < this.#openMax) return;
    for (const [tenant, store] of this.#stores) {
      if (store.open || store.snapshots > 0 || store.residue) continue;
      store.close();
      this.#stores.delete(tenant);
      // Another thread may have it open: then its WAL stays, and may not be durable yet.
      this.#synced.delete(tenant);
      return;
    }
  }

  #commitOpen(): TenantId[] {
    const changed = [...this.#open];
    for (const tenant of changed) {
      this.open(tenant).commit();
      this.#open.delete(tenant);
    }
    return changed;
  }

  /**
   * What is left is an empty store that holds the commit it was dropped with: a replay from before then has to know that the
   * entries it meets are of no consequence.
   */
  #drop(tenant: TenantId, last: StoredCommit): void {
    this.#captures.beforeWriting(tenant);
    const { path } = this.open(tenant);
    this.open(tenant).close();
    this.#stores.delete(tenant);
    removeStoreFiles(path);
    const empty = this.open(tenant);
    empty.begin();
    empty.committed(last);
    empty.commit();
  }

  #purge(): void {
    for (const store of this.#stores.values()) if (store.residue && !store.open) store.purge();
  }

  #head(tenant: TenantId): { readonly applied: Sequence; readonly digest: string } {
    const store = this.#stores.get(tenant);
    if (store !== undefined) {
      return {
        applied: store.committedPosition?.sequence ?? SEQUENCE_NONE,
        digest: store.committedDigest(),
      };
    }
    let head = this.#heads.get(tenant);
    if (head === undefined) {
      const { position, digest } = readStoreHead(join(this.#folder, fileOf(tenant)));
      head = { applied: position?.sequence ?? SEQUENCE_NONE, digest };
      this.#heads.set(tenant, head);
    }
    return head;
  }
}
