import { expect, test } from 'vitest';
import type { StreamName } from '../../../db/streams/event.ts';
import type { Sequence } from '../../../db/types.ts';
import { sessionOf, told } from '../sql/session/open-sql.ts';
import { pickFrom } from '../wal/support.ts';
import { append, everything, FOLLOWING, newSource, openReplica, until } from './replica-support.ts';
import { COPY } from './support.ts';

test('a replica shows what its source shows, across segments, and refuses appends', async () => {
  const source = await newSource();
  const pick = pickFrom(5);
  await append(source.engine, 'a', 5, 100);
  const replica = await openReplica(source.engine);
  const seen: number[] = [];
  const following = (async () => {
    for await (const batch of replica.engine.subscribe({ from: 0 as Sequence })) {
      seen.push(...batch.map(({ position }) => position));
      if (seen.length >= 5 + 12 * 9) return;
    }
  })();
  for (let round = 0; round < 12; round++) {
    for (let turn = 0; turn < 3; turn++) await append(source.engine, `s-${pick(4)}`, 3, 1 + pick(30_000));
    await replica.follow();
    expect(await everything(replica.engine)).toEqual(await everything(source.engine));
  }
  await following;
  expect(seen).toEqual((await everything(source.engine)).map(({ position }) => position));
  expect(replica.disk.paths().filter((path) => path.startsWith(`${COPY}/wal/`)).length).toBeGreaterThan(1);
  for (const stream of ['a', 's-1'] as StreamName[]) {
    const request = { stream, direction: 'backwards', from: 'end', limit: 50 } as const;
    const [ours, theirs] = [
      await replica.engine.readStream(request),
      await source.engine.readStream(request),
    ];
    expect(ours.events.map(({ id }) => id)).toEqual(theirs.events.map(({ id }) => id));
  }
  await expect(append(replica.engine, 'a', 1, 1)).rejects.toMatchObject({
    code: 'READ_ONLY',
    details: { source: 'there:9650' },
  });
  expect(replica.engine.status()).toMatchObject({
    following: FOLLOWING,
    readOnly: expect.stringContaining('there:9650'),
  });
  await replica.close();
  await source.engine.close();
});

test('a replica can be opened on a copy that ends with the seal of a segment, and goes on behind it', async () => {
  const source = await newSource();
  for (let turn = 0; turn < 50; turn++) await append(source.engine, 'a', 3, 10_000);
  const replica = await openReplica(source.engine, 'seal');
  const before = await everything(replica.engine);
  expect(before).toEqual((await everything(source.engine)).slice(0, before.length));
  expect(before.length).toBeGreaterThan(10);
  const seen: number[] = [];
  const following = (async () => {
    for await (const batch of replica.engine.subscribe({ from: 0 as Sequence })) {
      seen.push(...batch.map(({ position }) => position));
      if (seen.length >= 150) return;
    }
  })();
  await until(() => seen.length === before.length);
  const second = await openReplica(replica.engine);
  expect(await everything(second.engine)).toEqual(before);
  await replica.follow();
  await second.follow();
  await following;
  expect(await everything(second.engine)).toEqual(await everything(source.engine));
  expect(await everything(replica.engine)).toEqual(await everything(source.engine));
  expect(seen).toEqual((await everything(source.engine)).map(({ position }) => position));
  for (const each of [second, replica]) await each.close();
  await source.engine.close();
});

test('a replica tells its readers when what feeds it has failed', async () => {
  const source = await newSource();
  await append(source.engine, 'a', 5, 100);
  const replica = await openReplica(source.engine);
  const failed = new Promise<Error>((resolve) => replica.engine.onFailure(resolve));
  replica.log.fail(new Error('the histories part'));
  expect((await failed).message).toBe('the histories part');
  expect(replica.engine.status().log.failed).toBe('the histories part');
  expect(await everything(replica.engine)).toHaveLength(5);
  await replica.close();
  await source.engine.close();
});

test('a replica serves copies of its own', async () => {
  const source = await newSource();
  await append(source.engine, 'a', 50, 10_000);
  const first = await openReplica(source.engine);
  const second = await openReplica(first.engine);
  await append(source.engine, 'b', 50, 10_000);
  await first.follow();
  await second.follow();
  expect(await everything(second.engine)).toEqual(await everything(source.engine));
  for (const replica of [second, first]) await replica.close();
  await source.engine.close();
});

test('a replica has the tables of its source, at every position, and writes none', async () => {
  const source = await newSource();
  const mine = sessionOf(source.engine);
  await told(mine, 'CREATE TABLE t (id integer PRIMARY KEY, n integer)');
  await told(mine, 'CREATE INDEX t_n ON t (n)');
  const replica = await openReplica(source.engine);
  const theirs = sessionOf(replica.engine);
  for (let round = 0; round < 4; round++) {
    const rows = Array.from({ length: 50 }, (_, row) => `(${round * 50 + row}, ${row % 7})`);
    await told(mine, `INSERT INTO t VALUES ${rows.join()}`);
    await told(mine, 'UPDATE t SET n = n + 1 WHERE n < 3');
    if (round === 2) await told(mine, "ALTER TABLE t ADD COLUMN s text DEFAULT 'x'");
    const { stable } = source.engine.status().log;
    await replica.follow();
    for (const text of [
      'SELECT * FROM t',
      'SELECT id FROM t WHERE n = 3 ORDER BY id DESC',
      'SELECT * FROM t HISTORY',
    ])
      expect(await told(theirs, text)).toEqual(await told(mine, text));
    const then = `SELECT * FROM t AS OF POSITION ${stable}`;
    expect(await told(theirs, then)).toEqual(await told(mine, then));
  }
  expect(await told(theirs, 'DELETE FROM t')).toBe('READ_ONLY');
  expect(await told(theirs, 'BEGIN')).toBe('BEGIN');
  expect(await told(theirs, 'SELECT count(*) FROM t')).toEqual([[200n]]);
  expect(await told(theirs, 'COMMIT')).toBe('COMMIT');
  await replica.close();
  await source.engine.close();
});
