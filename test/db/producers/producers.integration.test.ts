/** Worker threads against a database on disk, some of which do not live to the end. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Engine, initDatabase, openEngine } from '../../../db/engine.ts';
import { RealDisk } from '../../../db/io/index.ts';
import type { StreamName } from '../../../db/kernel/event.ts';
import { openProducerPort, type ProducerPort } from '../../../db/producers/index.ts';
import { verifyLog } from '../../../db/wal/index.ts';
import type { CountingTask } from '../support/producer-thread.ts';

const COUNT = 2000;
let directory: string;
let engine: Engine;
let port: ProducerPort;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'truthdb-producers-'));
  initDatabase({ directory, segmentBytes: 1 << 20, entryBytesMax: 1 << 16 });
  engine = await openEngine({ directory });
  port = openProducerPort(engine);
});

afterEach(async () => {
  await engine.close();
  rmSync(directory, { recursive: true });
});

class Counting {
  readonly stream: string;
  readonly worker: Worker;
  readonly ended: Promise<number>;
  problem: Error | null = null;
  readonly #told = new Int32Array(new SharedArrayBuffer(4));

  constructor(stream: string, atHalf: CountingTask['atHalf']) {
    this.stream = stream;
    const handle = port.handle({ requests: 16, requestBytes: 1 << 16 });
    const workerData = { handle, stream, count: COUNT, inFlight: 16, told: this.#told, atHalf };
    this.worker = new Worker(new URL('../support/producer-thread.ts', import.meta.url), {
      workerData: workerData satisfies CountingTask,
    });
    this.worker.on('error', (error: Error) => {
      this.problem = error;
    });
    port.releaseOnExit(handle, this.worker);
    this.ended = new Promise((resolve) => this.worker.once('exit', resolve));
  }

  get told(): number {
    return Atomics.load(this.#told, 0);
  }
}

/** What it was told is there, and nothing but a beginning of what it asked for. */
async function holdsWhatWasTold(counting: Counting): Promise<number> {
  const { events } = await engine.readStream({
    ...{ stream: counting.stream as StreamName, direction: 'forwards', from: 'start', limit: COUNT },
  });
  const texts = events.map(({ data }) => Buffer.from(data).toString().trimEnd());
  expect(texts).toEqual(texts.map((_, number) => `${counting.stream} ${number}`));
  expect(texts.length).toBeGreaterThanOrEqual(counting.told);
  return texts.length;
}

async function isWhole(): Promise<void> {
  port.close();
  await engine.close();
  expect(verifyLog({ directory, disk: new RealDisk() })).toMatchObject({ ok: true });
  engine = await openEngine({ directory });
}

test('of four threads one is terminated in the middle: what it was told is there, the others go on to their end', async () => {
  const all = ['a', 'b', 'c', 'd'].map((stream) => new Counting(stream, 'go on'));
  const [ended, ...others] = all as [Counting, ...Counting[]];
  await expect.poll(() => ended.told, { timeout: 20_000, interval: 1 }).toBeGreaterThan(COUNT / 4);
  await ended.worker.terminate();
  expect(port.status().producers).toBeLessThanOrEqual(3);
  expect(await Promise.all(others.map(({ ended }) => ended))).toEqual([0, 0, 0]);
  expect(others.map(({ problem }) => problem)).toEqual([null, null, null]);
  await expect.poll(() => port.status()).toMatchObject({ producers: 0, queued: 0, underWay: 0 });
  await isWhole();
  for (const counting of others) expect(await holdsWhatWasTold(counting)).toBe(COUNT);
  const there = await holdsWhatWasTold(ended);
  expect(ended.told).toBeGreaterThan(COUNT / 4);
  // At most what it had under way.
  expect(there - ended.told).toBeLessThanOrEqual(32);
});

test('threads terminated at whatever moment leave no half command and hold up nobody', async () => {
  const stays = new Counting('stays', 'go on');
  const ended: Counting[] = [];
  for (let round = 0; round < 16; round++) {
    const counting = new Counting(`ended-${round}`, 'go on');
    ended.push(counting);
    await expect.poll(() => counting.told, { timeout: 20_000, interval: 1 }).toBeGreaterThan(0);
    await new Promise((resolve) => setTimeout(resolve, round % 5));
    await counting.worker.terminate();
  }
  expect(await stays.ended).toBe(0);
  await expect.poll(() => port.status()).toMatchObject({ producers: 0, queued: 0, underWay: 0 });
  await isWhole();
  expect(await holdsWhatWasTold(stays)).toBe(COUNT);
  for (const counting of ended) await holdsWhatWasTold(counting);
});

test('a thread that exits and one that throws in the middle hold up nobody either', async () => {
  const all = [
    new Counting('exits', 'exit'),
    new Counting('throws', 'throw'),
    new Counting('stays', 'go on'),
  ];
  expect(await Promise.all(all.map(({ ended }) => ended))).toEqual([3, 1, 0]);
  expect(all[1]!.problem?.message).toBe('ended on purpose');
  await expect.poll(() => port.status()).toMatchObject({ producers: 0, queued: 0, underWay: 0 });
  await isWhole();
  for (const counting of all) await holdsWhatWasTold(counting);
  expect(all[2]!.told).toBe(COUNT);
});
