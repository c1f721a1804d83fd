/** The log as it runs in production: writer in its own thread, real files, other processes. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RealDisk, realClock } from '../../../db/io/index.ts';
import type { RecordedAt, Sequence } from '../../../db/types.ts';

import { initLog, type OpenedLog, openLog, openReader, verifyLog } from '../../../db/wal/index.ts';
import type { ClosedCommit } from '../../../db/wal/log.ts';
import { draft, texts, textsOf } from './support.ts';

const disk = new RealDisk();
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'truthdb-wal-'));
  initLog({ directory, disk, random: randomBytes, segmentBytes: 1024 * 1024 });
});

afterEach(() => rmSync(directory, { recursive: true }));

const open = (): Promise<OpenedLog> => openLog({ directory, disk, clock: realClock, random: randomBytes });

test('thousands of commands over many segments become stable in order and are read back', async () => {
  const log = await open();
  const stable: number[] = [];
  log.onStable((sequence) => stable.push(sequence));
  const issued: string[] = [];
  for (let turn = 0; turn < 40; turn++) {
    for (let each = 0; each < 100; each++)
      issued.push(appendText(log, `${issued.length} `.padEnd((each * 37) % 3000, 'x')));
    await settled(log);
  }
  expect(stable).toEqual([...stable].sort((a, b) => a - b));
  expect(await texts(log)).toEqual(issued);
  expect(log.status().segments).toBeGreaterThan(4);
  await log.close();
  expect(verifyLog({ directory, disk })).toMatchObject({ ok: true, tornTail: null });
});

test('a stalled event loop finds everything stable when it is back', async () => {
  const log = await open();
  const heard: number[] = [];
  log.onStable((sequence) => heard.push(sequence));
  const { last } = log.append([draft('before the stall')], now());
  log.flush();
  const until = performance.now() + 300;
  while (performance.now() < until);
  await settled(log);
  expect(heard.at(-1)).toBeGreaterThan(last);
  await log.close();
});

test('turns share a commit while the writer has another waiting, and nobody waits for a next one to come', async () => {
  const log = await open();
  const commits: ClosedCommit[] = [];
  log.onCommit((commit) => commits.push(commit));
  for (let turn = 0; turn < 2000; turn++) {
    log.append([draft(`turn ${turn}`)], now());
    await new Promise((resolve) => setImmediate(resolve));
  }
  await settled(log);
  expect(commits.length).toBeLessThan(1500);
  for (const [at, { first }] of commits.entries()) {
    if (at > 0) expect(first).toBe(commits[at - 1]!.sequence + 1);
  }
  const { last } = log.append([draft('alone')], now());
  await expect.poll(() => commits.at(-1), { interval: 1 }).toMatchObject({ first: last, sequence: last + 1 });
  await settled(log);
  expect(await texts(log)).toHaveLength(2001);
  await log.close();
});

test('an idle log lets its writer fill spares with zeros, and marks the last commit durable in the log itself', async () => {
  const log = await open();
  appendText(log, 'last');
  await settled(log);
  const { next } = log;
  await expect.poll(() => log.next, { timeout: 5000 }).toBe(next + 1);
  await expect.poll(() => log.status().bytesZeroFilled, { timeout: 10_000 }).toBeGreaterThan(1024 * 1024);
  expect(await texts(openReader({ directory, disk }))).toEqual(['last']);
  await log.close();
});

test('a hundred readers follow the same log, each seeing every entry once', async () => {
  const log = await open();
  const stop = new AbortController();
  const seen = Array.from({ length: 100 }, () => [] as string[]);
  const following = seen.map(async (mine) => {
    for await (const commit of log.read({ from: 1 as Sequence, follow: true, signal: stop.signal })) {
      mine.push(...textsOf(commit));
    }
  });
  const issued: string[] = [];
  for (let turn = 0; turn < 30; turn++) {
    issued.push(appendText(log, `a ${turn}`), appendText(log, `b ${turn}`.padEnd(5000)));
    await settled(log);
  }
  await expect
    .poll(() => seen.every((mine) => mine.length === issued.length), { timeout: 20_000 })
    .toBe(true);
  stop.abort();
  await Promise.all(following);
  for (const mine of seen) expect(mine).toEqual(issued);
  await log.close();
});

test('async durability is written at once and becomes stable by itself', async () => {
  const log = await openLog({ directory, disk, clock: realClock, random: randomBytes, durability: 'async' });
  appendText(log, 'soon durable');
  await settled(log);
  expect(await texts(log)).toEqual(['soon durable']);
  await log.close();
});

test('a second process is locked out; when the first is killed nothing has to be cleaned up and nothing stable is lost', async () => {
  for (let round = 0; round < 3; round++) {
    const child = spawn(process.execPath, [
      join(import.meta.dirname, 'fixtures/writer-process.ts'),
      directory,
    ]);
    const told = await stableFrom(child, 50);
    await expect(open()).rejects.toMatchObject({ code: 'LOCKED' });
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('close', resolve));
    const log = await open();
    expect(log.stable).toBeGreaterThanOrEqual(told.at(-1)!);
    const commands = (await texts(log)).map((text) => Number(text.split(' ')[0]));
    // Each process counts from 0: within one of its runs nothing is missing and nothing out of order.
    expect(commands.every((command, at) => command === 0 || command === commands[at - 1]! + 1)).toBe(true);
    await log.close();
    expect(verifyLog({ directory, disk })).toMatchObject({ ok: true, tornTail: null });
  }
});

function appendText(log: OpenedLog, text: string): string {
  log.append([draft(text)], now());
  return text;
}

function now(): RecordedAt {
  return realClock.nowNanos() as RecordedAt;
}

async function settled(log: OpenedLog): Promise<void> {
  log.flush();
  await expect.poll(() => log.stable, { interval: 1, timeout: 20_000 }).toBeGreaterThanOrEqual(log.next - 1);
}

/** The first `count` sequences the process printed as stable. */
function stableFrom(child: ChildProcessWithoutNullStreams, count: number): Promise<number[]> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => {
      text += String(chunk);
      const lines = text.split('\n').slice(0, -1).map(Number);
      if (lines.length >= count) resolve(lines);
    });
    child.stderr.on('data', (chunk: Buffer) => process.stderr.write(chunk));
    child.once('exit', (code) => reject(new Error(`the writing process ended with ${code}`)));
  });
}
