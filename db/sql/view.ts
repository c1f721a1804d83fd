/**
 * The view of all tables: one store a tenant, opened when it is first needed, so a database without tables opens none.
 * Entries reach it in two ways. The writer's own are staged: applied to open transactions while the log makes them durable;
 * when their commit comes it is only noted, and the transactions end. All others, in a replay and on a follower, are applied
 * when their commit comes.
 */
import { TruthError } from '../errors.ts';
import { KERNEL_ENTRY } from '../kernel/entry-types.ts';
import { invariant } from '../kernel/index.ts';
import type {
  CheckpointReader,
  CheckpointWriter,
  FiledView,
  HeldFile,
  ViewCommit,
  ViewContext,
  ViewDefinition,
} from '../materializer/index.ts';
import { SEQUENCE_NONE, type Sequence, type TenantId } from '../types.ts';
import { Catalog, CatalogCache } from './catalog/index.ts';
import type { DecidingState } from './commands/decide.ts';
import type { Glance } from './execute/query.ts';
import { EMPTY_STORE } from './rows/empty-store.ts';
import { type EvolveListener, evolve, NOBODY_LISTENS, type TableEntry } from './rows/evolve.ts';
import { StoreSet, type StoreSnapshot, storeFiles } from './store/index.ts';

const VERSION = 1;

/** What is known of a tenant's tables. */
interface KnownTables {
  readonly cache: CatalogCache;
  /** What readers see; null when it has to be read again. */
  committed: Catalog | null;
}

const NO_TABLES: DecidingState = Object.freeze({ rows: EMPTY_STORE, catalog: Catalog.EMPTY });

export class SqlView implements FiledView {
  readonly #stores: StoreSet;
  /** Whether other threads can read the stores. */
  readonly #shared: boolean;
  readonly #listener: EvolveListener;
  readonly #tables = new Map<TenantId, KnownTables>();
  /** Last entry that was applied before its commit. */
  #staged: Sequence = SEQUENCE_NONE;
  /** What is staged has no commit yet. */
  #staging = false;
  /** Why nothing can be applied any more, or null. */
  #broken: unknown = null;

  constructor({ logId, folder }: ViewContext, listener: EvolveListener = NOBODY_LISTENS) {
    this.#stores = new StoreSet({ folder, logId, version: VERSION });
    this.#shared = folder !== null;
    this.#listener = listener;
  }

  /** Tables of the tenants that were asked about since the start: looking at others would open their files. */
  get tables(): number {
    let tables = 0;
    for (const tenant of this.#tables.keys()) tables += this.catalog(tenant).tables.length;
    return tables;
  }

  /** The writer's own state, staged changes included. Errors: VIEW_UNAVAILABLE after a change that could not be applied. */
  writer(tenant: TenantId): DecidingState {
    if (this.#broken !== null) throw broken(this.#broken);
    const rows = this.#stores.get(tenant);
    return rows === null ? NO_TABLES : { rows, catalog: this.#known(tenant).cache.at(rows, null) };
  }

  /** The tables as readers see them. */
  catalog(tenant: TenantId): Catalog {
    const store = this.#stores.get(tenant);
    if (store === null) return Catalog.EMPTY;
    const known = this.#known(tenant);
    if (known.committed === null) {
      const snapshot = store.snapshot();
      try {
        known.committed = known.cache.at(snapshot, null);
      } finally {
        snapshot.close();
      }
    }
    return known.committed;
  }

  /** What is kept of the tables of earlier positions. */
  catalogs(tenant: TenantId): CatalogCache {
    return this.#known(tenant).cache;
  }

  /** What is committed, hence stable, as one state until it is closed. */
  snapshot(tenant: TenantId): StoreSnapshot {
    return this.#stores.get(tenant)?.snapshot() ?? { ...EMPTY_STORE, close: () => {} };
  }

  /** What is committed, for reads that are over before anything else happens on this thread. */
  glance(tenant: TenantId): Glance {
    const rows = this.#stores.get(tenant);
    // Between transactions the writer's own connection sees what is committed.
    if (rows !== null && !rows.open) return { reader: rows, done: () => {} };
    const snapshot = this.snapshot(tenant);
    return { reader: snapshot, done: () => snapshot.close() };
  }

  /** File to be read on other threads; null where there is none. */
  path(tenant: TenantId): string | null {
    return this.#shared ? (this.#stores.get(tenant)?.path ?? null) : null;
  }

  /**
   * Applies entries that the log has taken and that are not stable yet: all that are staged at a time belong to one commit.
   * Throws when they cannot be applied: then the view has failed.
   */
  stage(tenant: TenantId, entries: readonly TableEntry[]): void {
    if (this.#broken !== null) throw broken(this.#broken);
    this.#staging = true;
    try {
      for (const entry of entries) {
        invariant(entry.sequence > this.#staged, 'entries are staged in the order of the log');
        this.#apply(tenant, entry, entry.sequence);
        this.#staged = entry.sequence;
      }
    } catch (error) {
      this.#broken = error;
      this.unstage();
      throw broken(error);
    }
  }

  /** Forgets what is staged, if anything is: it will never be stable. */
  unstage(): void {
    if (!this.#staging) return;
    this.#staging = false;
    for (const tenant of this.#stores.rollbackAll()) this.#known(tenant).cache.forget();
  }

  onCommit(commit: ViewCommit): void {
    // What could not be applied is in the log all the same: the view stays behind it.
    if (this.#broken !== null) throw broken(this.#broken);
    const touched = new Set<TenantId>();
    for (const { type, tenant, sequence, payload } of commit.entries) {
      if (!isOfTables(type)) continue;
      touched.add(tenant);
      if (sequence > this.#staged) this.#apply(tenant, { type, sequence, payload }, commit.sequence);
    }
    // Commits before that of the staged entries have nothing of tables: nobody else writes to them.
    invariant(touched.size === 0 || this.#staged < commit.sequence, 'what is staged lies in one commit');
    if (touched.size === 0) return;
    const { sequence, ordinal, epoch, recordedAt } = commit;
    const noted = { sequence, ordinal, epoch, recordedAt };
    this.#stores.committed(noted, touched);
    this.#staging = false;
    this.#seen(this.#stores.commitAll(noted));
  }

  caughtUp(): void {
    this.#seen(this.#stores.caughtUp());
  }

  persist(): Promise<readonly HeldFile[]> {
    return this.#stores.persist();
  }

  checkpoint(writer: CheckpointWriter): void {
    this.#stores.checkpoint(writer);
  }

  restore(reader: CheckpointReader): void {
    this.#stores.restore(reader);
  }

  digest(): string {
    return this.#stores.digest();
  }

  digestAhead(): Iterable<void> {
    return this.#stores.digestAhead();
  }

  close(): void {
    this.#stores.close();
  }

  discard(): void {
    this.#stores.discard();
  }

  /** Nothing happens where the store holds the commit already. */
  #apply(tenant: TenantId, entry: TableEntry, commit: Sequence): void {
    const store = this.#stores.begin(tenant, commit);
    if (store !== null) evolve(store, entry, this.#known(tenant).cache, this.#listener);
  }

  #known(tenant: TenantId): KnownTables {
    let known = this.#tables.get(tenant);
    if (known === undefined) {
      known = { cache: new CatalogCache(), committed: null };
      this.#tables.set(tenant, known);
    }
    return known;
  }

  /** Readers see another state of these. */
  #seen(tenants: readonly TenantId[]): void {
    for (const tenant of tenants) this.#known(tenant).committed = null;
  }
}

export const sqlTables: ViewDefinition<SqlView> = {
  name: 'sql',
  version: VERSION,
  scope: 'tenant',
  required: true,
  files: storeFiles,
  create: (context) => new SqlView(context),
};

function isOfTables(type: number): boolean {
  return type === KERNEL_ENTRY.catalog || type === KERNEL_ENTRY.rows;
}

function broken(cause: unknown): TruthError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new TruthError(
    'VIEW_UNAVAILABLE',
    `tables cannot be written or read: a change that is in the log could not be applied (${reason}); restart to apply it again`,
    { view: 'sql' },
    { cause },
  );
}
