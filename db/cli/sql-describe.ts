/** `\dt` and `\d NAME`: what there is, asked of information_schema and pg_catalog as any program would. */

import type { Queries } from '../client/index.ts';
import { TruthError } from '../errors.ts';

interface NamedText {
  readonly name: string;
  readonly text: string;
}

const TABLES = `SELECT c.relname AS name,
  CASE c.relkind WHEN 'r' THEN 'table' WHEN 'm' THEN 'projection' ELSE 'index' END AS kind,
  t.relname AS table
FROM pg_catalog.pg_class c
LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
LEFT JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
ORDER BY kind DESC, name`;
const COLUMNS = `SELECT a.attname AS column, pg_catalog.format_type(a.atttypid, a.atttypmod) AS type,
  CASE WHEN a.attnotnull THEN 'not null' ELSE '' END AS nullable,
  pg_catalog.pg_get_expr(d.adbin, d.adrelid) AS default
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relname = $1 AND c.relkind IN ('r', 'm') AND a.attnum > 0
ORDER BY a.attnum`;
const INDEXES = `SELECT indexname AS name, indexdef AS text FROM pg_catalog.pg_indexes WHERE tablename = $1 ORDER BY indexname`;
const CONSTRAINTS = `SELECT conname AS name, pg_catalog.pg_get_constraintdef(oid) AS text FROM pg_catalog.pg_constraint
WHERE conrelid = (SELECT c.oid FROM pg_catalog.pg_class c WHERE c.relname = $1 AND c.relkind = 'r') ORDER BY conname`;
const DEFINITION = `SELECT matviewname AS name, definition AS text FROM pg_catalog.pg_matviews WHERE matviewname = $1`;

/** Tables, projections and indexes. */
export function listTables(db: Queries) {
  return db.query(TABLES);
}

/** Columns of a table or projection, and lines about what belongs to it. Errors: NOT_FOUND. */
export async function describeTable(db: Queries, name: string) {
  const columns = await db.query(COLUMNS, [name]);
  const [indexes, constraints, definition] = await Promise.all([
    db.query<NamedText>(INDEXES, [name]),
    db.query<NamedText>(CONSTRAINTS, [name]),
    db.query<NamedText>(DEFINITION, [name]),
  ]);
  if (columns.count === 0 && definition.count === 0) {
    throw new TruthError(
      'NOT_FOUND',
      `there is no table or projection named "${name}"; \\dt lists what there is`,
    );
  }
  const lines = [
    ...section('Indexes:', indexes.rows, ({ text }) => text),
    ...section('Constraints:', constraints.rows, ({ name: of, text }) => `${of} ${text}`),
    ...section('Projection of:', definition.rows, ({ text }) => text),
  ];
  return { columns, lines };
}

function section(title: string, rows: readonly NamedText[], line: (row: NamedText) => string): string[] {
  return rows.length === 0 ? [] : [title, ...rows.map((row) => `    ${line(row)}`)];
}
