/** Damage in sealed segments of a real directory is found, told, remembered, and left as it is. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { initDatabase, openEngine } from '../../../db/engine.ts';
import { RealDisk, realClock } from '../../../db/io/index.ts';
import type { StreamName } from '../../../db/kernel/event.ts';
import { Scrubber, ScrubThread } from '../../../db/wal/index.ts';
import { eventDraft } from '../support/event-drafts.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'truthdb-scrub-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** A log of three sealed segments and an open one. */
async function makeLog(): Promise<string[]> {
  initDatabase({ directory, segmentBytes: 1024 * 1024, entryBytesMax: 300_000 });
  const engine = await openEngine({ directory });
  while (engine.status().log.segments < 4) {
    const events = [eventDraft('x', { data: new Uint8Array(250_000).fill(7), contentType: 'binary' })];
    await engine.append({ stream: 'a' as StreamName, expected: 'any', events, ack: 'durable' });
  }
  await engine.close();
  return readdirSync(join(directory, 'wal'))
    .filter((name) => name.endsWith('.sealed'))
    .sort();
}

interface Pass {
  readonly lines: readonly string[];
  readonly scrubber: Scrubber;
  readonly millis: number;
}

/** Runs until a pass has ended. Only the pace takes time: the waits before and between segments take none. */
async function onePass(bytesPerSecond: number): Promise<Pass> {
  const lines: string[] = [];
  const begun = performance.now();
  let ended = (): void => {};
  const pass = new Promise<void>((resolve) => {
    ended = resolve;
  });
  let waits = 0;
  const scrubber = new Scrubber({
    disk: new RealDisk(),
    directory,
    worker: new ScrubThread({ directory, bytesPerSecond }),
    clock: realClock,
    scheduler: {
      after: (millis, task) => {
        waits += 1;
        if (waits > 1 && millis > 0) ended();
        else setImmediate(task);
        return () => {};
      },
    },
    report: (line) => lines.push(line),
  });
  await pass;
  return { lines, scrubber, millis: performance.now() - begun };
}

function damage(name: string, offset: number): Buffer {
  const path = join(directory, 'wal', name);
  const bytes = readFileSync(path);
  bytes[offset] = (bytes[offset] ?? 0) ^ 1;
  writeFileSync(path, bytes);
  return bytes;
}

test('a whole log has nothing to tell, and the pass is remembered', async () => {
  await makeLog();
  const { lines, scrubber } = await onePass(1e12);
  expect(lines).toEqual([]);
  expect(scrubber.status()).toMatchObject({ checked: 0, found: [], passEndedAt: expect.any(String) });
  await scrubber.stop();
});

test('damage is named with its segment, offset and what to do, is left as it is and known after a restart', async () => {
  const [, second = ''] = await makeLog();
  const bytes = damage(second, 300_000);
  const { lines, scrubber } = await onePass(1e12);
  const found = scrubber.status().found;
  await scrubber.stop();
  expect(found).toHaveLength(1);
  expect(found[0]).toMatchObject({ index: 2, segment: second, next: expect.any(Number) });
  expect(lines).toEqual([
    expect.stringMatching(`segment ${second} is damaged at offset \\d+, sequence \\d+: .*isolate`),
  ]);
  expect(readFileSync(join(directory, 'wal', second))).toEqual(bytes);

  const engine = await openEngine({ directory, scrubBytesPerSecond: 1_000_000 });
  expect(engine.status().scrub?.found).toEqual(found);
  await engine.close();

  damage(second, 300_000);
  const mended = await onePass(1e12);
  expect(mended.scrubber.status().found).toEqual([]);
  await mended.scrubber.stop();
});

test('it reads no faster than it may', async () => {
  await makeLog();
  const { scrubber, millis } = await onePass(6 * 1024 * 1024);
  await scrubber.stop();
  // Three segments of 1 MiB.
  expect(millis).toBeGreaterThan(400);
});

test('an engine that is not asked to does not look', async () => {
  await makeLog();
  const engine = await openEngine({ directory });
  expect(engine.status().scrub).toBeNull();
  await engine.close();
});
