import { expect, test } from 'vitest';
import type { RecordedAt } from '../../../db/types.ts';
import { type OpenedLog, verifyLog } from '../../../db/wal/index.ts';
import { appendGroup, DIRECTORY, draft, newDisk, open, pickFrom, SEGMENT_BYTES, texts } from './support.ts';

test('the first failed sync ends the writer for good: nothing is retried, nothing more is stable', async () => {
  const { disk, log } = await open(newDisk());
  appendGroup(log, 'durable');
  const failures: Error[] = [];
  log.onFailure((error) => failures.push(error));
  const { stable } = log;
  disk.failingSyncs = 1;
  appendGroup(log, 'lost');
  expect(failures).toMatchObject([{ code: 'WRITER_FAILED', message: expect.stringContaining('EIO') }]);
  const operations = disk.operations;
  expect(() => log.append([draft('more')], 0n as RecordedAt)).toThrowError(
    expect.objectContaining({ code: 'WRITER_FAILED' }),
  );
  log.flush();
  expect(disk.operations).toBe(operations);
  expect(log.stable).toBe(stable);
  expect(log.status().failed).toContain('EIO');
  expect(await texts(log)).toEqual(['durable']);
  await log.close();
});

test('a failed write ends the writer as well', async () => {
  const { disk, log } = await open(newDisk());
  disk.beforeOperation = (name) => {
    if (name === 'pwrite') throw Object.assign(new Error('EIO: pwrite'), { code: 'EIO' });
  };
  appendGroup(log, 'lost');
  expect(log.status().failed).toContain('EIO');
  expect(await texts(log)).toEqual([]);
});

test('what a start shows after any failed sync stays through a power cut, although the page cache called it clean', async () => {
  for (let failing = 1; ; failing++) {
    const disk = newDisk();
    const { log } = await open(disk);
    let syncs = 0;
    disk.beforeOperation = (name) => {
      if (name === 'fdatasync' || name === 'fsync') {
        syncs += 1;
        if (syncs === failing) disk.failingSyncs = 1;
      }
    };
    const issued = fillOverOneRollover(log);
    const failed = log.status().failed !== null;
    disk.beforeOperation = () => {};
    disk.killProcess();
    const restarted = await open(disk);
    const shown = await texts(restarted.log);
    expect(shown).toEqual(issued.slice(0, shown.length));
    const afterPowerCut = disk.crash(pickFrom(failing));
    const again = await open(afterPowerCut);
    expect(await texts(again.log), `sync ${failing} failed`).toEqual(shown);
    await again.log.close();
    expect(verifyLog({ disk: afterPowerCut, directory: DIRECTORY })).toMatchObject({
      ok: true,
      tornTail: null,
    });
    if (!failed) {
      expect(failing).toBeGreaterThan(10);
      return;
    }
  }
});

test('a process that is killed loses nothing it had written, whatever its durability', async () => {
  const { disk, log } = await open(newDisk(), { durability: 'async' });
  appendGroup(log, 'a', 'b');
  expect(log.stable).toBe(2);
  disk.killProcess();
  const { log: restarted } = await open(disk);
  expect(await texts(restarted)).toEqual(['a', 'b']);
});

test('a full disk is told before it is needed: appends go on to the end of the segment, then wait, then go on', async () => {
  const disk = newDisk();
  disk.freeBytes = 0;
  const { log, clock, scheduler } = await open(disk);
  const written: string[] = [];
  const fill = (): void => {
    for (;;) {
      const text = `${written.length} `.padEnd(50_000, 'x');
      log.append([draft(text)], 0n as RecordedAt);
      written.push(text);
      log.flush();
    }
  };
  expect(fill).toThrowError(expect.objectContaining({ code: 'DISK_FULL', retry: true }));
  expect(written.length).toBeGreaterThan(18);
  expect(await texts(log)).toEqual(written);
  expect(log.status().failed).toBeNull();

  disk.freeBytes = SEGMENT_BYTES;
  clock.advance(2_000_000_000n);
  scheduler.runTimers();
  log.flush();
  appendGroup(log, 'space is back');
  expect((await texts(log)).at(-1)).toBe('space is back');
  await log.close();
  expect(verifyLog({ disk, directory: DIRECTORY }).ok).toBe(true);
});

/** Groups of several sectors until the second segment has some, or the writer has failed. Returns what was appended. */
function fillOverOneRollover(log: OpenedLog): string[] {
  const issued: string[] = [];
  for (let group = 0; group < 14 && log.status().failed === null; group++) {
    const text = `${group} `.padEnd(90_000, 'x');
    log.append([draft(text)], 0n as RecordedAt);
    issued.push(text);
    log.flush();
  }
  return issued;
}
