/** Reading a log that another process writes. */
import { describe, expect, test } from 'vitest';
import type { Sequence } from '../../../db/types.ts';
import { openReader } from '../../../db/wal/index.ts';
import { inspectSegment } from '../../../db/wal/inspect.ts';
import {
  appendGroup,
  DIRECTORY,
  ManualScheduler,
  newDisk,
  open,
  segmentPaths,
  texts,
  textsOf,
} from './support.ts';

async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe('a reader beside the writer', () => {
  test('sees what a mark proves durable, and more when it looks again', async () => {
    const { log, disk } = await open(newDisk());
    appendGroup(log, 'a');
    appendGroup(log, 'b');
    const reader = openReader({ disk, directory: DIRECTORY });
    expect(await texts(reader)).toEqual(['a']);
    appendGroup(log, 'c');
    expect(await texts(reader)).toEqual(['a']);
    reader.look();
    expect(await texts(reader)).toEqual(['a', 'b']);
    await log.close();
    reader.look();
    expect(reader.stable).toBe(log.stable);
    expect(await texts(reader)).toEqual(['a', 'b', 'c']);
    reader.close();
  });

  test('follows over rollovers and a restart of the writer, each entry once, until told to stop', async () => {
    const disk = newDisk();
    let writer = await open(disk);
    const scheduler = new ManualScheduler();
    const reader = openReader({ disk, directory: DIRECTORY, watch: { scheduler } });
    const stop = new AbortController();
    const seen: string[] = [];
    const following = (async () => {
      for await (const commit of reader.read({ from: 1 as Sequence, follow: true, signal: stop.signal }))
        seen.push(...textsOf(commit).map((text) => text.trimEnd()));
    })();
    const written: string[] = [];
    for (let group = 0; group < 60; group++) {
      appendGroup(writer.log, `${group}`.padEnd(70_000));
      written.push(`${group}`);
      if (group === 30) {
        await writer.log.close();
        writer = await open(disk);
      }
      scheduler.runTimers();
      await turns();
    }
    await writer.log.close();
    for (let look = 0; look < 20; look++) {
      scheduler.runTimers();
      await turns();
    }
    expect(writer.log.status().segments).toBeGreaterThan(3);
    expect(seen).toEqual(written);
    for (let at = 3; at < reader.stable; at += 11) expect(() => reader.entryAt(at as Sequence)).not.toThrow();
    stop.abort();
    await following;
    reader.close();
  });

  test('shows nothing above the marks, which a recovery may cut off', async () => {
    const disk = newDisk();
    const { log } = await open(disk);
    appendGroup(log, 'kept');
    appendGroup(log, 'x'.repeat(2000));
    const reader = openReader({ disk, directory: DIRECTORY });
    expect(await texts(reader)).toEqual(['kept']);
    const last = inspectSegment({ disk, directory: DIRECTORY }, 1).groups.at(-1)!;
    const hole = 512 * Math.ceil(last.offset / 512);
    disk.bytesOf(segmentPaths(disk)[0]!).fill(0, hole, hole + 512);
    disk.killProcess();
    const again = await open(disk);
    expect(again.log.torn).not.toBeNull();
    appendGroup(again.log, 'instead');
    await again.log.close();
    const after = openReader({ disk, directory: DIRECTORY });
    expect(await texts(after)).toEqual(['kept', 'instead']);
  });
});
