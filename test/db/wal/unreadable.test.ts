/** Sectors that the disk cannot read: found, named, read around, isolated. Never taken for something that was not written. */
import { expect, test } from 'vitest';
import type { Sequence } from '../../../db/types.ts';
import { inspectSegment, isolate, verifyLog } from '../../../db/wal/index.ts';
import type { MemoryDisk } from './memory-disk.ts';
import {
  appendGroup,
  DIRECTORY,
  ManualScheduler,
  newDisk,
  open,
  randomFrom,
  StepClock,
  segmentPaths,
  texts,
} from './support.ts';

const PAGE = 4096;

/** Reads that touch the page at `offset` of a segment fail until it is written. */
function breakPage(disk: MemoryDisk, path: string, offset: number): void {
  const page = offset - (offset % PAGE);
  let broken = true;
  const paths = new Map<number, string>();
  const { open: openFile, pread, pwrite } = disk;
  disk.open = (name, mode) => {
    const handle = openFile.call(disk, name, mode);
    paths.set(handle, name.split('.')[0]!);
    return handle;
  };
  const touches = (handle: number, position: number, length: number) =>
    paths.get(handle) === path.split('.')[0] && position < page + PAGE && position + length > page;
  disk.pread = (handle, target, length, position) => {
    if (broken && touches(handle, position, length)) throw Object.assign(new Error('EIO'), { code: 'EIO' });
    return pread.call(disk, handle, target, length, position);
  };
  disk.pwrite = (handle, source, position) => {
    if (touches(handle, position, source.length)) broken = false;
    pwrite.call(disk, handle, source, position);
  };
}

/** A closed log of twelve groups of 3,000 bytes each; a page of the sixth cannot be read. */
async function broken() {
  const disk = newDisk();
  const { log } = await open(disk);
  for (let group = 0; group < 12; group++) appendGroup(log, `${group} `.padEnd(3000, 'x'));
  await log.close();
  const [path] = segmentPaths(disk);
  const groups = inspectSegment({ disk, directory: DIRECTORY }, 1).groups;
  const { offset } = groups[6]!;
  breakPage(disk, path!, offset + 1500);
  return { disk, groups, stable: log.stable };
}

test('a start refuses a log with a sector that cannot be read, and says where', async () => {
  const { disk } = await broken();
  await expect(open(disk)).rejects.toMatchObject({
    code: 'CORRUPT',
    details: { segment: expect.any(String) },
  });
});

test('verifying names the damage and goes on behind it', async () => {
  const { disk, groups } = await broken();
  const { ok, problems, lastSequence } = verifyLog({ disk, directory: DIRECTORY });
  expect(ok).toBe(false);
  expect(problems.length).toBeGreaterThan(0);
  expect(problems[0]!.sequence).toBeGreaterThanOrEqual(groups[5]!.firstSequence);
  expect(lastSequence).toBe(groups.at(-1)!.lastSequence);
});

test('what was never durable is not cut off where it cannot be read', async () => {
  const disk = newDisk();
  const { log } = await open(disk);
  appendGroup(log, 'kept');
  appendGroup(log, 'x'.repeat(9000));
  const [path] = segmentPaths(disk);
  const last = inspectSegment({ disk, directory: DIRECTORY }, 1).groups.at(-1)!;
  const copy = disk.copy();
  breakPage(copy, path!, last.offset + 5000);
  await expect(open(copy)).rejects.toMatchObject({ code: 'CORRUPT' });
});

test('isolating keeps what can be read, and the log goes on', async () => {
  const { disk, groups } = await broken();
  const [problem] = verifyLog({ disk, directory: DIRECTORY }).problems;
  const lost = groups.find(({ lastSequence }) => lastSequence >= problem!.sequence!)!;
  const isolated = await isolate({
    disk,
    directory: DIRECTORY,
    clock: new StepClock(),
    scheduler: new ManualScheduler(),
    random: randomFrom(5),
    segment: 1,
    sequence: lost.firstSequence as Sequence,
    marks: [],
    progress: () => {},
  });
  expect(Buffer.from(disk.bytesOf(isolated.copy!)).includes('xxxx')).toBe(true);
  const { log } = await open(disk);
  expect(() => log.entryAt(lost.firstSequence as Sequence)).toThrowError(
    expect.objectContaining({ code: 'GAP' }),
  );
  appendGroup(log, 'on it goes');
  expect((await texts(log, isolated.to + 1)).at(-1)).toBe('on it goes');
  await log.close();
  expect(verifyLog({ disk, directory: DIRECTORY })).toMatchObject({
    ok: true,
    gaps: [{ from: isolated.from }],
  });
});
