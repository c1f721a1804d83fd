/** The answer to a statement: rows as objects and as arrays, and what was done. */
import { Decimal } from '../numeric/decimal.ts';
import { parseJson } from '../protocol/index.ts';
import type { SqlColumn, SqlNotice } from '../sql/contract.ts';
import type { Row, SqlType, SqlValue } from '../sql/types/sql-type.ts';
import { formatTimestamp } from '../sql/types/timestamp-text.ts';

/**
 * What a program gets: integer and double as numbers, bigint as bigint, numeric as text with all its digits, text and uuid as
 * text, boolean, timestamp as text to the microsecond (`2024-02-29 12:34:56.789`, UTC), bytea as Uint8Array, json parsed.
 */
export type QueryValue = unknown;

export interface QueryColumn {
  readonly name: string;
  /** As in CREATE TABLE, e.g. `integer`, `decimal`. */
  readonly type: SqlType['kind'];
}

export interface DoneStatement {
  readonly columns: readonly SqlColumn[];
  readonly rows: readonly Row[];
  readonly tag: string;
  readonly count: number;
  readonly position: number;
  readonly notices?: readonly SqlNotice[] | undefined;
}

/** Iterates over its rows: `const [order] = await db.sql…`. */
export class QueryResult<R = Readonly<Record<string, QueryValue>>> implements Iterable<R> {
  readonly columns: readonly QueryColumn[];
  /** As PostgreSQL says it: `SELECT 3`, `INSERT 0 1`. */
  readonly tag: string;
  /** Rows written or returned. */
  readonly count: number;
  /** Of a write its place in the log, of a read the commit it was answered at: `queryAt` takes it. */
  readonly position: number;
  /** Of an answer about the past, what of it was erased since and is not shown; mostly empty. */
  readonly notices: readonly SqlNotice[];
  /** Values in the order of the columns, which may share a name. */
  readonly values: readonly (readonly QueryValue[])[];
  #rows: readonly R[] | null = null;

  constructor({ columns, rows, tag, count, position, notices = [] }: DoneStatement) {
    this.columns = columns.map(({ name, type }) => ({ name, type: type.kind }));
    this.tag = tag;
    this.count = count;
    this.position = position;
    this.notices = notices;
    this.values = rows.map((row) => row.map((value, index) => queryValue(value, columns[index]?.type)));
  }

  /** By name of the column. */
  get rows(): readonly R[] {
    this.#rows ??= this.values.map(
      (row) => Object.fromEntries(this.columns.map(({ name }, index) => [name, row[index]])) as R,
    );
    return this.#rows;
  }

  [Symbol.iterator](): Iterator<R> {
    return this.rows[Symbol.iterator]();
  }
}

function queryValue(value: SqlValue, type: SqlType | undefined): QueryValue {
  if (value === null || type === undefined) return null;
  if (value instanceof Decimal) return value.toString();
  if (type.kind === 'timestamp') return formatTimestamp(value as bigint);
  return type.kind === 'json' ? parseJson(value as string, 'a value of type json') : value;
}
