/** What is asked of the read side and what comes back: the only words that sessions and the pool of readers share. */
import type { RecordedAt, Sequence } from '../../types.ts';
import type { DiffStatement, ExplainStatement, SelectStatement } from '../ast.ts';
import type { Catalog, CatalogCache } from '../catalog/index.ts';
import type { SqlParameter, SqlResult } from '../contract.ts';
import type { KeyRange, Space, StoreReader, StoreSnapshot } from '../store/contract.ts';
import type { SqlType } from '../types/sql-type.ts';

/** Statements that only read. EXPLAIN is one whatever it explains. */
export type ReadStatement = SelectStatement | DiffStatement | ExplainStatement;

/** Beyond each of them a query ends with an error of its own: 57014 for time, 54000 for the others. */
export interface QueryLimits {
  /** Rows of the answer. */
  readonly rowsMax: number;
  /** Rows and versions read from the store. */
  readonly examinedMax: number;
  /** Bytes of the answer and of what is being sorted, as estimated. */
  readonly bytesMax: number;
  /** From admission to the last row, in milliseconds. */
  readonly millisMax: number;
}

export const QUERY_LIMITS: QueryLimits = Object.freeze({
  rowsMax: 1_000_000,
  examinedMax: 100_000_000,
  bytesMax: 256 * 1024 * 1024,
  millisMax: 30_000,
});

/** End of the log as far as anybody may know of it: what AS OF is measured against. */
export interface LogEnd {
  readonly sequence: Sequence;
  readonly recordedAt: RecordedAt;
}

export interface Query {
  readonly statement: ReadStatement;
  /** The statement's own text: shown in refusals, and by what prepared plans are found again. */
  readonly text: string;
  /** Types the session has told or was told; null where the query decides. */
  readonly parameterTypes: readonly (SqlType | null)[];
  readonly parameters: readonly SqlParameter[];
  /** What the query looks at where it has no AS OF of its own: the reader's present, or the position a transaction is pinned at. */
  readonly at: 'present' | Sequence;
  /** Null: nothing was committed yet. */
  readonly end: LogEnd | null;
  /** What now() says, in microseconds since 1970. */
  readonly now: bigint;
  /** What current_user and current_database() say. */
  readonly user: string;
  readonly database: string;
  readonly limits: QueryLimits;
  /** Whether the answer is to say what it rests on: a transaction wants to know. */
  readonly notesReads: boolean;
}

/** Keys that an answer rests on: a transaction is refused when anything in one of them has changed since. */
export interface ReadRange {
  readonly space: Space;
  readonly range: KeyRange;
}

export interface QueryAnswer extends SqlResult {
  /** Empty where nobody asked for them, and for what was asked as of a position of the query's own: the past does not change. */
  readonly reads: readonly ReadRange[];
}

/** Where a tenant's tables lie, for whoever opens them again on another thread. */
export interface QueryStore {
  /** Null: in memory, to be read on this thread only. */
  readonly path: string | null;
  /** A consistent state on this thread. */
  snapshot(): StoreSnapshot;
  /** What is committed, for reads that are over before anything else happens on this thread. It costs nothing to have. */
  glance(): Glance;
  /** The tables as they are committed: by what a query's way is chosen. */
  catalog(): Catalog;
  /** Kept from query to query; of the same tenant. */
  readonly catalogs: CatalogCache;
}

export interface Glance {
  readonly reader: StoreReader;
  /** To be called in the same turn, before anybody else can write. */
  done(): void;
}

/** Carries out queries. Errors: INVALID_ARGUMENT, TIMEOUT (57014), CLOSED (57014, cancelled), TOO_LARGE (54000), BUSY. */
/** Queries that wait for a thread of the pool, and that are being carried out by one. */
export interface QueryLoad {
  readonly waiting: number;
  readonly running: number;
  readonly waitingMax: number;
}

export interface QueryRunner {
  readonly load: QueryLoad;
  /** The answer of a query that is over so soon that nobody has to wait for it; null for all others. */
  point(store: QueryStore, query: Query): QueryAnswer | null;
  run(store: QueryStore, query: Query, signal?: AbortSignal): Promise<QueryAnswer>;
  close(): Promise<void>;
}
