import { expect, test } from 'vitest';
import { type Engine, initDatabase, openEngine, openEngineOver } from '../../../db/engine.ts';
import { FollowedLog, readOnlyCopy } from '../../../db/follow/followed-log.ts';
import type { LogFrame } from '../../../db/protocol/index.ts';
import type { StreamName } from '../../../db/streams/event.ts';
import type { Sequence } from '../../../db/types.ts';
import { sessionOf, told } from '../sql/session/open-sql.ts';
import { MemoryDisk } from '../wal/memory-disk.ts';
import { DIRECTORY, pickFrom, randomFrom, SEGMENT_BYTES } from '../wal/support.ts';
import { COPY, openCopy } from './support.ts';

const FOLLOWING = { source: 'there:9650', connected: true, lag: null, reconnects: 0, problem: null };

/** Waits for other work of the event loop until something holds. */
async function until(holds: () => boolean): Promise<void> {
  for (let turn = 0; !holds(); turn++) {
    if (turn > 5000) throw new Error('it did not happen');
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function newSource(): Promise<{ disk: MemoryDisk; engine: Engine }> {
  const disk = new MemoryDisk();
  initDatabase({ directory: DIRECTORY, disk, random: randomFrom(1), segmentBytes: SEGMENT_BYTES });
  return {
    disk,
    engine: await openEngine({ directory: DIRECTORY, disk, inline: true, random: randomFrom(2) }),
  };
}

let ids = 0;

async function append(engine: Engine, stream: string, events: number, bytes: number): Promise<void> {
  await engine.append({
    stream: stream as StreamName,
    expected: 'any',
    ack: 'applied',
    events: Array.from({ length: events }, () => ({
      id: randomFrom(++ids)(16),
      type: 'noted',
      contentType: 'binary' as const,
      data: new Uint8Array(bytes).fill(7),
      metadata: new Uint8Array(),
    })),
  });
}

/** A copy over which an engine is open, and the way to bring it what the source has by now. */
async function openReplica(source: Engine, openedAt: 'end' | 'seal' = 'end') {
  const disk = new MemoryDisk();
  const { copy, receiver } = openCopy(disk);
  copy.settle();
  const abort = new AbortController();
  const take = (frames: readonly LogFrame[]): void => {
    for (const frame of frames) for (const received of receiver.receive(frame)) copy.apply(received);
    copy.sync();
  };
  const stream = source
    .logBytes({ from: 1 as Sequence, name: 'copy', signal: abort.signal })
    [Symbol.asyncIterator]();
  const catchUp = async (to: 'end' | 'seal' = 'end'): Promise<void> => {
    while (to === 'end' || copy.end.segment === 0 || !copy.end.sealed) {
      const { value } = await stream.next();
      if (value === undefined) return;
      take([value]);
      if (value.kind === 'end' && value.caughtUp && copy.end.sequence >= source.status().log.stable) return;
    }
  };
  await catchUp(openedAt);
  const identity = source.status().log.identity;
  const log = new FollowedLog({
    disk,
    directory: COPY,
    identity,
    source: 'there:9650',
    stable: copy.end.sequence,
    onClose: async () => copy.close(),
  });
  const engine = await openEngineOver(log, {
    directory: COPY,
    disk,
    replication: {
      onReplicated: (listener) => log.onReplicated(listener),
      onGap: (listener) => log.onGap(listener),
      refusal: () => readOnlyCopy('there:9650'),
      status: () => FOLLOWING,
    },
  });
  const follow = async (): Promise<void> => {
    await catchUp();
    log.advance(copy.end.sequence);
    await until(() => log.stable === copy.end.sequence);
  };
  const close = async (): Promise<void> => {
    abort.abort();
    await engine.close();
  };
  return { disk, engine, log, follow, close };
}

async function everything(engine: Engine) {
  const page = await engine.readAll({ direction: 'forwards', from: 'start', limit: 10_000 });
  return page.events.map(({ position, revision, stream, id, recordedAt }) => ({
    position,
    revision,
    stream,
    id,
    recordedAt,
  }));
}

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
