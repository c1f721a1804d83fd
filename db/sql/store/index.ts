/**
 * `sql/store/` is where rows lie: ordered keys with all their versions in one SQLite file a tenant (contract.ts says what may
 * be asked). SQLite is the B-tree and the transaction, nothing more: nothing here knows of SQL. It may import ground and
 * materializer. Writes come in from applying entries; versions go out to whoever reads tables, on this thread or, through
 * `openStoreReader`, on another.
 *
 *     sqlite-store     the one that writes            store-connection   readers with states of their own
 *     sqlite-reader    get, scan, AS OF               schema             tables and settings of the file
 *     store-digest     what two copies compare        sqlite-errors      what SQLite's failures mean to us
 *     store-set        the stores of all tenants      store-files        how they lie in the view's folder
 *     projection-store  one space with batches, for others
 *     store-captures   their content for snapshots    store-upkeep       what waits for the disk
 */
export type {
  HistoricVersion,
  KeyRange,
  ScanOptions,
  Space,
  StoredCommit,
  StoredVersion,
  StoreReader,
  StoreSnapshot,
  StoreWriter,
} from './contract.ts';
export {
  PROJECTION_LIMITS,
  type ProjectionBatch,
  type ProjectionLimits,
  type ProjectionScan,
  ProjectionStore,
  type ProjectionWrite,
} from './projection-store.ts';
export { SqliteStore } from './sqlite-store.ts';
export { openStoreReader, type SqliteSnapshot, type StoreConnection } from './store-connection.ts';
export { storeFiles } from './store-files.ts';
export { StoreSet } from './store-set.ts';
