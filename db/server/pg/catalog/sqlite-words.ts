/** Words that the writers of SQLite's SQL share. */
import { sqlError } from '../../../sql/types/sql-error.ts';
import type { ParseNode } from './parse-node.ts';
import type { Scope, TypedColumn } from './scope.ts';

export interface CatalogQuery {
  readonly sql: string;
  readonly columns: readonly TypedColumn[];
}

/** What depends on who asks: values of version(), current_database() and so on, by function name. */
export type SessionValues = Readonly<Record<string, string | number | null>>;

export interface Writing {
  readonly values: SessionValues;
  /** Queries that WITH has named. */
  readonly named: Map<string, readonly TypedColumn[]>;
  /** A SELECT inside an expression. */
  readonly select: (select: ParseNode, outer: Scope | null, writing: Writing) => CatalogQuery;
}

/** JDBC's way to the columns of a key: a row for each element of an array, written among the columns of a SELECT. */
export const EXPAND = '_pg_expandarray';

/** Backticks never fall back to a string, as SQLite's double quotes do. */
export function identifier(name: string): string {
  return `\`${name.replaceAll('\0', '').replaceAll('`', '``')}\``;
}

export function refused(what: string): Error {
  return sqlError(
    '0A000',
    `${what} is not possible in a question about the catalog: psql's commands and drivers' usual questions are answered`,
  );
}
