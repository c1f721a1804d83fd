/** BEGIN to COMMIT: a pinned state with one's own changes, all or nothing at the end, refused when what was read has changed. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { SqlSession } from '../../../../db/sql/contract.ts';
import { type OpenSql, openSql, sessionOf, told } from './open-sql.ts';

let sql: OpenSql;
let mine: SqlSession;
let theirs: SqlSession;

/** A transaction's clock is in the test's hand. */
const timers: (() => void)[] = [];
const IDLE_MILLIS = 60_000;
const scheduler = {
  endOfTurn: (task: () => void) => void setImmediate(task),
  after: (millis: number, task: () => void) => {
    if (millis !== IDLE_MILLIS) {
      const timer = setTimeout(task, millis).unref();
      return () => clearTimeout(timer);
    }
    timers.push(task);
    return () => void timers.splice(timers.indexOf(task), 1);
  },
};

beforeAll(async () => {
  sql = await openSql({ scheduler, sql: { idleMillis: IDLE_MILLIS, transactionRows: 50 } });
});
afterAll(() => sql.close());

beforeEach(async () => {
  const tenant = await sql.newTenant();
  mine = sessionOf(sql.engine, { tenant, actor: 'me' });
  theirs = sessionOf(sql.engine, { tenant, actor: 'they' });
  await told(mine, 'CREATE TABLE t (id integer PRIMARY KEY, v integer, name text UNIQUE)');
  await told(mine, "INSERT INTO t VALUES (1, 10, 'a'), (2, 20, 'b'), (3, 30, 'c')");
});

describe('a transaction', () => {
  test('sees the state it began with and its own changes, nothing of others', async () => {
    await told(mine, 'BEGIN');
    await told(theirs, 'UPDATE t SET v = 99 WHERE id = 1');
    expect(await told(mine, 'SELECT v FROM t WHERE id = 1')).toEqual([[10]]);
    await told(mine, "INSERT INTO t VALUES (4, 40, 'd')");
    await told(mine, 'DELETE FROM t WHERE id = 2');
    await told(mine, 'UPDATE t SET v = v + 1 WHERE id = 3');
    expect(await told(mine, 'SELECT id, v FROM t ORDER BY id')).toEqual([
      [1, 10],
      [3, 31],
      [4, 40],
    ]);
    expect(await told(mine, "SELECT id FROM t WHERE name = 'd'")).toEqual([[4]]);
    expect(await told(mine, 'SELECT count(*) FROM t')).toEqual([[3n]]);
    expect(await told(theirs, 'SELECT id, v FROM t ORDER BY id')).toEqual([
      [1, 99],
      [2, 20],
      [3, 30],
    ]);
  });

  test('is one commit, by its author', async () => {
    await told(mine, 'BEGIN');
    await told(mine, "INSERT INTO t VALUES (4, 40, 'd')");
    await told(mine, 'UPDATE t SET v = 41 WHERE id = 4');
    await told(mine, 'DELETE FROM t WHERE id = 1');
    const { tag, position } = await mine.execute('COMMIT', []);
    expect(tag).toBe('COMMIT');
    expect(await told(theirs, 'SELECT id, v FROM t ORDER BY id')).toEqual([
      [2, 20],
      [3, 30],
      [4, 41],
    ]);
    expect(
      await told(theirs, 'SELECT id, _actor, _operation, _sequence FROM t HISTORY WHERE id = 4'),
    ).toEqual([[4, 'me', 'insert', BigInt(position - 1)]]);
  });

  test('leaves nothing when it is rolled back, or the session ends', async () => {
    await told(mine, 'BEGIN');
    await told(mine, 'DELETE FROM t');
    expect(await told(mine, 'ROLLBACK')).toBe('ROLLBACK');
    await told(mine, 'BEGIN');
    await told(mine, 'DELETE FROM t');
    mine.close();
    expect(await told(theirs, 'SELECT count(*) FROM t')).toEqual([[3n]]);
    expect(await told(mine, 'SELECT 1')).toBe('08003');
  });

  test.each([
    ['a row it read by its key', 'SELECT v FROM t WHERE id = 1', 'UPDATE t SET v = 11 WHERE id = 1', '40001'],
    ['no row it read', 'SELECT v FROM t WHERE id = 1', 'UPDATE t SET v = 21 WHERE id = 2', 'COMMIT'],
    [
      'a row that came into a range it read',
      'SELECT id FROM t WHERE id > 2',
      "INSERT INTO t VALUES (9, 9, 'x')",
      '40001',
    ],
    [
      'a row that came beside the range it read',
      'SELECT id FROM t WHERE id < 3',
      "INSERT INTO t VALUES (9, 9, 'x')",
      'COMMIT',
    ],
    [
      'the absence of a row it looked for',
      'SELECT v FROM t WHERE id = 9',
      "INSERT INTO t VALUES (9, 9, 'x')",
      '40001',
    ],
    [
      'a row found by an index',
      "SELECT v FROM t WHERE name = 'b'",
      'UPDATE t SET v = 21 WHERE id = 2',
      '40001',
    ],
    [
      'a key absent from an index',
      "SELECT v FROM t WHERE name = 'x'",
      "INSERT INTO t VALUES (9, 9, 'x')",
      '40001',
    ],
    ['anything after it read all', 'SELECT count(*) FROM t', 'DELETE FROM t WHERE id = 3', '40001'],
    ['the row it wrote', 'UPDATE t SET v = 1 WHERE id = 2', 'UPDATE t SET v = 2 WHERE id = 2', '40001'],
    ['a key it took', "INSERT INTO t VALUES (9, 9, 'x')", "INSERT INTO t VALUES (9, 9, 'y')", '40001'],
    [
      'a unique value it took',
      "INSERT INTO t VALUES (9, 9, 'x')",
      "INSERT INTO t VALUES (8, 8, 'x')",
      '40001',
    ],
    ['the tables', 'SELECT v FROM t WHERE id = 1', 'ALTER TABLE t ADD COLUMN n integer', '40001'],
  ])('when others change %s, it ends as it must', async (_what, read, change, end) => {
    await told(mine, 'BEGIN');
    await told(mine, read);
    await told(mine, "INSERT INTO t VALUES (100, 0, 'mine')");
    expect(await told(theirs, change)).not.toMatch(/^\d/);
    expect(await told(mine, 'COMMIT')).toBe(end);
    expect(mine.transaction).toBe('none');
    const written = end === 'COMMIT' ? [[1n]] : [[0n]];
    expect(await told(theirs, 'SELECT count(*) FROM t WHERE id = 100')).toEqual(written);
  });

  test('that only read commits whatever happened', async () => {
    await told(mine, 'BEGIN');
    expect(await told(mine, 'SELECT count(*) FROM t')).toEqual([[3n]]);
    await told(theirs, 'DELETE FROM t');
    expect(await told(mine, 'SELECT count(*) FROM t')).toEqual([[3n]]);
    expect(await told(mine, 'COMMIT')).toBe('COMMIT');
    expect(await told(mine, 'SELECT count(*) FROM t')).toEqual([[0n]]);
  });

  test('two that add to the same row cannot both', async () => {
    for (const session of [mine, theirs]) {
      await told(session, 'BEGIN');
      await told(session, 'UPDATE t SET v = v + 1 WHERE id = 1');
    }
    const ends = await Promise.all([told(mine, 'COMMIT'), told(theirs, 'COMMIT')]);
    expect(ends.sort()).toEqual(['40001', 'COMMIT']);
    expect(await told(mine, 'SELECT v FROM t WHERE id = 1')).toEqual([[11]]);
  });

  test('rows that are numbered by the store get numbers that are free', async () => {
    await told(mine, 'CREATE TABLE notes (text text)');
    for (const session of [mine, theirs]) {
      await told(session, 'BEGIN');
      await told(session, `INSERT INTO notes VALUES ('${session === mine ? 'mine' : 'theirs'}')`);
    }
    expect(await told(mine, 'COMMIT')).toBe('COMMIT');
    expect(await told(theirs, 'COMMIT')).toBe('COMMIT');
    expect(await told(mine, 'SELECT text FROM notes ORDER BY text')).toEqual([['mine'], ['theirs']]);
  });
});

describe('within a transaction', () => {
  test('everything is refused after an error until it ends', async () => {
    await told(mine, 'BEGIN');
    await told(mine, 'DELETE FROM t WHERE id = 3');
    expect(await told(mine, 'SELECT nope FROM t')).toBe('42703');
    expect(mine.transaction).toBe('failed');
    expect(await told(mine, 'SELECT 1')).toBe('25P02');
    expect(await told(mine, 'BEGIN')).toBe('25P02');
    expect(await told(mine, 'COMMIT')).toBe('ROLLBACK');
    expect(await told(mine, 'SELECT count(*) FROM t')).toEqual([[3n]]);
  });

  test('tables are not changed, and savepoints are refused by name', async () => {
    await told(mine, 'BEGIN');
    expect(await told(mine, 'CREATE TABLE u (id integer)')).toBe('0A000');
    await told(mine, 'ROLLBACK');
    await told(mine, 'BEGIN');
    await expect(mine.execute('SAVEPOINT s', [])).rejects.toThrow(/SAVEPOINT/);
    expect(mine.transaction).toBe('failed');
  });

  test('BEGIN again changes nothing, COMMIT without BEGIN neither', async () => {
    expect(await told(mine, 'COMMIT')).toBe('COMMIT');
    expect(await told(mine, 'BEGIN')).toBe('BEGIN');
    await told(mine, 'DELETE FROM t WHERE id = 1');
    expect(await told(mine, 'BEGIN')).toBe('BEGIN');
    expect(await told(mine, 'SELECT count(*) FROM t')).toEqual([[2n]]);
    expect(await told(mine, 'ROLLBACK')).toBe('ROLLBACK');
  });

  test('more rows than it may write end it', async () => {
    await told(mine, 'BEGIN');
    const rows = (from: number) => Array.from({ length: 30 }, (_, index) => `(${from + index})`).join();
    expect(await told(mine, `INSERT INTO t (id) VALUES ${rows(100)}`)).toBe('INSERT 0 30');
    expect(await told(mine, `INSERT INTO t (id) VALUES ${rows(200)}`)).toBe('54000');
    expect(mine.transaction).toBe('failed');
  });
});

test('a transaction that nobody goes on with is over', async () => {
  await told(mine, 'BEGIN');
  await told(mine, 'DELETE FROM t');
  await sleep(1);
  expect(timers.length).toBeGreaterThan(0);
  for (const expire of timers.splice(0)) expire();
  expect(mine.transaction).toBe('failed');
  expect(await told(mine, 'COMMIT')).toBe('25P03');
  expect(await told(mine, 'SELECT count(*) FROM t')).toEqual([[3n]]);
});
