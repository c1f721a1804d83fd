/** A log that must not, or cannot, be written and is read all the same. */
import { describe, expect, test } from 'vitest';
import type { RecordedAt, Sequence } from '../../../db/types.ts';
import { verifyLog } from '../../../db/wal/index.ts';
import { inspectSegment } from '../../../db/wal/inspect.ts';
import type { MemoryDisk } from './memory-disk.ts';
import {
  appendGroup,
  DIRECTORY,
  draft,
  newDisk,
  open,
  SEGMENT_BYTES,
  segmentPaths,
  texts,
} from './support.ts';

const SECOND = 1_000_000_000n;

function noSpace(): never {
  throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
}

/** Every file but spares, by path. */
function contentOf(disk: MemoryDisk): Map<string, string> {
  const paths = disk.paths().filter((path) => !path.includes('spare'));
  return new Map(paths.map((path) => [path, Buffer.from(disk.bytesOf(path)).toString('base64')]));
}

async function waitASecond({ clock, scheduler }: Awaited<ReturnType<typeof open>>): Promise<void> {
  clock.advance(2n * SECOND);
  scheduler.runTimers();
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe('a log that ends before what a view holds', () => {
  async function behind() {
    const disk = newDisk();
    const { log } = await open(disk);
    appendGroup(log, 'a', 'b');
    await log.close();
    const marks = [{ source: 'view "streams"', sequence: (log.stable + 5) as Sequence }];
    return { disk, marks, stable: log.stable };
  }

  test('is read, refuses appends with the reason, and is not changed by opening and closing it', async () => {
    const { disk, marks, stable } = await behind();
    const before = contentOf(disk);
    const { log } = await open(disk, { marks });
    expect(await texts(log)).toEqual(['a', 'b']);
    expect([log.stable, log.next]).toEqual([stable, stable + 1]);
    expect(() => log.append([draft('c')], 0n as RecordedAt)).toThrowError(
      expect.objectContaining({ code: 'VIEW_AHEAD', details: { sequence: stable, claimed: stable + 5 } }),
    );
    expect(log.status()).toMatchObject({ readOnly: expect.stringContaining('view "streams"'), failed: null });
    await log.close();
    expect(contentOf(disk)).toEqual(before);
  });

  test('keeps a tail that does not validate as it is', async () => {
    const disk = newDisk();
    const first = await open(disk);
    appendGroup(first.log, 'kept');
    const torn = first.log.next;
    appendGroup(first.log, 'x'.repeat(2000));
    const path = segmentPaths(disk)[0]!;
    const group = inspectSegment({ disk, directory: DIRECTORY }, 1).groups.at(-1)!;
    const damaged = disk.copy();
    damaged
      .bytesOf(path)
      .fill(0, 512 * Math.ceil(group.offset / 512), 512 * Math.ceil(group.offset / 512) + 512);
    const before = contentOf(damaged);
    const marks = [{ source: 'view "streams"', sequence: torn }];
    const { log } = await open(damaged, { marks });
    expect(await texts(log)).toEqual(['kept']);
    expect(log.status().readOnly).toMatch(/bytes that do not validate/);
    await log.close();
    expect(contentOf(damaged)).toEqual(before);
    const without = await open(damaged);
    expect(without.log.torn).not.toBeNull();
  });

  test('is written again once nobody claims more', async () => {
    const { disk, marks } = await behind();
    await (await open(disk, { marks })).log.close();
    const { log } = await open(disk);
    appendGroup(log, 'c');
    expect(await texts(log)).toEqual(['a', 'b', 'c']);
  });
});

describe('a log without room to begin', () => {
  /** A closed log whose segment has no room for an epoch. */
  async function fullSegment(): Promise<MemoryDisk> {
    const disk = newDisk();
    const { log } = await open(disk);
    const left = SEGMENT_BYTES - 4096 - 304;
    log.append([draft('x'.repeat(left - 56 - 160 - 160 - 100))], 0n as RecordedAt);
    log.flush();
    await log.close();
    expect(segmentPaths(disk)).toHaveLength(1);
    return disk;
  }

  test('opens for reading when no segment can be made, and is written when space is back', async () => {
    const disk = await fullSegment();
    const crashed = disk.copy();
    crashed.beforeOperation = (name) => (name === 'allocate' ? noSpace() : undefined);
    const opened = await open(crashed);
    expect(await texts(opened.log)).toHaveLength(1);
    expect(() => opened.log.append([draft('c')], 0n as RecordedAt)).toThrowError(
      expect.objectContaining({ code: 'DISK_FULL', retry: true }),
    );
    expect(opened.log.status().readOnly).toContain('no space');
    const announced: number[] = [];
    opened.log.onCommit(({ sequence }) => announced.push(sequence));
    await waitASecond(opened);
    expect(opened.log.status().readOnly).toContain('no space');
    crashed.beforeOperation = () => {};
    await waitASecond(opened);
    expect(opened.log.status().readOnly).toBeNull();
    expect(announced).toEqual([opened.log.stable]);
    appendGroup(opened.log, 'space is back');
    expect((await texts(opened.log)).at(-1)).toBe('space is back');
    await opened.log.close();
    expect(verifyLog({ disk: crashed, directory: DIRECTORY }).ok).toBe(true);
  });

  test.each([
    ['the number of its epoch', 'metadata'],
    ['any file', '/'],
  ])('opens for reading when there is no space for %s', async (_, part) => {
    const disk = newDisk();
    const before = await open(disk);
    appendGroup(before.log, 'a');
    await before.log.close();
    disk.beforeOperation = (name, path) => {
      if (name === 'pwrite' && path.includes(part) && !path.endsWith('.open')) noSpace();
    };
    const opened = await open(disk);
    expect(await texts(opened.log)).toEqual(['a']);
    expect(() => opened.log.append([draft('b')], 0n as RecordedAt)).toThrowError(
      expect.objectContaining({ code: 'DISK_FULL' }),
    );
    disk.beforeOperation = () => {};
    await waitASecond(opened);
    appendGroup(opened.log, 'b');
    expect(await texts(opened.log)).toEqual(['a', 'b']);
    await opened.log.close();
  });

  test('opens for reading when a torn tail cannot be copied, and cuts it when it can', async () => {
    const disk = newDisk();
    const first = await open(disk);
    appendGroup(first.log, 'kept');
    appendGroup(first.log, 'x'.repeat(2000));
    const path = segmentPaths(disk)[0]!;
    const group = inspectSegment({ disk, directory: DIRECTORY }, 1).groups.at(-1)!;
    const torn = disk.copy();
    torn
      .bytesOf(path)
      .fill(0, 512 * Math.ceil(group.offset / 512), 512 * Math.ceil(group.offset / 512) + 512);
    const tail = torn.bytesOf(path).slice(group.offset);
    torn.beforeOperation = (name, file) => {
      if (name === 'pwrite' && file.includes('torn')) noSpace();
    };
    const opened = await open(torn);
    expect(await texts(opened.log)).toEqual(['kept']);
    expect(Buffer.compare(torn.bytesOf(path).subarray(group.offset), tail)).toBe(0);
    torn.beforeOperation = () => {};
    await waitASecond(opened);
    appendGroup(opened.log, 'on it goes');
    expect(await texts(opened.log)).toEqual(['kept', 'on it goes']);
    expect(torn.paths().filter((each) => each.endsWith('.torn'))).toHaveLength(1);
    await opened.log.close();
    expect(verifyLog({ disk: torn, directory: DIRECTORY })).toMatchObject({ ok: true, tornTail: null });
  });

  test('that is closed before it begins has written nothing', async () => {
    const disk = await fullSegment();
    disk.beforeOperation = (name) => (name === 'allocate' ? noSpace() : undefined);
    const { log } = await open(disk);
    const before = Buffer.from(disk.bytesOf(segmentPaths(disk)[0]!));
    await log.close();
    expect(Buffer.compare(disk.bytesOf(segmentPaths(disk)[0]!), before)).toBe(0);
    disk.beforeOperation = () => {};
    const again = await open(disk);
    appendGroup(again.log, 'b');
    expect(await texts(again.log)).toHaveLength(2);
  });

  test('fails for good when what it finds on trying again is not a lack of space', async () => {
    const disk = newDisk();
    disk.beforeOperation = (name, path) => {
      if (name === 'pwrite' && path.includes('epoch')) noSpace();
    };
    const opened = await open(disk);
    const failures: Error[] = [];
    opened.log.onFailure((error) => failures.push(error));
    disk.beforeOperation = (name, path) => {
      if (name === 'pwrite' && path.includes('epoch')) throw Object.assign(new Error('EIO'), { code: 'EIO' });
    };
    await waitASecond(opened);
    expect(failures).toMatchObject([{ code: 'WRITER_FAILED', message: expect.stringContaining('EIO') }]);
  });
});
