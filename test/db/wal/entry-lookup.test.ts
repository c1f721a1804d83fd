import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RecordedAt, Sequence } from '../../../db/types.ts';
import { inspectSegment } from '../../../db/wal/index.ts';
import { appendGroup, collect, DIRECTORY, draft, newDisk, open } from './support.ts';

/** Bytes read from segments while `work` runs. */
function bytesRead(disk: ReturnType<typeof newDisk>, work: () => void): number {
  const { pread } = disk;
  let bytes = 0;
  disk.pread = (handle, target, length, position) => {
    const count = pread.call(disk, handle, target, length, position);
    bytes += count;
    return count;
  };
  work();
  disk.pread = pread;
  return bytes;
}

test('the entries of one group are read and validated once together', async () => {
  const { log, disk } = await open(newDisk());
  const texts = Array.from({ length: 2000 }, (_, index) => `event ${index} ${'x'.repeat(200)}`);
  appendGroup(log, ...texts);
  const first = 3;
  const one = bytesRead(disk, () => log.entryAt(first as Sequence));
  const again = bytesRead(disk, () => {
    for (const [index, text] of texts.entries()) {
      const payload = log.entryAt((first + index) as Sequence)!.payload;
      expect(new TextDecoder().decode(payload)).toBe(text);
    }
  });
  expect(one).toBeGreaterThan(2000 * 200);
  expect(again).toBe(0);
});

test('single entries are what a walk through the log finds, in whatever order they are asked for', async () => {
  const disk = newDisk();
  const first = await open(disk);
  for (let group = 0; first.log.status().segments < 3; group++) {
    const commands = Array.from({ length: 1 + (group % 5) }, (_, at) =>
      draft(`${group} ${at} `.padEnd(group * 60)),
    );
    for (const command of commands) first.log.append([command], 0n as RecordedAt);
    first.log.flush();
  }
  await first.log.close();
  const { log } = await open(disk);
  const commits = await collect(log.read({ from: 1 as Sequence, follow: false }));
  const expected = new Map(
    commits.flatMap(({ entries, recordedAt }) =>
      entries.map((entry) => [entry.sequence, { ...entry, recordedAt }]),
    ),
  );
  const step = fc.record({
    from: fc.integer({ min: 1, max: log.stable }),
    by: fc.constantFrom(-300, -1, 0, 1, 7, 300),
  });
  await fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), (steps) => {
      for (const { from, by } of steps) {
        for (let at = from, hops = 0; hops < 4; at += by, hops++) {
          expect(log.entryAt(at as Sequence)).toEqual(expected.get(at as Sequence) ?? null);
        }
      }
    }),
    { numRuns: 200 },
  );
});

test('damage on the way to an entry is reported, and does not stay in the way of others', async () => {
  const { log, disk } = await open(newDisk());
  for (const text of ['a', 'b', 'c']) appendGroup(log, text);
  const path = disk.paths().find((each) => each.endsWith('.open'))!;
  const bytes = disk.bytesOf(path);
  const damagedAt = inspectSegment({ disk, directory: DIRECTORY }, 1).groups[2]!.offset + 48;
  bytes[damagedAt]! ^= 1;
  expect(() => log.entryAt(5 as Sequence)).toThrowError(expect.objectContaining({ code: 'CORRUPT' }));
  expect(log.entryAt(3 as Sequence)?.payload).toEqual(Uint8Array.of(97));
  bytes[damagedAt]! ^= 1;
  expect(log.entryAt(5 as Sequence)?.payload).toEqual(Uint8Array.of(98));
});

test('what has been written since the last lookup is found, though the bytes there were read before', async () => {
  const { log } = await open(newDisk());
  for (let group = 0; group < 200; group++) {
    const { first } = log.append([draft(`${group}`)], 0n as RecordedAt);
    log.flush();
    expect(new TextDecoder().decode(log.entryAt(first)!.payload)).toBe(`${group}`);
  }
});
