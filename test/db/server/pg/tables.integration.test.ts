import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import type { SqlDatabase } from '../../../../db/sql/contract.ts';
import { type PgServing, servePg } from '../../support/pg-serving.ts';
import { openRealEngine, type RealEngine } from '../../support/real-engine.ts';

let real: RealEngine;
let serving: PgServing;

beforeAll(async () => {
  real = await openRealEngine();
});

afterAll(() => real.stop());

beforeEach(async () => {
  serving = await servePg<SqlDatabase>({ database: real.engine.sql });
});

async function connected(more: pg.ClientConfig = {}): Promise<pg.Client> {
  const client = new pg.Client({ ...serving.client, ...more });
  client.on('error', () => undefined);
  onTestFinished(() => client.end().catch(() => undefined));
  await client.connect();
  return client;
}

/** A table of its own for the test. */
async function table(name: string, columns: string): Promise<pg.Client> {
  const client = await connected();
  await client.query(`DROP TABLE IF EXISTS ${name}; CREATE TABLE ${name} (${columns})`);
  return client;
}

test('values of every type go through prepared statements, as text and in binary', async () => {
  const client = await table(
    'everything',
    'id integer PRIMARY KEY, b bigint, d double precision, n numeric(12,4), t text, v varchar(5), o boolean, w timestamp, y bytea, j json, u uuid',
  );
  const uuid = '0190c1a6-5b3e-7c4d-8e2f-1a2b3c4d5e6f';
  const values = [
    1,
    '9007199254740993',
    0.1,
    '12.5',
    'żółw',
    'abc',
    true,
    '2024-02-29 12:34:56.5',
    Buffer.from([0, 255]),
    { a: 1 },
    uuid,
  ];
  const { rows } = await client.query(
    'INSERT INTO everything VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING *',
    values,
  );
  const expected = {
    id: 1,
    b: '9007199254740993',
    d: 0.1,
    n: '12.5000',
    t: 'żółw',
    v: 'abc',
    o: true,
    y: Buffer.from([0, 255]),
    j: { a: 1 },
    u: uuid,
  };
  expect(rows[0]).toMatchObject(expected);
  expect(rows[0]?.w).toEqual(new Date(2024, 1, 29, 12, 34, 56, 500));
  const binary = await client.query({
    text: 'SELECT id, t, o FROM everything WHERE id = $1',
    values: [1],
    binary: true,
  } as pg.QueryConfig);
  expect(binary.rows).toEqual([{ id: 1, t: 'żółw', o: true }]);
});

test('two transactions in each other’s way: one is kept, the other told to run again', async () => {
  const one = await table('stock', 'id integer PRIMARY KEY, n integer NOT NULL');
  const other = await connected();
  await one.query('INSERT INTO stock VALUES (1, 1)');
  for (const client of [one, other]) {
    await client.query('BEGIN ISOLATION LEVEL SERIALIZABLE');
    expect((await client.query('SELECT n FROM stock WHERE id = $1', [1])).rows).toEqual([{ n: 1 }]);
  }
  await one.query('UPDATE stock SET n = n - 1 WHERE id = 1');
  await other.query('UPDATE stock SET n = n - 1 WHERE id = 1');
  await one.query('COMMIT');
  await expect(other.query('COMMIT')).rejects.toMatchObject({ code: '40001' });
  expect((await other.query('SELECT n FROM stock')).rows).toEqual([{ n: 0 }]);
});

test('statements sent ahead: each is answered, and what one connection wrote another reads', async () => {
  const client = await table('ahead', 'id integer PRIMARY KEY');
  const sender = await connected({ pipeline: true } as pg.ClientConfig);
  const answers = await Promise.allSettled(
    [1, 2, 2, 3].map((id) => sender.query('INSERT INTO ahead VALUES ($1)', [id])),
  );
  expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
  expect((await client.query('SELECT count(*) FROM ahead')).rows).toEqual([{ count: '3' }]);
});

test('a text of rows is one transaction, a text that defines is not', async () => {
  const client = await table('texts', 'id integer PRIMARY KEY');
  await expect(
    client.query('INSERT INTO texts VALUES (1); INSERT INTO texts VALUES (1)'),
  ).rejects.toMatchObject({ code: '23505' });
  expect((await client.query('SELECT * FROM texts')).rowCount).toBe(0);
  await client.query(
    'CREATE INDEX texts_id ON texts (id); INSERT INTO texts VALUES (1); DROP INDEX texts_id',
  );
  expect((await client.query('SELECT * FROM texts')).rowCount).toBe(1);
});

test('a prepared statement whose columns have changed says so', async () => {
  const client = await table('changing', 'id integer PRIMARY KEY, a text');
  const query = { name: 'all', text: 'SELECT * FROM changing' };
  expect((await client.query(query)).fields).toHaveLength(2);
  await client.query('ALTER TABLE changing ADD COLUMN b text');
  await expect(client.query(query)).rejects.toMatchObject({ code: '0A000' });
  await client.query('ALTER TABLE changing DROP COLUMN b');
  expect((await client.query(query)).fields).toHaveLength(2);
});

test('many rows come in parts within a transaction', async () => {
  const client = await table('many', 'id integer PRIMARY KEY, t text');
  const rows = Array.from({ length: 1000 }, (_, index) => `(${index}, '${'x'.repeat(50)}')`).join(',');
  await client.query(`INSERT INTO many VALUES ${rows}`);
  await client.query('BEGIN');
  const parts = await client.query({ text: 'SELECT * FROM many ORDER BY id', rows: 64 } as pg.QueryConfig);
  expect(parts.rows.map(({ id }) => id)).toEqual(Array.from({ length: 1000 }, (_, index) => index));
  await client.query('COMMIT');
});

test('the past and plans are asked through drivers too', async () => {
  const client = await table('past', 'id integer PRIMARY KEY, n integer');
  await client.query('INSERT INTO past VALUES (1, 1)');
  const { rows } = await client.query('SELECT _sequence FROM past HISTORY');
  await client.query('UPDATE past SET n = 2');
  const versions = await client.query('SELECT n, _operation FROM past HISTORY ORDER BY _sequence');
  expect(versions.rows).toEqual([
    { n: 1, _operation: 'insert' },
    { n: 2, _operation: 'update' },
  ]);
  // An entry lies before the commit that closes its group.
  const then = await client.query('SELECT n FROM past AS OF POSITION $1', [Number(rows[0]?._sequence) - 1]);
  expect(then.rows).toEqual([]);
  expect((await client.query('EXPLAIN SELECT * FROM past WHERE id = 1')).rows[0]).toEqual({
    'QUERY PLAN': 'Primary Key Lookup on past',
  });
});

test('what a token may not do is refused with PostgreSQL’s code, and audited', async () => {
  await table('guarded', 'id integer PRIMARY KEY');
  const { token } = serving.tokens.create(
    { name: 'reading', role: 'reader', tenant: 0 as never, hash: null, expiresAt: null },
    new Date(),
  );
  const reader = await connected({ user: 'reading', password: token ?? '' });
  expect((await reader.query('SELECT * FROM guarded')).rowCount).toBe(0);
  await expect(reader.query('INSERT INTO guarded VALUES (1)')).rejects.toMatchObject({ code: '42501' });
  await expect(reader.query('DROP TABLE guarded')).rejects.toMatchObject({ code: '42501' });
  const prepared = { name: 'p', text: 'DELETE FROM guarded WHERE id = $1', values: [1] };
  await expect(reader.query(prepared)).rejects.toMatchObject({ code: '42501' });
  await reader.query('BEGIN');
  await expect(reader.query('UPDATE guarded SET id = 2')).rejects.toMatchObject({ code: '42501' });
  await reader.query('ROLLBACK');
  const denied = () => serving.audited.filter(({ kind }) => kind === 'denied');
  const told = ['write to', 'change what tables there are', 'write to', 'write to'].map((what) => ({
    ...{ kind: 'denied', tenant: 0, who: 'reading', outcome: 'FORBIDDEN', count: 1 },
    what: expect.stringContaining(what),
  }));
  await expect.poll(denied).toMatchObject(told);
});
