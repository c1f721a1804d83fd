/** Keys that move: rows of one statement may take each other's, and indexes follow, live and in a replay. */
import { describe, expect, test } from 'vitest';
import { TENANT_DEFAULT } from '../../../../db/types.ts';
import { replayed, TableWorld } from '../table-world.ts';

async function worldOf(...texts: readonly string[]): Promise<TableWorld> {
  const world = await TableWorld.open();
  for (const text of texts) expect(world.write(text).error).toBeNull();
  return world;
}

describe('a statement that moves keys', () => {
  test('may shift all of them by one, or exchange two', async () => {
    const world = await worldOf(
      'CREATE TABLE t (id integer PRIMARY KEY, name text UNIQUE)',
      "INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c')",
      'UPDATE t SET id = id + 1',
      "UPDATE t SET name = CASE name WHEN 'a' THEN 'b' WHEN 'b' THEN 'a' ELSE name END",
    );
    expect((await world.read('SELECT id, name FROM t ORDER BY id')).rows).toEqual([
      ['2', 'b'],
      ['3', 'a'],
      ['4', 'c'],
    ]);
    expect((await world.read("SELECT id FROM t WHERE name = 'a'")).rows).toEqual([['3']]);
    expect((await world.read("SELECT id FROM t WHERE name = 'b'")).rows).toEqual([['2']]);
    expect(replayed(world.commits).digest()).toBe(world.view.digest());
  });

  test('is refused where two rows would have one, and then changes nothing', async () => {
    const world = await worldOf(
      'CREATE TABLE t (id integer PRIMARY KEY, name text UNIQUE)',
      "INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c')",
    );
    const before = world.view.digest();
    for (const text of [
      'UPDATE t SET id = 7',
      "UPDATE t SET name = 'x' WHERE id < 3",
      'UPDATE t SET id = 4 - id WHERE id < 3',
    ])
      expect(world.write(text).error?.sqlstate).toBe('23505');
    expect(world.view.digest()).toBe(before);
  });

  test('writes no entry for rows that stay as they are', async () => {
    const world = await worldOf(
      'CREATE TABLE t (id integer PRIMARY KEY, n integer)',
      'INSERT INTO t VALUES (1, 1), (2, 2)',
    );
    const commits = world.commits.length;
    expect(world.write('UPDATE t SET n = n')).toMatchObject({ tag: 'UPDATE 2' });
    expect(world.commits.length).toBe(commits);
  });
});

test('rows without a key keep their number, and a number is never given twice', async () => {
  const world = await worldOf(
    'CREATE TABLE t (a text)',
    "INSERT INTO t VALUES ('one'), ('two')",
    "DELETE FROM t WHERE a = 'two'",
    "INSERT INTO t VALUES ('three')",
    "UPDATE t SET a = 'uno' WHERE a = 'one'",
  );
  const { space } = world.view.catalog(TENANT_DEFAULT).table('t')!;
  const snapshot = world.view.snapshot(TENANT_DEFAULT);
  const all = { range: { from: null, to: null }, reverse: false, limit: null };
  const keys = [...snapshot.scan(space, all)].map(
    ({ key }) => Buffer.from(key).readBigUInt64BE(1) - (1n << 63n),
  );
  snapshot.close();
  expect(keys).toEqual([1n, 3n]);
  expect((await world.read('SELECT a FROM t')).rows).toEqual([['uno'], ['three']]);
});

test('defaults and times are computed once, when the command is decided', async () => {
  const world = await worldOf(
    'CREATE TABLE t (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), at timestamp DEFAULT now(), n integer)',
    'INSERT INTO t (n) VALUES (1), (2)',
  );
  const { rows } = await world.read('SELECT id, at FROM t');
  expect(new Set(rows.map(([id]) => id)).size).toBe(2);
  expect(new Set(rows.map(([, at]) => at)).size).toBe(1);
  expect(replayed(world.commits).digest()).toBe(world.view.digest());
});
