import type { Clock, Scheduler } from '../../io/index.ts';
import type { TenantId } from '../../types.ts';
import type { Catalog, CatalogCache } from '../catalog/index.ts';
import type { CommandAnswer, SqlCommand } from '../commands/command.ts';
import {
  type Glance,
  type LogEnd,
  QUERY_LIMITS,
  type QueryLimits,
  type QueryRunner,
} from '../execute/query.ts';
import type { StoreSnapshot } from '../store/contract.ts';

/** What sessions stand on: the database, as far as tables go. */
export interface SqlBackend {
  /** The way of a command to its answer. Errors: the command's refusal, BUSY, TOO_LARGE, DISK_FULL, WRITER_FAILED, READ_ONLY, VIEW_UNAVAILABLE, CLOSED. */
  submit(command: SqlCommand): Promise<CommandAnswer>;
  /** Throws when tables cannot be read: VIEW_UNAVAILABLE, CLOSED. */
  checkReadable(): void;
  /** The tables as they are committed. */
  catalog(tenant: TenantId): Catalog;
  /** Keeps the tables of earlier positions for queries. */
  catalogs(tenant: TenantId): CatalogCache;
  /** What is committed, as one state until it is closed. */
  snapshot(tenant: TenantId): StoreSnapshot;
  /** The same for reads that are over before anything else happens on this thread. */
  glance(tenant: TenantId): Glance;
  /** File that other threads may read, or null where there is none. */
  path(tenant: TenantId): string | null;
  /** The last commit of the log that readers may know of, or null. */
  end(): LogEnd | null;
  readonly queries: QueryRunner;
  readonly limits: SessionLimits;
  readonly clock: Clock;
  readonly scheduler: Pick<Scheduler, 'after'>;
  /** Cryptographically random bytes. */
  random(bytes: number): Uint8Array;
}

export interface SessionLimits {
  readonly query: QueryLimits;
  /** A transaction that nobody continues for so long is over. */
  readonly idleMillis: number;
  /** Bytes of rows a transaction may write. */
  readonly transactionBytes: number;
  /** Rows a transaction may write. */
  readonly transactionRows: number;
}

export const SESSION_LIMITS: SessionLimits = Object.freeze({
  query: QUERY_LIMITS,
  idleMillis: 60_000,
  transactionBytes: 16 * 1024 * 1024,
  transactionRows: 100_000,
});
