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
import type { ErasedEntry } from '../wal/log.ts';
import { Catalog, CatalogCache } from './catalog/index.ts';
import type { DecidingState } from './commands/decide.ts';
import type { Glance } from './execute/query.ts';
import { ProjectionMaintainer } from './projections/index.ts';
import { EMPTY_STORE } from './rows/empty-store.ts';
import { noteErased, noteErasure, takenUnder } from './rows/erased-entries.ts';
import { type EvolveListener, evolve, type TableEntry } from './rows/evolve.ts';
import { bothListen, type ReducingListener } from './rows/reducing.ts';
import { tablePartition } from './rows/table-partition.ts';
import { StoreSet, type StoreSnapshot, storeFiles } from './store/index.ts';

const VERSION = 2;

/** What is known of a tenant's tables. */
interface KnownTables {
  readonly cache: CatalogCache;
  /** What readers see; null when it has to be read again. */
  committed: Catalog | null;
}

const NOTHING = (): void => {};
const NO_TENANTS: readonly TenantId[] = Object.freeze([]);
const NO_TABLES: DecidingState = Object.freeze({ rows: EMPTY_STORE, catalog: Catalog.EMPTY });

export class SqlView implements FiledView {
  readonly seesErased = true;
  readonly #stores: StoreSet;
  /** Whether other threads can read the stores. */
  readonly #shared: boolean;
  readonly #listener: EvolveListener;
  readonly #reducers: ReducingListener | null;
  readonly #erasedKeys: (erasure: TableEntry) => readonly string[];
  readonly #tables = new Map<TenantId, KnownTables>();
  /** Tenants whose projections may need something. */
  readonly #upkeep = new Set<TenantId>();
  /** Last entry that was applied before its commit. */
  #staged: Sequence = SEQUENCE_NONE;
  /** What is staged has no commit yet. */
  #staging = false;
  /** What it is made of, in order; kept for reducers, who may have to come first. */
  #stagedEntries: { readonly tenant: TenantId; readonly entry: TableEntry }[] = [];
  /** Whether a tenant's events may be of interest; once they were, they stay so. */
  readonly #eventsWanted = new Map<TenantId, boolean>();
  /** Why nothing can be applied any more, or null. */
  #broken: unknown = null;

  /** `reducers` null: there are none. `erasedKeys`: names of the keys that an entry says are destroyed. */
  constructor(
    { logId, folder }: ViewContext,
    listener: EvolveListener = new ProjectionMaintainer(),
    reducers: ReducingListener | null = null,
    erasedKeys: (erasure: TableEntry) => readonly string[] = () => [],
  ) {
    this.#stores = new StoreSet({ folder, logId, version: VERSION });
    this.#shared = folder !== null;
    this.#listener = reducers === null ? listener : bothListen(listener, reducers);
    this.#reducers = reducers;
    this.#erasedKeys = erasedKeys;
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
    return rows === null ? NO_TABLES : { rows, catalog: this.#known(tenant).cache.written(rows) };
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
    return { reader: this.#stores.get(tenant)?.glance() ?? EMPTY_STORE, done: NOTHING };
  }

  /** Tenants whose projections may need a command of upkeep, each told once. */
  takeUpkeep(): readonly TenantId[] {
    if (this.#upkeep.size === 0) return NO_TENANTS;
    const tenants = [...this.#upkeep];
    this.#upkeep.clear();
    return tenants;
  }

  /** Looks through the tables of all tenants for projections, as a start has to: what was noted before is forgotten. */
  findUpkeep(): void {
    for (const tenant of this.#stores.tenants)
      if (this.catalog(tenant).projections.length > 0) this.#upkeep.add(tenant);
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
        if (this.#reducers !== null) this.#stagedEntries.push({ tenant, entry });
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
    this.#stagedEntries = [];
    for (const tenant of this.#stores.rollbackAll()) this.#known(tenant).cache.forget();
  }

  onCommit(commit: ViewCommit): void {
    // What could not be applied is in the log all the same: the view stays behind it.
    if (this.#broken !== null) throw broken(this.#broken);
    const isBeforeStaged = this.#staging && this.#staged > commit.sequence;
    if (isBeforeStaged && this.#eventsOf(commit) !== null) this.#applyBeforeStaged(commit);
    else this.#applyCommit(commit);
  }

  #applyCommit(commit: ViewCommit): void {
    const touched = new Set<TenantId>();
    for (const { type, tenant, sequence, payload } of commit.entries) {
      if (!isOfTables(type)) continue;
      touched.add(tenant);
      if (sequence > this.#staged) this.#apply(tenant, { type, sequence, payload }, commit.sequence);
    }
    // Behind the tables' entries of the same commit, also where those were staged before anybody knew of the events.
    for (const [tenant, list] of this.#eventsOf(commit) ?? [])
      if (this.#reduce(tenant, list, commit.sequence)) touched.add(tenant);
    for (const tenant of this.#noteErasures(commit)) touched.add(tenant);
    // Commits before that of the staged entries have nothing of tables: nobody else writes to them.
    invariant(touched.size === 0 || this.#staged < commit.sequence, 'what is staged lies in one commit');
    if (touched.size === 0) return;
    const { sequence, ordinal, epoch, recordedAt } = commit;
    const noted = { sequence, ordinal, epoch, recordedAt };
    this.#stores.committed(noted, touched);
    this.#staging = false;
    this.#stagedEntries = [];
    this.#seen(this.#stores.commitAll(noted));
  }

  /** Places of rows that were erased, and the erasures that took them. Returns tenants that have lost something. */
  #noteErasures({ sequence: at, entries, erased = [] }: ViewCommit): Set<TenantId> {
    const touched = new Set<TenantId>();
    for (const entry of erased) {
      const { tenant } = entry;
      const table = entry.type === KERNEL_ENTRY.rows ? this.#tableOf(entry) : null;
      if (table === null) continue;
      const store = this.#stores.begin(tenant, at);
      if (store !== null) noteErased(store, table, entry, at);
      touched.add(tenant);
    }
    for (const { type, tenant, sequence, payload } of entries) {
      if (type !== KERNEL_ENTRY.erasure) continue;
      const known = this.#stores.get(tenant);
      if (known === null) continue;
      const keys = this.#erasedKeys({ type, sequence, payload });
      const taken = keys.flatMap((key) => takenUnder(known, key, sequence));
      if (taken.length === 0) continue;
      const store = this.#stores.begin(tenant, at);
      if (store !== null) noteErasure(store, taken, at);
      touched.add(tenant);
    }
    return touched;
  }

  /** Id of the table that an entry's rows were of; null where nothing is known of it. */
  #tableOf({ tenant, isIn }: ErasedEntry): number | null {
    const store = this.#stores.get(tenant);
    if (store === null) return null;
    const { tables } = this.#known(tenant).cache.written(store);
    return tables.find(({ id }) => isIn(tablePartition(tenant, id)))?.id ?? null;
  }

  /** Events for reducers, in a commit before that of what is staged: a replay sees them first, so they come first here too. */
  #applyBeforeStaged(commit: ViewCommit): void {
    const staged = this.#stagedEntries;
    this.unstage();
    this.#staged = SEQUENCE_NONE;
    this.#applyCommit(commit);
    for (const { tenant, entry } of staged) this.stage(tenant, [entry]);
  }

  /** Events of tenants whose reducers may want them; null: none. */
  #eventsOf(commit: ViewCommit): ReadonlyMap<TenantId, readonly TableEntry[]> | null {
    if (this.#reducers === null) return null;
    let found: Map<TenantId, TableEntry[]> | null = null;
    for (const { type, tenant, sequence, payload } of commit.entries) {
      if (type !== KERNEL_ENTRY.event || !this.#wantsEvents(tenant)) continue;
      found ??= new Map();
      const list = found.get(tenant);
      if (list === undefined) found.set(tenant, [{ type, sequence, payload }]);
      else list.push({ type, sequence, payload });
    }
    return found;
  }

  #wantsEvents(tenant: TenantId): boolean {
    let wanted = this.#eventsWanted.get(tenant);
    if (wanted === undefined) {
      const store = this.#stores.get(tenant);
      wanted = store !== null && this.#reducers!.wantsEvents(this.#known(tenant).cache.at(store, null));
      this.#eventsWanted.set(tenant, wanted);
    }
    return wanted;
  }

  /** Whether any of the events concerned a reducer. */
  #reduce(tenant: TenantId, events: readonly TableEntry[], commit: Sequence): boolean {
    const known = this.#stores.get(tenant);
    if (known === null) return false;
    const { cache } = this.#known(tenant);
    const catalog = cache.at(known, null);
    const wanted = this.#reducers!.wanted(catalog, events);
    if (wanted.length === 0) return false;
    const store = this.#stores.begin(tenant, commit);
    if (store !== null) this.#reducers!.eventsRecorded(store, catalog, wanted, commit);
    if (this.#reducers!.takeWanted()) this.#upkeep.add(tenant);
    return true;
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
    if (store === null) return;
    const { cache } = this.#known(tenant);
    if (entry.type === KERNEL_ENTRY.reducer)
      this.#reducers?.reducerEntry(store, cache.at(store, null), entry);
    else evolve(store, entry, cache, this.#listener);
    // Once wanted they stay so: what changes the catalog may be staged, and events of an earlier commit still to come.
    if (entry.type === KERNEL_ENTRY.catalog && this.#eventsWanted.get(tenant) !== true)
      this.#eventsWanted.delete(tenant);
    if (this.#listener.takeWanted()) this.#upkeep.add(tenant);
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
    for (const tenant of tenants) {
      const known = this.#known(tenant);
      const store = this.#stores.get(tenant);
      // What was written last is what is committed now: a snapshot to look for it would cost as much as a row.
      known.committed = store === null || store.open ? null : known.cache.written(store);
    }
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
  return (
    (type >= KERNEL_ENTRY.catalog && type <= KERNEL_ENTRY.projectionStep) || type === KERNEL_ENTRY.reducer
  );
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
