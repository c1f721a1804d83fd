/** What the database answers to SQL, without how. Wire, HTTP, PostgreSQL's protocol, CLI and embedders are written against this. */
import type { Sequence, TenantId } from '../types.ts';
import type { Catalog } from './catalog/catalog.ts';
import type { Row, SqlType, SqlValue } from './types/sql-type.ts';

export interface SqlIdentity {
  readonly tenant: TenantId;
  /** Who acts: written into every version as its actor. 1 to 128 bytes. */
  readonly actor: string;
  readonly mayWrite: boolean;
  /** Create, alter, drop. */
  readonly mayDefine: boolean;
}

export interface SqlColumn {
  readonly name: string;
  readonly type: SqlType;
}

/**
 * A value for a parameter: already of SQL's kind, or text that is read as PostgreSQL reads it once the parameter's type is
 * known (`text` null is NULL).
 */
export type SqlParameter =
  | { readonly given: 'value'; readonly value: SqlValue }
  | { readonly given: 'text'; readonly text: string | null };

export interface SqlDescription {
  readonly parameters: readonly SqlType[];
  /** Null: the statement returns no rows. */
  readonly columns: readonly SqlColumn[] | null;
}

/** What an answer leaves out, and why. */
export interface SqlNotice {
  /** For people. */
  readonly message: string;
  /** Whose rows an erasure has taken; nothing else of them is known. */
  readonly table: string;
  /** Entries of the log that held them. */
  readonly entries: number;
  /** Where the log says that they are erased, ascending; the first 16. */
  readonly erasedAt: readonly Sequence[];
}

export interface SqlResult {
  /** As PostgreSQL's command tag says it: `INSERT 0 1`, `SELECT 3`, `CREATE TABLE`. */
  readonly tag: string;
  /** Null: the statement returns no rows. */
  readonly columns: readonly SqlColumn[] | null;
  readonly rows: readonly Row[];
  /** Rows written or returned. */
  readonly count: number;
  /** Where the answer stands in the log: of a write the commit that holds it, of a read the one it was answered at: AS OF it gives the same. */
  readonly position: Sequence;
  /** Of an answer about the past, what it leaves out; absent: nothing. */
  readonly notices?: readonly SqlNotice[] | undefined;
}

export interface ExecuteOptions {
  /** Ends a query, and a write that has not begun: one that has been decided goes on to its answer. */
  readonly signal?: AbortSignal;
}

/** A statement that has been parsed, checked against the catalog and given parameter types. It is bound again when the catalog has changed. */
export interface SqlStatement {
  readonly text: string;
  readonly description: SqlDescription;
}

/**
 * One connection's conversation: at most one transaction. Calls are carried out in order. Errors are TruthErrors whose
 * details carry `sqlstate`; after one inside a transaction everything but ROLLBACK is refused (25P02).
 */
export interface SqlSession {
  readonly transaction: 'none' | 'open' | 'failed';
  /** Errors: INVALID_ARGUMENT (syntax 42601, names 42P01 42703, types 42804 …), TOO_LARGE (54000, 54001). */
  prepare(text: string, parameterTypes?: readonly (SqlType | null)[]): SqlStatement;
  /** Several statements separated by semicolons: only without parameters. */
  execute(
    statement: SqlStatement | string,
    parameters: readonly SqlParameter[],
    options?: ExecuteOptions,
  ): Promise<SqlResult>;
  /**
   * The answer of a statement that is over within microseconds and needs no transaction: a row by its key. Null: it is to be
   * executed. Errors: as executing it.
   */
  atOnce(statement: SqlStatement, parameters: readonly SqlParameter[]): SqlResult | null;
  /** Statements of a text, each to be executed by itself. */
  split(text: string): readonly string[];
  /** Ends an open transaction without committing it. */
  close(): void;
}

export interface SqlDatabase {
  session(identity: SqlIdentity): SqlSession;
  /** The tenant's tables, indexes and projections as they are now: what psql's `\d` and drivers' questions are answered from. */
  catalog(tenant: TenantId): Catalog;
}
