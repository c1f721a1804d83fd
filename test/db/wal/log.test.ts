import { expect, test } from 'vitest';
import type { RecordedAt, Sequence } from '../../../db/types.ts';
import { initLog, type LogCommit, openReader, verifyLog } from '../../../db/wal/index.ts';
import { MemoryDisk } from './memory-disk.ts';
import {
  appendGroup,
  collect,
  DIRECTORY,
  draft,
  newDisk,
  open,
  randomFrom,
  SEGMENT_BYTES,
  segmentPaths,
  texts,
  textsOf,
} from './support.ts';

const at = (recordedAt: number): RecordedAt => BigInt(recordedAt) as RecordedAt;

test('what was appended is read back in order, field by field', async () => {
  const { log } = await open(newDisk());
  const range = log.append(
    [
      {
        type: 16,
        tenant: 0 as never,
        partitionKey: 0xfedc_ba98_7654_3210n,
        flags: 0x8001_0001,
        payload: Uint8Array.of(1, 2, 3),
      },
      { type: 65535, tenant: 4_294_967_295 as never, partitionKey: 0n, flags: 0, payload: new Uint8Array() },
    ],
    at(5),
  );
  log.flush();
  const [commit] = await collect(log.read({ from: range.first, follow: false }));
  expect(commit?.entries).toMatchObject([
    {
      sequence: range.first,
      type: 16,
      tenant: 0,
      partitionKey: 0xfedc_ba98_7654_3210n,
      payload: Uint8Array.of(1, 2, 3),
    },
    { sequence: range.last, type: 65535, tenant: 4_294_967_295, partitionKey: 0n, payload: new Uint8Array() },
  ]);
  // The log marks the last entry of each command.
  expect(commit?.entries.map((entry) => entry.flags)).toEqual([0x8001_0001, 2]);
});

test('sequences are dense: the epoch takes 1, its commit 2, then entries and their commits', async () => {
  const { log } = await open(newDisk());
  expect(log.next).toBe(3);
  expect(log.append([draft('a'), draft('b')], at(1))).toEqual({ first: 3, last: 4 });
  expect(log.append([draft('c')], at(1))).toEqual({ first: 5, last: 5 });
  log.flush();
  expect(log.next).toBe(7);
  expect(log.stable).toBe(6);
});

test('recorded-at is the greatest of the group and always later than the commit before', async () => {
  const { log } = await open(newDisk());
  const start = log.append([draft('a')], at(Number.MAX_SAFE_INTEGER)).first;
  log.append([draft('b')], at(3));
  log.flush();
  log.append([draft('c')], at(3));
  log.flush();
  const [first, second] = await collect(log.read({ from: start, follow: false }));
  expect(second!.recordedAt).toBeGreaterThan(first!.recordedAt);
  expect(second!.recordedAt - first!.recordedAt).toBe(1n);
});

test('nothing is shown before it is stable, and listeners hear of it in order', async () => {
  const { log, scheduler } = await open(newDisk());
  const heard: number[] = [];
  log.onStable((stable) => heard.push(stable));
  const { first } = log.append([draft('a')], at(1));
  expect(log.entryAt(first)).toBeNull();
  expect(await texts(log)).toEqual([]);
  scheduler.runTurn();
  expect(await texts(log)).toEqual(['a']);
  appendGroup(log, 'b');
  expect(heard).toEqual([4, 6]);
});

test('a commit is announced when its group closes, with what it will say', async () => {
  const { log } = await open(newDisk());
  const announced: { sequence: number; first: number; ordinal: number }[] = [];
  log.onCommit((commit) => announced.push(commit));
  appendGroup(log, 'a', 'b');
  appendGroup(log, 'c');
  const read = await collect(log.read({ from: 3 as Sequence, follow: false }));
  expect(announced).toMatchObject(
    read.map(({ sequence, ordinal, recordedAt, epoch, entries }) => ({
      sequence,
      ordinal,
      recordedAt,
      epoch,
      first: entries[0]!.sequence,
    })),
  );
});

test('backwards reading is forward reading reversed, over several segments', async () => {
  const { log } = await open(newDisk());
  await fillSegments(log, 3);
  const forwards = await collect(log.read({ from: 1 as Sequence, follow: false }));
  const backwards = await collect(log.readBackwards(log.stable));
  expect(log.status().segments).toBeGreaterThanOrEqual(3);
  expect(backwards.map(sequenceOf)).toEqual(forwards.map(sequenceOf).reverse());
  expect(backwards.flatMap(textsOf).length).toBe(forwards.flatMap(textsOf).length);
});

test('reading from any sequence starts with the commit that contains it', async () => {
  const { log } = await open(newDisk());
  await fillSegments(log, 2);
  const all = await collect(log.read({ from: 1 as Sequence, follow: false }));
  for (let from = 1; from <= log.stable; from += 37) {
    const [first] = await collect(log.read({ from: from as Sequence, follow: false }));
    const expected = all.find((commit) => commit.sequence >= from);
    expect(first?.sequence).toBe(expected?.sequence);
  }
});

test('every entry is found by its sequence, also after a restart', async () => {
  const disk = newDisk();
  const before = await open(disk);
  await fillSegments(before.log, 2);
  await before.log.close();
  const { log } = await open(disk);
  const commits = await collect(log.read({ from: 1 as Sequence, follow: false }));
  for (const entry of commits.flatMap((commit) => commit.entries)) {
    expect(log.entryAt(entry.sequence)).toMatchObject({ sequence: entry.sequence, payload: entry.payload });
  }
  expect(log.entryAt((log.stable + 1) as Sequence)).toBeNull();
});

test('a following reader gets what was there and what comes, each once, until told to stop', async () => {
  const { log } = await open(newDisk());
  appendGroup(log, 'a');
  const stop = new AbortController();
  const seen: string[] = [];
  const following = (async () => {
    for await (const commit of log.read({ from: 1 as Sequence, follow: true, signal: stop.signal })) {
      seen.push(...textsOf(commit));
      if (seen.at(-1) === 'd') stop.abort();
    }
  })();
  await turn();
  appendGroup(log, 'b', 'c');
  await turn();
  appendGroup(log, 'd');
  await following;
  expect(seen).toEqual(['a', 'b', 'c', 'd']);
});

test('a following reader ends when the log closes', async () => {
  const { log } = await open(newDisk());
  appendGroup(log, 'a');
  const following = collect(log.read({ from: 1 as Sequence, follow: true }));
  await turn();
  await log.close();
  expect((await following).flatMap(textsOf)).toEqual(['a']);
});

test('a log goes on where it was closed, any number of times', async () => {
  const disk = newDisk();
  for (let cycle = 1; cycle <= 5; cycle++) {
    const { log } = await open(disk);
    expect(log.epoch).toBe(cycle);
    appendGroup(log, `in epoch ${cycle}`);
    await log.close();
  }
  const report = verifyLog({ disk, directory: DIRECTORY });
  expect(report).toMatchObject({ ok: true, problems: [], tornTail: null });
  const { log } = await open(disk);
  expect(await texts(log)).toEqual([1, 2, 3, 4, 5].map((cycle) => `in epoch ${cycle}`));
});

test('an idle log writes one empty commit to carry the mark, and only one', async () => {
  const { log, scheduler, clock, disk } = await open(newDisk());
  appendGroup(log, 'a');
  const before = log.next;
  for (let round = 0; round < 4; round++) {
    clock.advance(60_000_000n);
    scheduler.runTimers();
  }
  expect(log.next).toBe(before + 1);
  const reader = openReader({ disk, directory: DIRECTORY });
  expect(reader.stable).toBe(before - 1);
  expect(await texts(reader)).toEqual(['a']);
});

test('where groups end changes neither entries nor their order', async () => {
  const grouped = await open(newDisk());
  const single = await open(newDisk());
  const all = Array.from({ length: 50 }, (_, index) => `entry ${index}`);
  appendGroup(grouped.log, ...all);
  for (const text of all) appendGroup(single.log, text);
  expect(await texts(grouped.log)).toEqual(await texts(single.log));
});

test('segments end at the same sequences however often the writer syncs', async () => {
  const lazy = await open(newDisk(), { durability: 'async' });
  const eager = await open(newDisk(), { durability: 'sync' });
  for (const { log } of [lazy, eager]) {
    await fillSegments(log, 3);
    await log.close();
  }
  expect(segmentPaths(lazy.disk)).toEqual(segmentPaths(eager.disk));
});

test('what is over a limit is refused with the limit, and nothing of it is in the log', async () => {
  const { log } = await open(newDisk({ entryBytesMax: 1000 }));
  expect(() => log.append([draft(new Uint8Array(1001))], at(1))).toThrowError(
    expect.objectContaining({ code: 'TOO_LARGE', details: { bytes: 1001, max: 1000 } }),
  );
  const many = Array.from({ length: 1100 }, () => draft(new Uint8Array(1000)));
  expect(() => log.append(many, at(1))).toThrowError(expect.objectContaining({ code: 'TOO_LARGE' }));
  expect(() => log.append([draft('x', 15)], at(1))).toThrowError(
    expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
  );
  expect(() => log.append([], at(1))).toThrowError(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  log.flush();
  expect(log.next).toBe(3);
});

test('the largest entry a log allows goes in and comes out', async () => {
  const disk = newDisk();
  const { log } = await open(disk);
  const payload = new Uint8Array(log.identity.entryBytesMax).map((_, index) => index * 7);
  const { first } = log.append([draft(payload)], at(1));
  log.flush();
  expect(log.entryAt(first)?.payload).toEqual(payload);
  expect(verifyLog({ disk, directory: DIRECTORY }).ok).toBe(true);
});

test('a full queue says busy and takes entries again once it is drained', async () => {
  const { log, scheduler } = await open(newDisk(), { ringBytes: 2 * SEGMENT_BYTES });
  const payload = new Uint8Array(100_000);
  const fill = (): void => {
    for (let index = 0; index < 100; index++) log.append([draft(payload)], at(1));
  };
  expect(fill).toThrowError(expect.objectContaining({ code: 'BUSY' }));
  scheduler.runTurn();
  expect(log.append([draft('after')], at(1)).first).toBeGreaterThan(3);
});

test('after close nothing can be appended', async () => {
  const { log } = await open(newDisk());
  const closing = log.close();
  expect(() => log.append([draft('late')], at(1))).toThrowError(expect.objectContaining({ code: 'CLOSED' }));
  await closing;
});

test('only one may have a directory open', async () => {
  const disk = newDisk();
  const first = await open(disk);
  await expect(open(disk)).rejects.toMatchObject({ code: 'LOCKED' });
  await first.log.close();
  await (await open(disk)).log.close();
});

test('init makes no log over a log, and openers of nothing are told so', async () => {
  const disk = newDisk();
  const again = (): unknown =>
    initLog({ directory: DIRECTORY, disk, random: randomFrom(1), segmentBytes: SEGMENT_BYTES });
  expect(again).toThrowError(expect.objectContaining({ code: 'ALREADY_EXISTS' }));
  const empty = new MemoryDisk();
  await expect(open(empty)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  empty.mkdir(DIRECTORY);
  empty.mkdir(`${DIRECTORY}/wal`);
  await expect(open(empty)).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('init makes no log in the place of one whose segments are gone', async () => {
  const disk = newDisk();
  await (await open(disk)).log.close();
  for (const path of segmentPaths(disk)) disk.unlink(path);
  const again = (): unknown => initLog({ directory: DIRECTORY, disk, random: randomFrom(1) });
  expect(again).toThrowError(expect.objectContaining({ code: 'ALREADY_EXISTS' }));
  for (const path of disk.paths()) if (path.includes('/metadata/')) disk.unlink(path);
  expect(again).not.toThrow();
});

test('init refuses sizes that do not fit', () => {
  const init = (options: object): unknown =>
    initLog({ directory: DIRECTORY, disk: new MemoryDisk(), random: randomFrom(1), ...options });
  for (const options of [
    { segmentBytes: 1000 },
    { segmentBytes: SEGMENT_BYTES, entryBytesMax: SEGMENT_BYTES },
    { entryBytesMax: 17 * 1024 * 1024 },
    { entryBytesMax: 0 },
  ]) {
    expect(() => init(options)).toThrowError(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  }
});

/** Appends groups of varied sizes until that many segments exist. */
async function fillSegments(log: Awaited<ReturnType<typeof open>>['log'], segments: number): Promise<void> {
  for (let group = 0; log.status().segments < segments; group++) {
    const filler = 'x'.repeat((group * 977) % 9000);
    appendGroup(log, `${group} a ${filler}`, `${group} b`, `${group} c ${filler}`);
  }
  appendGroup(log, 'last');
}

function sequenceOf(commit: LogCommit): number {
  return commit.sequence;
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
