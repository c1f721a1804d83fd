import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Client } from '../../../db/client/index.ts';
import type { TruthError } from '../../../db/errors.ts';
import { openRealEngine } from '../support/real-engine.ts';
import { type Serving, startServing } from '../support/serving.ts';

let serving: Serving;
let stop: () => Promise<void>;

beforeAll(async () => {
  const real = await openRealEngine();
  serving = await startServing({}, real.engine);
  stop = real.stop;
});

afterAll(async () => {
  await serving.close();
  await stop();
});

async function connected(): Promise<Client> {
  const db = await serving.connect();
  for (const table of ['v', 'o', 't', 'a', 'c', 'big']) await db.query(`DROP TABLE IF EXISTS ${table}`);
  return db;
}

const refused = async (done: Promise<unknown>): Promise<TruthError> => {
  const error = await done.then(
    () => null,
    (reason) => reason as TruthError,
  );
  if (error === null) throw new Error('it was not refused');
  return error;
};

test('values of every type go there and back', async () => {
  const db = await connected();
  await db.query(`CREATE TABLE v (id integer PRIMARY KEY, b bigint, d double precision, n numeric(12,4), t text,
    o boolean, w timestamp, y bytea, j json, u uuid)`);
  const when = new Date('2024-02-29T12:34:56.789Z');
  const uuid = '0190c1a6-5b3e-7c4d-8e2f-1a2b3c4d5e6f';
  const done =
    await db.sql`INSERT INTO v VALUES (${1}, ${2n ** 60n}, ${0.1}, ${'12.5'}, ${"it's ü"}, ${true}, ${when},
    ${Buffer.from([0, 255])}, ${{ a: [1, null] }}, ${uuid})`;
  expect(done).toMatchObject({ tag: 'INSERT 0 1', count: 1, columns: [] });
  await db.sql`INSERT INTO v (id, t) VALUES (${2}, ${null})`;
  const { rows, values, columns } = await db.query('SELECT * FROM v ORDER BY id');
  expect(rows[0]).toEqual({
    id: 1,
    b: 2n ** 60n,
    d: 0.1,
    n: '12.5000',
    t: "it's ü",
    o: true,
    w: '2024-02-29 12:34:56.789',
    y: new Uint8Array([0, 255]),
    j: { a: [1, null] },
    u: uuid,
  });
  expect(values[1]).toEqual([2, null, null, null, null, null, null, null, null, null]);
  expect(columns.map(({ type }) => type).slice(0, 4)).toEqual(['integer', 'bigint', 'double', 'decimal']);
});

test('a row can be taken apart as it comes', async () => {
  const db = await connected();
  await db.query('CREATE TABLE o (id integer PRIMARY KEY, total numeric)');
  const [placed] = await db.sql<{
    id: number;
    total: string;
  }>`INSERT INTO o VALUES (${7}, ${'1.50'}) RETURNING id, total`;
  expect(placed).toEqual({ id: 7, total: '1.50' });
});

test('a value is never part of the text', async () => {
  const db = await connected();
  await db.query('CREATE TABLE t (id integer PRIMARY KEY, name text)');
  const evil = "x'); DROP TABLE t; --";
  await db.sql`INSERT INTO t VALUES (${1}, ${evil})`;
  expect([...(await db.sql`SELECT name FROM t WHERE name = ${evil}`)]).toEqual([{ name: evil }]);
});

test('the past is asked by position and by time', async () => {
  const db = await connected();
  await db.query('CREATE TABLE t (id integer PRIMARY KEY, n integer)');
  await db.sql`INSERT INTO t VALUES (1, ${1})`;
  const first = await db.query('SELECT n FROM t');
  await new Promise((resolve) => setTimeout(resolve, 30));
  const between = new Date();
  await new Promise((resolve) => setTimeout(resolve, 30));
  await db.sql`UPDATE t SET n = ${2} WHERE id = ${1}`;
  expect((await db.query('SELECT n FROM t')).rows).toEqual([{ n: 2 }]);
  const query = 'SELECT n FROM t WHERE id = $1; -- then';
  expect((await db.queryAt(first.position, query, [1])).rows).toEqual([{ n: 1 }]);
  expect((await db.queryAt(between, query, [1])).rows).toEqual([{ n: 1 }]);
  expect((await refused(db.queryAt(1_000_000, query, [1]))).details['sqlstate']).toBeDefined();
  expect((await refused(db.queryAt(first.position, 'DELETE FROM t'))).message).toMatch(/AS OF|only a SELECT/);
});

test('errors carry their SQLSTATE, and the connection goes on', async () => {
  const db = await connected();
  await db.query('CREATE TABLE t (id integer PRIMARY KEY)');
  await db.sql`INSERT INTO t VALUES (${1})`;
  expect((await refused(db.sql`INSERT INTO t VALUES (${1})`)).details['sqlstate']).toBe('23505');
  expect((await refused(db.sql`SELEC ${1}`)).details['sqlstate']).toBe('42601');
  expect((await refused(db.query('SELECT * FROM nothing'))).details['sqlstate']).toBe('42P01');
  expect((await refused(db.sql`INSERT INTO t VALUES (${'x'})`)).details['sqlstate']).toBe('22P02');
  expect((await db.sql`SELECT count(*) FROM t`).values).toEqual([[1n]]);
});

test('a transaction is kept whole or not at all', async () => {
  const db = await connected();
  await db.query('CREATE TABLE a (id integer PRIMARY KEY, n integer)');
  await db.query('INSERT INTO a VALUES (1, 10), (2, 0)');
  await db.transaction(async (tx) => {
    await tx.sql`UPDATE a SET n = n - ${3} WHERE id = 1`;
    await tx.sql`UPDATE a SET n = n + ${3} WHERE id = 2`;
  });
  await refused(
    db.transaction(async (tx) => {
      await tx.query('UPDATE a SET n = 0 WHERE id = 1');
      throw new Error('changed my mind');
    }),
  );
  expect((await db.query('SELECT n FROM a ORDER BY id')).values).toEqual([[7], [3]]);
});

test('transactions in each other’s way are repeated until all are done', async () => {
  const db = await connected();
  await db.query('CREATE TABLE c (id integer PRIMARY KEY, n integer)');
  await db.query('INSERT INTO c VALUES (1, 0)');
  let runs = 0;
  const bump = () =>
    db.transaction(
      async (tx) => {
        runs += 1;
        const [row] = await tx.query<{ n: number }>('SELECT n FROM c WHERE id = 1');
        await tx.sql`UPDATE c SET n = ${(row?.n ?? 0) + 1} WHERE id = 1`;
      },
      { attempts: 50 },
    );
  await Promise.all(Array.from({ length: 8 }, bump));
  expect((await db.query('SELECT n FROM c')).values).toEqual([[8]]);
  expect(runs).toBeGreaterThanOrEqual(8);
});

test('many rows come in many frames, and other requests in between', async () => {
  const db = await connected();
  await db.query('CREATE TABLE big (id integer PRIMARY KEY, t text)');
  const rows = Array.from({ length: 500 }, (_, index) => `(${index}, '${'x'.repeat(100)}')`).join(', ');
  await db.query(`INSERT INTO big VALUES ${rows}`);
  for (let from = 500; from < 4000; from += 500) {
    await db.query(
      `INSERT INTO big VALUES ${rows.replace(/\((\d+),/g, (_, id) => `(${Number(id) + from},`)}`,
    );
  }
  const [all, ping] = await Promise.all([db.query('SELECT * FROM big ORDER BY id'), db.ping()]);
  expect(all.count).toBe(4000);
  expect(all.values.at(-1)).toEqual([3999, 'x'.repeat(100)]);
  expect(ping).toBeGreaterThan(0);
});

test('what cannot be a parameter is refused before it is sent', async () => {
  const db = await connected();
  expect((await refused(db.query('SELECT $1', [undefined]))).message).toContain('parameter $1 is undefined');
  expect((await refused(db.query('SELECT $1', [new Date(Number.NaN)]))).message).toContain(
    'a Date that is none',
  );
});
