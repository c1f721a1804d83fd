/**
 * The thread that answers questions about the catalog: an SQLite database in memory for each state of a tenant's catalog.
 * A thread, because a question can be written that takes for ever: whoever waits ends the thread, not the server.
 */
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { parentPort } from 'node:worker_threads';
import type { CatalogContent, CatalogRow, CatalogValue } from './content.ts';
import { CATALOG_FUNCTIONS, type FunctionLookups } from './functions.ts';
import { CATALOG_RELATIONS, type CatalogRelation } from './relations.ts';

export interface CatalogRequest {
  readonly id: number;
  /** Names the content. */
  readonly key: string;
  /** Null: the thread has it already. */
  readonly content: CatalogContent | null;
  readonly sql: string;
  readonly parameters: readonly CatalogValue[];
}

export type CatalogReply =
  | { readonly id: number; readonly rows: readonly (readonly CatalogValue[])[] }
  | { readonly id: number; readonly failed: 'unknown content' | 'too large' | 'query'; readonly why: string };

const CONTENTS_MAX = 8;
const ROWS_MAX = 100_000;
const BYTES_MAX = 16 * 1024 * 1024;
const VALUE_BYTES_MAX = 4 * 1024 * 1024;
const SERIES_MAX = 10_000;
/** Two databases more than the main one: pg_catalog and information_schema. */
const LIMITS = { length: VALUE_BYTES_MAX, compoundSelect: 50, exprDepth: 500, attach: 2 };

const contents = new Map<string, DatabaseSync>();

parentPort?.on('message', (request: CatalogRequest) => {
  parentPort?.postMessage(answer(request));
});

function answer({ id, key, content, sql, parameters }: CatalogRequest): CatalogReply {
  try {
    const database = contents.get(key) ?? (content === null ? null : keep(key, content));
    if (database === null) return { id, failed: 'unknown content', why: key };
    return rowsOf(id, database, sql, parameters);
  } catch (error) {
    return { id, failed: 'query', why: (error as Error).message };
  }
}

function rowsOf(
  id: number,
  database: DatabaseSync,
  sql: string,
  parameters: readonly CatalogValue[],
): CatalogReply {
  const statement = database.prepare(sql);
  statement.setReturnArrays(true);
  const rows: CatalogValue[][] = [];
  let bytes = 0;
  for (const row of statement.iterate(...(parameters as SQLInputValue[]))) {
    const values = row as unknown as CatalogValue[];
    for (const value of values) bytes += typeof value === 'string' ? value.length + 8 : 8;
    if (rows.length >= ROWS_MAX || bytes > BYTES_MAX) {
      return {
        id,
        failed: 'too large',
        why: `the answer has more than ${ROWS_MAX} rows or ${BYTES_MAX} bytes`,
      };
    }
    rows.push(values);
  }
  return { id, rows };
}

function keep(key: string, content: CatalogContent): DatabaseSync {
  const [oldest] = contents.keys();
  if (contents.size >= CONTENTS_MAX && oldest !== undefined) {
    contents.get(oldest)?.close();
    contents.delete(oldest);
  }
  const database = new DatabaseSync(':memory:', { limits: LIMITS } as object);
  for (const schema of ['pg_catalog', 'information_schema']) database.exec(`ATTACH ':memory:' AS ${schema}`);
  for (const [path, relation] of CATALOG_RELATIONS) fill(database, relation, content.rows[path] ?? []);
  addFunctions(database, lookupsOf(content));
  contents.set(key, database);
  return database;
}

function fill(
  database: DatabaseSync,
  { schema, name, columns }: CatalogRelation,
  rows: readonly CatalogRow[],
): void {
  const declared = columns.map(
    (column) => `\`${column.name}\` ${column.type === 'text' ? 'TEXT' : 'NUMERIC'}`,
  );
  database.exec(`CREATE TABLE ${schema}.${name} (${declared.join(', ')})`);
  if (rows.length === 0) return;
  const insert = database.prepare(
    `INSERT INTO ${schema}.${name} VALUES (${columns.map(() => '?').join(', ')})`,
  );
  database.exec('BEGIN');
  // The SQL standard's numbers are null where nothing is to be said; most of pg_catalog's cannot be.
  const absent = columns.map(({ type }) => (type === 'text' || schema === 'information_schema' ? null : 0));
  for (const row of rows) {
    insert.run(
      ...columns.map(({ name: of }, index) => {
        const value = row[of];
        return value === undefined ? (absent[index] as CatalogValue) : value;
      }),
    );
  }
  database.exec('COMMIT');
}

function addFunctions(database: DatabaseSync, lookups: FunctionLookups): void {
  for (const [name, { call }] of Object.entries(CATALOG_FUNCTIONS)) {
    const options = { varargs: true, deterministic: true };
    database.function(name, options, (...args) => call(args as CatalogValue[], lookups));
  }
  database.function('truthdb_array', { varargs: true }, (...args) => `{${args.join(',')}}`);
  database.function('truthdb_series', { varargs: true }, (from, to) =>
    JSON.stringify(series(Number(from), Number(to))),
  );
  // The state is the text so far: SQLite's values are all that its types allow.
  database.aggregate('array_agg', {
    start: '',
    step: (state, value) => (state === '' ? String(value) : `${state},${value}`),
    result: (state) => (state === '' ? null : `{${state}}`),
  });
}

function series(from: number, to: number): number[] {
  const length = Math.max(0, Math.min(to - from + 1, SERIES_MAX)) || 0;
  return Array.from({ length }, (_, index) => from + index);
}

function lookupsOf({ rows, definitions }: CatalogContent): FunctionLookups {
  const relations = rows['pg_catalog.pg_class'] ?? [];
  const names = new Map(relations.map(({ oid, relname }) => [Number(oid), String(relname)]));
  const oids = new Map(relations.map(({ oid, relname }) => [String(relname), Number(oid)]));
  for (const { schema, name, oid } of CATALOG_RELATIONS.values()) {
    names.set(oid, schema === 'pg_catalog' ? name : `${schema}.${name}`);
    if (!oids.has(name)) oids.set(name, oid);
  }
  const schemas = rows['pg_catalog.pg_namespace'] ?? [];
  const settings = rows['pg_catalog.pg_settings'] ?? [];
  return {
    definition: (oid) => definitions[oid] ?? null,
    relationName: (oid) => names.get(oid) ?? null,
    relationOid: (name) => oids.get(plainName(name)) ?? null,
    schemaName: (oid) =>
      (schemas.find((schema) => schema['oid'] === oid)?.['nspname'] as string | undefined) ?? null,
    ownerName: String(rows['pg_catalog.pg_roles']?.[0]?.['rolname'] ?? ''),
    setting: (name) =>
      (settings.find((row) => row['name'] === name)?.['setting'] as string | undefined) ?? null,
  };
}

/** `public."My table"` → `My table`; without quotes in lower case. */
function plainName(name: string): string {
  const last = /("(?:[^"]|"")*"|[^".]*)$/.exec(name.trim())?.[1] ?? name;
  return last.startsWith('"') ? last.slice(1, -1).replaceAll('""', '"') : last.toLowerCase();
}
