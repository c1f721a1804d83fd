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
  Materializer,
  ViewCommit,
  ViewDefinition,
} from '../materializer/index.ts';
import { SEQUENCE_NONE, type Sequence, type TenantId } from '../types.ts';
import { Catalog, CatalogCache } from './catalog/index.ts';
import type { DecidingState } from './commands/decide.ts';
import { EMPTY_STORE } from './rows/empty-store.ts';
import { type EvolveListener, evolve, NOBODY_LISTENS, type TableEntry } from './rows/evolve.ts';
import { SqliteStore, type StoreSnapshot } from './store/index.ts';

interface OpenTenant {
  readonly rows: SqliteStore;
  readonly catalogs: CatalogCache;
  /** What readers see; null when it has to be read again. */
  committed: Catalog | null;
}

const NO_TABLES: DecidingState = Object.freeze({ rows: EMPTY_STORE, catalog: Catalog.EMPTY });

export class SqlView implements Materializer {
  readonly #logId: Uint8Array;
  readonly #listener: EvolveListener;
  readonly #tenants = new Map<TenantId, OpenTenant>();
  /** Tenants with an open transaction. */
  readonly #open = new Set<TenantId>();
  /** Last entry that was applied before its commit. */
  #staged: Sequence = SEQUENCE_NONE;
  /** Why nothing can be applied any more, or null. */
  #broken: unknown = null;

  constructor(logId: Uint8Array, listener: EvolveListener = NOBODY_LISTENS) {
    this.#logId = logId;
    this.#listener = listener;
  }

  /** Tables of all tenants. */
  get tables(): number {
    let tables = 0;
    for (const tenant of this.#tenants.keys()) tables += this.catalog(tenant).tables.length;
    return tables;
  }

  /** The writer's own state, staged changes included. Errors: VIEW_UNAVAILABLE after a change that could not be applied. */
  writer(tenant: TenantId): DecidingState {
    if (this.#broken !== null) throw broken(this.#broken);
    const open = this.#tenants.get(tenant);
    return open === undefined ? NO_TABLES : { rows: open.rows, catalog: open.catalogs.at(open.rows, null) };
  }

  /** The tables as readers see them. */
  catalog(tenant: TenantId): Catalog {
    const open = this.#tenants.get(tenant);
    if (open === undefined) return Catalog.EMPTY;
    open.committed ??= readOnce(open.rows, (snapshot) => open.catalogs.at(snapshot, null));
    return open.committed;
  }

  /** What is kept of the tables of earlier positions. */
  catalogs(tenant: TenantId): CatalogCache {
    return this.#tenants.get(tenant)?.catalogs ?? new CatalogCache();
  }

  /** What is committed, hence stable, as one state until it is closed. */
  snapshot(tenant: TenantId): StoreSnapshot {
    return this.#tenants.get(tenant)?.rows.snapshot() ?? { ...EMPTY_STORE, close: () => {} };
  }

  /** File to be read on other threads; null where there is none. */
  path(tenant: TenantId): string | null {
    return this.#tenants.get(tenant)?.rows.path ?? null;
  }

  /** Applies entries that the log has taken and that are not stable yet. Throws when they cannot be: then the view has failed. */
  stage(tenant: TenantId, entries: readonly TableEntry[]): void {
    if (this.#broken !== null) throw broken(this.#broken);
    try {
      for (const entry of entries) {
        invariant(entry.sequence > this.#staged, 'entries are staged in the order of the log');
        this.#apply(tenant, entry);
        this.#staged = entry.sequence;
      }
    } catch (error) {
      this.#broken = error;
      this.unstage();
      throw broken(error);
    }
  }

  /** Forgets what is staged: it will never be stable, or nothing was. */
  unstage(): void {
    for (const tenant of this.#open) {
      const { rows, catalogs } = this.#tenant(tenant);
      rows.rollback();
      catalogs.forget();
    }
    this.#open.clear();
  }

  onCommit(commit: ViewCommit): void {
    // What could not be applied is in the log all the same: the view stays behind it.
    if (this.#broken !== null) throw broken(this.#broken);
    const touched = new Set<TenantId>();
    for (const entry of commit.entries) {
      if (!isOfTables(entry.type)) continue;
      touched.add(entry.tenant);
      if (entry.sequence > this.#staged) this.#apply(entry.tenant, entry);
    }
    const { sequence, ordinal, epoch, recordedAt } = commit;
    for (const tenant of touched)
      this.#tenant(tenant).rows.committed({ sequence, ordinal, epoch, recordedAt });
    // A group of commands can reach over several commits; readers see it at its end.
    if (sequence > this.#staged) this.#commit();
  }

  checkpoint(_writer: CheckpointWriter): void {}

  restore(_reader: CheckpointReader): void {
    throw new TruthError('CORRUPT', 'tables have no checkpoint yet');
  }

  digest(): string {
    return [...this.#tenants]
      .sort(([a], [b]) => a - b)
      .map(([tenant, { rows }]) => `${tenant}:${rows.digest()}`)
      .join(' ');
  }

  #apply(tenant: TenantId, entry: TableEntry): void {
    const { rows, catalogs } = this.#tenant(tenant);
    if (!rows.open) {
      rows.begin();
      this.#open.add(tenant);
    }
    evolve(rows, entry, catalogs, this.#listener);
  }

  #commit(): void {
    for (const tenant of this.#open) {
      const open = this.#tenant(tenant);
      open.rows.commit();
      open.committed = null;
    }
    this.#open.clear();
  }

  #tenant(tenant: TenantId): OpenTenant {
    let open = this.#tenants.get(tenant);
    if (open === undefined) {
      const rows = new SqliteStore({ path: ':memory:', logId: this.#logId });
      open = { rows, catalogs: new CatalogCache(), committed: null };
      this.#tenants.set(tenant, open);
    }
    return open;
  }
}

export const sqlTables: ViewDefinition<SqlView> = {
  name: 'sql',
  version: 1,
  scope: 'tenant',
  required: true,
  create: ({ logId }) => new SqlView(logId),
};

function readOnce<T>(rows: SqliteStore, use: (snapshot: StoreSnapshot) => T): T {
  const snapshot = rows.snapshot();
  try {
    return use(snapshot);
  } finally {
    snapshot.close();
  }
}

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
