/** Verifying with several threads, on real files. */
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readdirSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { RealDisk, realClock } from '../../../db/io/index.ts';
import type { RecordedAt } from '../../../db/types.ts';
import { initLog, openLog, verifyLog, verifyLogInThreads } from '../../../db/wal/index.ts';
import { temporaryData } from '../support/temporary.ts';
import { draft } from './support.ts';

const disk = new RealDisk();

async function sixSegments(): Promise<string> {
  const directory = temporaryData();
  initLog({ directory, disk, random: randomBytes, segmentBytes: 1 << 20 });
  const log = await openLog({ directory, disk, clock: realClock, random: randomBytes, inline: true });
  while (log.status().segments < 6) {
    log.append([draft(randomBytes(60_000))], realClock.nowNanos() as RecordedAt);
    log.flush();
  }
  await log.close();
  return directory;
}

function inThreads(directory: string, lines: string[] = []) {
  return verifyLogInThreads({ directory, threads: 3, progress: (line) => lines.push(line) });
}

test('finds what one thread finds, and says how far it is', async () => {
  const directory = await sixSegments();
  const lines: string[] = [];
  expect(await inThreads(directory, lines)).toEqual(verifyLog({ directory, disk }));
  expect(lines).toHaveLength(6);
  expect(lines.at(-1)).toContain('segment 6 of 6');
});

test('finds every damage in the log’s order, with where it is readable again', async () => {
  const directory = await sixSegments();
  for (const [at, offset] of [
    [1, 300_000],
    [3, 100_000],
    [3, 500_000],
  ] as const) {
    const name = readdirSync(join(directory, 'wal'))
      .filter((each) => !each.startsWith('spare'))
      .sort()[at]!;
    const file = openSync(join(directory, 'wal', name), 'r+');
    writeSync(file, Buffer.from('damage'), 0, 6, offset);
    closeSync(file);
  }
  const report = await inThreads(directory);
  expect(report).toEqual(verifyLog({ directory, disk }));
  expect(report.ok).toBe(false);
  expect(report.problems.map(({ segment }) => Number(segment.slice(0, 10)))).toEqual([2, 4, 4]);
  for (const { sequence, next } of report.problems) expect(next).toBe(sequence! + 2);
});

test('a file that is missing is named', async () => {
  const directory = await sixSegments();
  const [, second] = readdirSync(join(directory, 'wal'))
    .filter((each) => !each.startsWith('spare'))
    .sort();
  disk.unlink(join(directory, 'wal', second!));
  await expect(inThreads(directory)).rejects.toMatchObject({
    code: 'CORRUPT',
    message: expect.stringContaining('segment 2 is missing'),
  });
});
