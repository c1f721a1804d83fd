/** Changes, definitions and what drivers say, with what the parser makes of them. */
import type { Statement } from '../../../../../db/sql/ast.ts';
import {
  BIGINT,
  BYTES,
  bin,
  bool,
  call,
  cast,
  col,
  column,
  countStar,
  createTable,
  DOUBLE,
  decimal,
  INTEGER,
  insert,
  int,
  is,
  item,
  JSON_,
  join,
  like,
  par,
  select,
  star,
  str,
  TEXT,
  TIMESTAMP,
  table,
  UUID,
  varchar,
} from './build.ts';

const positive = { name: null, expression: bin(col('a'), '>', int(0)), text: 'a > 0' };

export const TAKEN_CHANGES: readonly (readonly [sql: string, statement: Statement])[] = [
  ['INSERT INTO t VALUES (1, $1, DEFAULT)', insert([[int(1), par(1), 'default']])],
  [
    'INSERT INTO public.t (a, "B") VALUES (?, ?), (?, 4)',
    insert(
      [
        [par(1), par(2)],
        [par(3), int(4)],
      ],
      { columns: ['a', 'B'] },
    ),
  ],
  ['INSERT INTO t DEFAULT VALUES', insert([])],
  [
    'INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING',
    insert([[int(1)]], { onConflict: { columns: null, update: null } }),
  ],
  [
    'INSERT INTO t VALUES (1) ON CONFLICT (a, b) DO NOTHING',
    insert([[int(1)]], { onConflict: { columns: ['a', 'b'], update: null } }),
  ],
  [
    'INSERT INTO t VALUES (1, 2) ON CONFLICT (a) DO UPDATE SET b = excluded.b + t.b, c = DEFAULT WHERE t.b > 0',
    insert([[int(1), int(2)]], {
      onConflict: {
        columns: ['a'],
        update: {
          set: [
            { column: 'b', value: bin(col('excluded.b'), '+', col('t.b')), at: 0 },
            { column: 'c', value: 'default', at: 0 },
          ],
          where: bin(col('t.b'), '>', int(0)),
        },
      },
    }),
  ],
  [
    'INSERT INTO t VALUES (1) RETURNING *, a AS b',
    insert([[int(1)]], { returning: [star, item(col('a'), 'b')] }),
  ],
  ["INSERT INTO t VALUES (now(), 'x'::json)", insert([[call('now'), cast(str('x'), JSON_)]])],
  [
    'UPDATE t SET a = a + 1 WHERE id = $1',
    {
      ...{ statement: 'update', table: 't', alias: null, returning: null },
      set: [{ column: 'a', value: bin(col('a'), '+', int(1)), at: 0 }],
      where: bin(col('id'), '=', par(1)),
    },
  ],
  [
    'UPDATE t AS u SET (a, b) = (1, DEFAULT), c = 2 RETURNING u.a',
    {
      ...{ statement: 'update', table: 't', alias: 'u', where: null },
      set: [
        { column: 'a', value: int(1), at: 0 },
        { column: 'b', value: 'default', at: 0 },
        { column: 'c', value: int(2), at: 0 },
      ],
      returning: [item(col('u.a'))],
    },
  ],
  ['DELETE FROM t', { statement: 'delete', table: 't', alias: null, where: null, returning: null }],
  [
    'DELETE FROM t u WHERE u.a IS NULL RETURNING *',
    { statement: 'delete', table: 't', alias: 'u', where: is(col('u.a'), 'null'), returning: [star] },
  ],
  [
    'EXPLAIN DELETE FROM t',
    {
      statement: 'explain',
      analyze: false,
      of: { statement: 'delete', table: 't', alias: null, where: null, returning: null },
    },
  ],
  // Tables.
  ['CREATE TABLE t (a INT)', createTable([column('a', INTEGER)])],
  [
    'CREATE TABLE IF NOT EXISTS public.t (id BIGINT PRIMARY KEY, a INTEGER NOT NULL DEFAULT 0 CHECK (a > 0), b VARCHAR(10) UNIQUE, c TEXT NULL)',
    createTable(
      [
        column('id', BIGINT, { primaryKey: true }),
        column('a', INTEGER, { notNull: true, default: int(0), checks: [positive] }),
        column('b', varchar(10), { unique: true }),
        column('c', TEXT),
      ],
      { ifNotExists: true },
    ),
  ],
  [
    'CREATE TABLE t (a INTEGER, b INTEGER, PRIMARY KEY (a, b), UNIQUE (b), CONSTRAINT "both" UNIQUE (b, a), CHECK (a > 0), CONSTRAINT c CHECK (a < b))',
    createTable([column('a', INTEGER), column('b', INTEGER)], {
      primaryKey: ['a', 'b'],
      uniques: [
        { name: null, columns: ['b'] },
        { name: 'both', columns: ['b', 'a'] },
      ],
      checks: [positive, { name: 'c', expression: bin(col('a'), '<', col('b')), text: 'a < b' }],
    }),
  ],
  [
    'CREATE TABLE t (a INTEGER CONSTRAINT k PRIMARY KEY, b INTEGER CONSTRAINT u UNIQUE CONSTRAINT n NOT NULL CONSTRAINT p CHECK (a>0))',
    createTable(
      [
        column('a', INTEGER, { primaryKey: true }),
        column('b', INTEGER, { notNull: true, checks: [{ ...positive, name: 'p' }] }),
      ],
      { uniques: [{ name: 'u', columns: ['b'] }] },
    ),
  ],
  [
    "CREATE TABLE t (a DOUBLE, b DECIMAL(10, 2), c TIMESTAMP DEFAULT now(), d BYTES, e JSONB, f UUID, g BOOLEAN DEFAULT true, h TEXT DEFAULT 'x')",
    createTable([
      column('a', DOUBLE),
      column('b', decimal(10, 2)),
      column('c', TIMESTAMP, { default: call('now') }),
      column('d', BYTES),
      column('e', JSON_),
      column('f', UUID),
      column('g', { kind: 'boolean' }, { default: bool(true) }),
      column('h', TEXT, { default: str('x') }),
    ]),
  ],
  [
    "CREATE TABLE t (a TIMESTAMP(6) WITHOUT TIME ZONE, b CHARACTER VARYING(3), c TEXT CHECK (c LIKE 'a%' OR c IS NULL))",
    createTable([
      column('a', TIMESTAMP),
      column('b', varchar(3)),
      column('c', TEXT, {
        checks: [
          {
            name: null,
            expression: bin(like(col('c'), str('a%')), 'or', is(col('c'), 'null')),
            text: "c LIKE 'a%' OR c IS NULL",
          },
        ],
      }),
    ]),
  ],
  ["CREATE TABLE t (a TEXT) WITH (subject = 'a')", createTable([column('a', TEXT)], { subject: 'a' })],
  ['CREATE TABLE t (a TEXT) WITH (SUBJECT = a)', createTable([column('a', TEXT)], { subject: 'a' })],
  [
    'ALTER TABLE t ADD COLUMN IF NOT EXISTS a INTEGER NOT NULL DEFAULT 1, ADD b TEXT, DROP COLUMN IF EXISTS c, DROP d RESTRICT',
    {
      ...{ statement: 'alter table', table: 't', ifExists: false },
      actions: [
        {
          action: 'add column',
          column: column('a', INTEGER, { notNull: true, default: int(1) }),
          ifNotExists: true,
        },
        { action: 'add column', column: column('b', TEXT), ifNotExists: false },
        { action: 'drop column', column: 'c', ifExists: true },
        { action: 'drop column', column: 'd', ifExists: false },
      ],
    },
  ],
  [
    'ALTER TABLE IF EXISTS t RENAME COLUMN a TO b',
    {
      statement: 'alter table',
      table: 't',
      ifExists: true,
      actions: [{ action: 'rename column', column: 'a', to: 'b' }],
    },
  ],
  [
    'ALTER TABLE t RENAME a TO b',
    {
      statement: 'alter table',
      table: 't',
      ifExists: false,
      actions: [{ action: 'rename column', column: 'a', to: 'b' }],
    },
  ],
  [
    'ALTER TABLE t RENAME TO u',
    { statement: 'alter table', table: 't', ifExists: false, actions: [{ action: 'rename table', to: 'u' }] },
  ],
  ['DROP TABLE t', { statement: 'drop', what: 'table', names: ['t'], ifExists: false }],
  [
    'DROP TABLE IF EXISTS public.t, "U" RESTRICT',
    { statement: 'drop', what: 'table', names: ['t', 'U'], ifExists: true },
  ],
  ['DROP INDEX i', { statement: 'drop', what: 'index', names: ['i'], ifExists: false }],
  [
    'CREATE INDEX ON t (a)',
    { statement: 'create index', index: null, table: 't', columns: ['a'], unique: false, ifNotExists: false },
  ],
  [
    'CREATE UNIQUE INDEX IF NOT EXISTS i ON public.t USING btree (a ASC, b)',
    {
      statement: 'create index',
      index: 'i',
      table: 't',
      columns: ['a', 'b'],
      unique: true,
      ifNotExists: true,
    },
  ],
  // Projections and reducers.
  [
    'CREATE PROJECTION p AS SELECT a, count(*) FROM t GROUP BY a;',
    {
      ...{ statement: 'create projection', projection: 'p', orReplace: false, ifNotExists: false },
      query: select({ items: [item(col('a')), item(countStar)], groupBy: [col('a')] }),
      text: 'SELECT a, count(*) FROM t GROUP BY a',
    },
  ],
  [
    'create or replace projection if not exists public."P" as (select * from t left join u on t.a = u.a)',
    {
      ...{ statement: 'create projection', projection: 'P', orReplace: true, ifNotExists: true },
      query: select({ from: join('left', table('t'), table('u'), bin(col('t.a'), '=', col('u.a'))) }),
      text: '(select * from t left join u on t.a = u.a)',
    },
  ],
  ['DROP PROJECTION p', { statement: 'drop', what: 'projection', names: ['p'], ifExists: false }],
  [
    'DROP PROJECTION IF EXISTS p, public.q',
    { statement: 'drop', what: 'projection', names: ['p', 'q'], ifExists: true },
  ],
  ['DROP REDUCER r', { statement: 'drop', what: 'reducer', names: ['r'], ifExists: false }],
  // Transactions and settings.
  ['BEGIN', { statement: 'begin' }],
  ['BEGIN TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ WRITE', { statement: 'begin' }],
  ['START TRANSACTION', { statement: 'begin' }],
  ['COMMIT', { statement: 'commit' }],
  ['END WORK', { statement: 'commit' }],
  ['ROLLBACK', { statement: 'rollback' }],
  ['ABORT', { statement: 'rollback' }],
  ["SET client_encoding TO 'UTF8'", { statement: 'set', name: 'client_encoding', value: 'UTF8' }],
  ['SET SESSION search_path = a, b', { statement: 'set', name: 'search_path', value: 'a, b' }],
  ['SET LOCAL statement_timeout = 1000', { statement: 'set', name: 'statement_timeout', value: '1000' }],
  ["SET TIME ZONE 'UTC'", { statement: 'set', name: 'timezone', value: 'UTC' }],
  ["SET NAMES 'utf8'", { statement: 'set', name: 'client_encoding', value: 'utf8' }],
  ['SET extra_float_digits = DEFAULT', { statement: 'set', name: 'extra_float_digits', value: null }],
  ['RESET ALL', { statement: 'set', name: 'all', value: null }],
  ['DISCARD ALL', { statement: 'set', name: 'all', value: null }],
  [
    'SET TRANSACTION ISOLATION LEVEL READ COMMITTED',
    { statement: 'set', name: 'transaction_isolation', value: 'read committed' },
  ],
  ['SHOW server_version', { statement: 'show', name: 'server_version', value: null }],
  ['SHOW TRANSACTION ISOLATION LEVEL', { statement: 'show', name: 'transaction_isolation', value: null }],
];
