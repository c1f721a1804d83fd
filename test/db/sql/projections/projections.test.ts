import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type OpenSql, openSql } from '../session/open-sql.ts';
import { type Tables, tablesOf } from './support.ts';

let tables: Tables;

let database: OpenSql;

beforeAll(async () => {
  database = await openSql();
});
afterAll(() => database.close());
beforeEach(async () => {
  tables = await tablesOf(database);
});

describe('a projection', () => {
  test('shows a join, kept current through inserts, updates and deletes on both sides', async () => {
    await tables.run(`CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT)`);
    await tables.run(`CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER, total DECIMAL(10,2))`);
    await tables.run(`INSERT INTO customers VALUES (1, 'ada'), (2, 'bob')`);
    await tables.run(`INSERT INTO orders VALUES (10, 1, 5.00), (11, 1, 7.50), (12, 3, 1.00)`);
    await tables.run(
      `CREATE PROJECTION p AS SELECT o.id, c.name, o.total FROM orders o JOIN customers c ON c.id = o.customer`,
    );
    const all = 'SELECT id, name, total FROM p ORDER BY id';
    expect(await tables.texts(all)).toEqual(['10|ada|5.00', '11|ada|7.50']);
    await tables.run(`INSERT INTO customers VALUES (3, 'eve')`);
    expect(await tables.texts(all)).toEqual(['10|ada|5.00', '11|ada|7.50', '12|eve|1.00']);
    await tables.run(`UPDATE customers SET name = 'ann' WHERE id = 1`);
    await tables.run(`DELETE FROM orders WHERE id = 11`);
    expect(await tables.texts(all)).toEqual(['10|ann|5.00', '12|eve|1.00']);
  });

  test('keeps a row of a LEFT JOIN while there is no match, and only then', async () => {
    await tables.run(`CREATE TABLE a (id INTEGER PRIMARY KEY)`);
    await tables.run(`CREATE TABLE b (id INTEGER PRIMARY KEY, a INTEGER)`);
    await tables.run(`CREATE PROJECTION p AS SELECT a.id, b.id AS b FROM a LEFT JOIN b ON b.a = a.id`);
    const all = 'SELECT id, b FROM p ORDER BY id, b';
    await tables.run(`INSERT INTO a VALUES (1), (2)`);
    expect(await tables.texts(all)).toEqual(['1|', '2|']);
    await tables.run(`INSERT INTO b VALUES (7, 1), (8, 1)`);
    expect(await tables.texts(all)).toEqual(['1|7', '1|8', '2|']);
    await tables.run(`UPDATE b SET a = 2 WHERE id = 7`);
    expect(await tables.texts(all)).toEqual(['1|8', '2|7']);
    await tables.run(`DELETE FROM b`);
    expect(await tables.texts(all)).toEqual(['1|', '2|']);
  });

  test('groups, with HAVING, and forgets the largest value when its row goes', async () => {
    await tables.run(`CREATE TABLE t (id INTEGER PRIMARY KEY, k TEXT, n INTEGER)`);
    await tables.run(
      `CREATE PROJECTION p AS SELECT k, count(*) AS rows, sum(n) AS total, min(n) AS low, max(n) AS high,
         count(DISTINCT n) AS kinds, avg(n) AS mean FROM t GROUP BY k HAVING count(*) > 1`,
    );
    await tables.run(`INSERT INTO t VALUES (1, 'x', 5), (2, 'x', 9), (3, 'x', 9), (4, 'y', 1), (5, NULL, 2)`);
    const all = 'SELECT k, rows, total, low, high, kinds FROM p ORDER BY k';
    expect(await tables.texts(all)).toEqual(['x|3|23|5|9|2']);
    await tables.run(`DELETE FROM t WHERE id = 2`);
    expect(await tables.texts(all)).toEqual(['x|2|14|5|9|2']);
    await tables.run(`DELETE FROM t WHERE id = 3`);
    expect(await tables.texts(all)).toEqual([]);
    await tables.run(`INSERT INTO t VALUES (6, NULL, 3), (7, 'y', 4)`);
    expect(await tables.texts(all)).toEqual(['y|2|5|1|4|2', '|2|5|2|3|2']);
    expect(await tables.texts(`SELECT total FROM p WHERE k = 'y'`)).toEqual(['5']);
  });

  test('without GROUP BY has one row also while its table is empty', async () => {
    await tables.run(`CREATE TABLE t (id INTEGER PRIMARY KEY, n DOUBLE)`);
    await tables.run(`CREATE PROJECTION p AS SELECT count(*) AS rows, sum(n) AS total FROM t`);
    expect(await tables.texts('SELECT rows, total FROM p')).toEqual(['0|']);
    await tables.run(`INSERT INTO t VALUES (1, 0.1), (2, 0.2), (3, 1e300), (4, -1e300)`);
    expect(await tables.texts('SELECT rows, total FROM p')).toEqual(['4|0.30000000000000004']);
    await tables.run(`DELETE FROM t`);
    expect(await tables.texts('SELECT rows, total FROM p')).toEqual(['0|']);
  });

  test('is made of another, and answers as of any position', async () => {
    await tables.run(`CREATE TABLE t (id INTEGER PRIMARY KEY, k TEXT, n INTEGER)`);
    await tables.run(`CREATE PROJECTION sums AS SELECT k, sum(n) AS total FROM t GROUP BY k`);
    await tables.run(`CREATE PROJECTION large AS SELECT count(*) AS groups FROM sums WHERE total > 10`);
    const first = await tables.run(`INSERT INTO t VALUES (1, 'a', 6), (2, 'b', 20)`);
    await tables.run(`INSERT INTO t VALUES (3, 'a', 6)`);
    expect(await tables.texts('SELECT groups FROM large')).toEqual(['2']);
    expect(await tables.texts(`SELECT groups FROM large AS OF POSITION ${first.position}`)).toEqual(['1']);
    await expect(tables.run('DROP PROJECTION sums')).rejects.toThrow('projection large depends on it');
    await expect(tables.run('DROP TABLE t')).rejects.toThrow('projection sums depends on it');
    await expect(tables.run('ALTER TABLE t DROP COLUMN n')).rejects.toThrow('depends on it');
    await tables.run('ALTER TABLE t RENAME COLUMN n TO amount');
    await tables.run('ALTER TABLE t ADD COLUMN more TEXT');
    await tables.run(`INSERT INTO t VALUES (4, 'c', 11, 'x')`);
    expect(await tables.texts('SELECT groups FROM large')).toEqual(['3']);
  });

  test('says when it was created and dropped to who asks for it before and after', async () => {
    const before = await tables.run(`CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER)`);
    const created = await tables.run(`CREATE PROJECTION p AS SELECT sum(n) AS total FROM t`);
    await tables.settled();
    const dropped = await tables.run('DROP PROJECTION p');
    const renewed = await tables.run(`CREATE PROJECTION p AS SELECT count(*) AS rows FROM t`);
    await tables.settled();
    const asked = (position: number) => tables.texts(`SELECT * FROM p AS OF POSITION ${position}`);
    await expect(asked(before.position)).rejects.toThrow(
      `relation "p" does not exist at position ${before.position}: it was created at position ${created.position}`,
    );
    await expect(asked(dropped.position)).rejects.toThrow(
      `it was dropped or renamed at position ${dropped.position}, and it was created at position ${renewed.position}`,
    );
  });

  test('over many rows is built in steps, while rows change', async () => {
    await tables.run(`CREATE TABLE t (id INTEGER PRIMARY KEY, k INTEGER, n INTEGER)`);
    for (let from = 0; from < 9_000; from += 3_000) {
      const rows = Array.from({ length: 3_000 }, (_, index) => `(${from + index}, ${(from + index) % 7}, 1)`);
      await tables.run(`INSERT INTO t VALUES ${rows.join()}`);
    }
    await tables.run(`CREATE PROJECTION p AS SELECT k, sum(n) AS total FROM t GROUP BY k`);
    await tables.run(`UPDATE t SET n = 2 WHERE id < 10`);
    await tables.run(`DELETE FROM t WHERE id >= 8990`);
    await tables.settled();
    const wanted = new Map<number, number>();
    for (let id = 0; id < 8_990; id++) wanted.set(id % 7, (wanted.get(id % 7) ?? 0) + (id < 10 ? 2 : 1));
    expect(await tables.texts('SELECT k, total FROM p ORDER BY k')).toEqual(
      [...wanted].sort(([a], [b]) => a - b).map(([k, total]) => `${k}|${total}`),
    );
  });

  test('that a change reaches too far for is refreshed, and answers as it was meanwhile', async () => {
    await tables.run(`CREATE TABLE one (id INTEGER PRIMARY KEY, name TEXT)`);
    await tables.run(`CREATE TABLE many (id INTEGER PRIMARY KEY, one INTEGER)`);
    await tables.run(`INSERT INTO one VALUES (1, 'before')`);
    await tables.run(
      `CREATE PROJECTION p AS SELECT one.name, count(*) AS rows FROM many JOIN one ON one.id = many.one GROUP BY one.name`,
    );
    for (let from = 0; from < 22_000; from += 2_000) {
      const rows = Array.from({ length: 2_000 }, (_, index) => `(${from + index}, 1)`);
      await tables.run(`INSERT INTO many VALUES ${rows.join()}`);
    }
    expect(await tables.texts('SELECT name, rows FROM p')).toEqual(['before|22000']);
    await tables.run(`UPDATE one SET name = 'after'`);
    await tables.settled();
    expect(await tables.texts('SELECT name, rows FROM p')).toEqual(['after|22000']);
  });

  test('whose expression cannot be computed fails alone', async () => {
    await tables.run(`CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER)`);
    await tables.run(`CREATE PROJECTION p AS SELECT id, 10 / n AS share FROM t`);
    await tables.run(`INSERT INTO t VALUES (1, 5)`);
    await tables.run(`INSERT INTO t VALUES (2, 0)`);
    await tables.settled();
    expect(await tables.texts('SELECT count(*) FROM t')).toEqual(['2']);
    await expect(tables.run('SELECT share FROM p')).rejects.toThrow('failed');
  });

  test.each([
    ['SELECT now() FROM t', 'changes by itself'],
    ['SELECT id FROM t ORDER BY id', 'has no ORDER BY'],
    ['SELECT id, n FROM t GROUP BY id', 'must appear in the GROUP BY clause'],
    ['SELECT id, id FROM t', 'specified more than once'],
    ['SELECT * FROM nothing', 'does not exist'],
    ['SELECT sum(count(*)) FROM t', 'cannot be nested'],
  ])('refuses %s', async (query, message) => {
    await tables.run(`CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER)`);
    await expect(tables.run(`CREATE PROJECTION p AS ${query}`)).rejects.toThrow(message);
  });
});
