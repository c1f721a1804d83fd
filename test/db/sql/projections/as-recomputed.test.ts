/** Whatever happens to its tables, a projection shows what its query gives: SQLite computes that anew after each commit. */
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { replayed, TableWorld } from '../table-world.ts';

const TABLES = [
  'CREATE TABLE a (id INTEGER PRIMARY KEY, x INTEGER, t TEXT)',
  'CREATE TABLE b (id INTEGER PRIMARY KEY, a INTEGER, x INTEGER)',
  'CREATE TABLE c (p INTEGER, q INTEGER, n INTEGER, PRIMARY KEY (p, q))',
];

/** Something to change from the start. */
const ROWS = [
  "INSERT INTO a VALUES (0, 1, 'u'), (1, 1, 'v'), (2, 0, NULL)",
  'INSERT INTO b VALUES (0, 1, 2), (1, 1, 2), (2, 2, 1)',
  'INSERT INTO c VALUES (1, 1, 0), (1, 2, 1), (2, 0, 2)',
];

/** Queries that PostgreSQL and SQLite answer alike. */
const QUERIES = [
  'SELECT id, x, t FROM a WHERE x > 1 OR t IS NULL',
  'SELECT a.id, b.id AS bid, b.x FROM a JOIN b ON b.a = a.id',
  'SELECT a.id, b.id AS bid FROM a LEFT JOIN b ON b.a = a.id AND b.x > 1',
  'SELECT b.id, a.t, c.n FROM b JOIN a ON a.id = b.a LEFT JOIN c ON c.p = a.x AND c.q = b.x',
  'SELECT a.id, b.id AS bid, c.q FROM a LEFT JOIN b ON b.a = a.x LEFT JOIN c ON c.p = b.x',
  'SELECT l.id, r.id AS rid FROM a l JOIN a r ON r.x = l.id',
  'SELECT l.id, m.id AS mid, r.id AS rid FROM a l LEFT JOIN a m ON m.x = l.x AND m.id <> l.id LEFT JOIN b r ON r.a = m.id',
  'SELECT a.id, c.p, c.q FROM a LEFT JOIN c ON c.n < a.x',
  'SELECT x, count(*) AS rows, count(t) AS texts, sum(id) AS ids, min(t) AS low, max(id) AS high FROM a GROUP BY x',
  'SELECT a.t, count(*) AS rows, count(DISTINCT b.x) AS kinds, sum(DISTINCT b.x) AS total, max(b.x) AS high FROM a LEFT JOIN b ON b.a = a.id GROUP BY a.t',
  'SELECT x % 2 AS odd, count(*) AS rows FROM b GROUP BY x % 2 HAVING sum(x) > 2',
  'SELECT count(*) AS rows, sum(x) AS total, min(x) AS low FROM b WHERE x IS NOT NULL',
  'SELECT l.x, count(*) AS rows, sum(r.id) AS ids FROM a l JOIN a r ON r.x = l.x GROUP BY l.x',
  'SELECT l.t, count(*) AS rows, count(r.id) AS found FROM a l LEFT JOIN a r ON r.x = l.id AND r.t IS NOT NULL GROUP BY l.t',
  'SELECT b.a, count(*) AS rows, sum(p.id) AS ids FROM b LEFT JOIN p1 p ON p.bid = b.x GROUP BY b.a',
  'SELECT p.x, count(*) AS rows FROM c JOIN p1 p ON p.bid = c.p GROUP BY p.x',
];

const small = fc.oneof(
  { weight: 5, arbitrary: fc.integer({ min: 0, max: 2 }).map(String) },
  fc.constant('NULL'),
);
const key = fc.integer({ min: 0, max: 3 });
const text = fc.constantFrom("'u'", "'v'", 'NULL');
const change = fc.oneof(
  fc
    .tuple(key, small, text)
    .map(
      ([id, x, t]) =>
        `INSERT INTO a VALUES (${id}, ${x}, ${t}) ON CONFLICT (id) DO UPDATE SET x = excluded.x`,
    ),
  fc
    .tuple(key, small, small)
    .map(
      ([id, a, x]) =>
        `INSERT INTO b VALUES (${id}, ${a}, ${x}) ON CONFLICT (id) DO UPDATE SET a = excluded.a, x = excluded.x`,
    ),
  fc
    .tuple(key, key, small)
    .map(([p, q, n]) => `INSERT INTO c VALUES (${p}, ${q}, ${n}) ON CONFLICT DO NOTHING`),
  fc.tuple(small, small).map(([x, y]) => `UPDATE a SET x = ${x} WHERE x = ${y}`),
  fc.tuple(small, key).map(([a, id]) => `UPDATE b SET a = ${a} WHERE id <= ${id}`),
  fc.tuple(small, small).map(([n, p]) => `UPDATE c SET n = ${n} WHERE p = ${p}`),
  fc.tuple(key, key).map(([from, to]) => `UPDATE a SET id = ${to} WHERE id = ${from}`),
  key.map((id) => `DELETE FROM a WHERE id = ${id}`),
  small.map((x) => `DELETE FROM b WHERE x = ${x}`),
  fc.constantFrom('DELETE FROM c', 'DELETE FROM b', 'UPDATE a SET t = NULL'),
);
const commits = fc.array(fc.array(change, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 12 });

test('after every commit, as of every position, and in a replay', async () => {
  await fc.assert(
    fc.asyncProperty(commits, fc.nat(6), async (plan, createdAfter) => {
      const world = await TableWorld.open();
      const oracle = new DatabaseSync(':memory:');
      for (const statement of [...TABLES, ...ROWS]) {
        world.write(statement);
        oracle.exec(statement);
      }
      const shown: { readonly position: number; readonly rows: string[][] }[] = [];
      for (const [index, changes] of plan.entries()) {
        if (index === Math.min(createdAfter, plan.length - 1)) createAll(world);
        for (const statement of changes) if (world.attempt(statement).error === null) oracle.exec(statement);
        world.endCommit();
        if (index < createdAfter && index < plan.length - 1) continue;
        const wanted = QUERIES.map((query) => recomputed(oracle, query));
        for (const [number, rows] of wanted.entries())
          expect(await shownBy(world, number, ''), `${QUERIES[number]} after ${changes.join('; ')}`).toEqual(
            rows,
          );
        shown.push({ position: world.commits.at(-1)!.sequence, rows: wanted });
      }
      for (const { position, rows } of shown.slice(-4))
        for (const [number, wanted] of rows.entries())
          expect(await shownBy(world, number, ` AS OF POSITION ${position}`)).toEqual(wanted);
      expect(replayed(world.commits).digest()).toBe(world.view.digest());
      oracle.close();
    }),
    { numRuns: 25 },
  );
});

function createAll(world: TableWorld): void {
  for (const [number, query] of QUERIES.entries())
    expect(world.write(`CREATE PROJECTION p${number} AS ${query}`).error).toBeNull();
}

function recomputed(oracle: DatabaseSync, query: string): string[] {
  const written = query.replace('p1 p', `(${QUERIES[1]}) p`);
  return oracle
    .prepare(written)
    .all()
    .map((row) =>
      Object.values(row as object)
        .map((value) => String(value))
        .join('|'),
    )
    .sort();
}

async function shownBy(world: TableWorld, number: number, asOf: string): Promise<string[]> {
  const { rows, sqlstate } = await world.read(`SELECT * FROM p${number}${asOf}`);
  expect(sqlstate).toBeNull();
  return rows.map((row) => row.map(String).join('|')).sort();
}
