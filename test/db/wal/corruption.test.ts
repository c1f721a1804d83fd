import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TruthError } from '../../../db/errors.ts';
import type { Sequence } from '../../../db/types.ts';
import { initLog, verifyLog } from '../../../db/wal/index.ts';
import { inspectSegment } from '../../../db/wal/inspect.ts';
import { MemoryDisk } from './memory-disk.ts';
import {
  appendGroup,
  collect,
  DIRECTORY,
  newDisk,
  open,
  pickFrom,
  randomFrom,
  SEGMENT_BYTES,
  segmentPaths,
  texts,
  textsOf,
} from './support.ts';

test('every flipped bit of a small log is found, at the entry that holds it', async () => {
  const { disk, path, places } = await smallClosedLog();
  const bytes = disk.bytesOf(path);
  const end = places.at(-1)!.end;
  for (let bit = 0; bit < end * 8; bit++) {
    const offset = bit >> 3;
    // The header's unused middle is one long run of zeros: every 16th byte stands for it.
    if (offset >= 200 && offset < 4080 && offset % 16 !== 0) continue;
    bytes[offset]! ^= 1 << (bit & 7);
    const report = verifyLog({ disk, directory: DIRECTORY });
    bytes[offset]! ^= 1 << (bit & 7);
    const place = places.find((each) => offset < each.end)!;
    expect(report.ok, `bit ${bit & 7} of byte ${offset}`).toBe(false);
    expect(report.problems[0]?.offset, `bit ${bit & 7} of byte ${offset}`).toBe(place.offset);
  }
  expect(verifyLog({ disk, directory: DIRECTORY }).ok).toBe(true);
}, 600_000);

test('a log with a flipped bit is not opened for writing, and not changed', async () => {
  const { disk, path, places } = await smallClosedLog();
  for (let offset = 0; offset < places.at(-1)!.end; offset += offset < 4096 && offset > 200 ? 500 : 7) {
    const damaged = disk.copy();
    damaged.bytesOf(path)[offset]! ^= 1 << (offset % 8);
    const before = damaged.bytesOf(path).slice();
    await expect(open(damaged), `byte ${offset}`).rejects.toMatchObject({
      code: 'CORRUPT',
      details: {
        segment: path.split('/').at(-1),
        offset: places.find((place) => offset < place.end)!.offset,
      },
    });
    expect(Buffer.compare(damaged.bytesOf(path), before)).toBe(0);
  }
});

test('a byte that is not zero behind the last commit of a closed log is corruption', async () => {
  const { disk, path, places } = await smallClosedLog();
  for (const offset of [places.at(-1)!.end, places.at(-1)!.end + 1000, disk.bytesOf(path).length - 1]) {
    const damaged = disk.copy();
    damaged.bytesOf(path)[offset] = 1;
    const report = verifyLog({ disk: damaged, directory: DIRECTORY });
    expect(report.ok && report.tornTail === null).toBe(false);
  }
});

test('cut anywhere above the last mark, a segment recovers to the last commit before the cut', async () => {
  const { disk, path, ends } = await unmarkedLog();
  const first = ends[0]!.end;
  const last = ends.at(-1)!.end;
  for (let length = first; length <= last + 8; length++) {
    const damaged = disk.copy();
    damaged.cut(path, length);
    const expected = ends.filter((each) => each.end <= length).flatMap((each) => each.texts);
    const { log } = await open(damaged);
    expect(await texts(log), `cut to ${length} bytes`).toEqual(expected);
    if (length % 16 !== 0) continue;
    appendGroup(log, 'on it goes');
    expect((await texts(log)).at(-1)).toBe('on it goes');
    await log.close();
    expect(verifyLog({ disk: damaged, directory: DIRECTORY }).ok).toBe(true);
  }
}, 600_000);

test('cut below a mark, a segment is refused', async () => {
  const { disk, path, places } = await smallClosedLog();
  for (let length = 0; length < places.at(-1)!.end; length += 97) {
    const damaged = disk.copy();
    damaged.cut(path, length);
    await expect(open(damaged), `cut to ${length} bytes`).rejects.toMatchObject({ code: 'CORRUPT' });
  }
});

test('sectors lost in any combination above the last mark leave a prefix; sectors lost below it are refused', async () => {
  const { disk, path, ends } = await unmarkedLog();
  const pick = pickFrom(11);
  const from = Math.ceil(ends[0]!.end / 512);
  const to = Math.ceil(ends.at(-1)!.end / 512);
  for (let round = 0; round < 300; round++) {
    const damaged = disk.copy();
    for (let sector = from; sector < to; sector++) {
      if (pick(3) === 0) damaged.bytesOf(path).fill(0, sector * 512, (sector + 1) * 512);
    }
    const { log } = await open(damaged);
    const found = await texts(log);
    const all = ends.flatMap((each) => each.texts);
    expect(found).toEqual(all.slice(0, found.length));
    await log.close();
    expect(verifyLog({ disk: damaged, directory: DIRECTORY })).toMatchObject({
      ok: true,
      tornTail: null,
    });
  }
  const below = disk.copy();
  below.bytesOf(path).fill(0, 4096, 4096 + 512);
  await expect(open(below)).rejects.toMatchObject({ code: 'CORRUPT' });
});

test('a hole is corruption when a later commit says that what was there was durable', async () => {
  const disk = newDisk();
  const { log } = await open(disk);
  appendGroup(log, 'x'.repeat(2000));
  appendGroup(log, 'y'.repeat(2000));
  appendGroup(log, 'z'.repeat(2000));
  const [path] = segmentPaths(disk);
  const groups = inspectSegment({ disk, directory: DIRECTORY }, 1).groups;
  // The third group's commit carries the mark of the second's.
  const hole = disk.copy();
  hole
    .bytesOf(path!)
    .fill(0, 512 * Math.ceil(groups[1]!.offset / 512), 512 * Math.floor(groups[2]!.offset / 512));
  await expect(open(hole)).rejects.toMatchObject({ code: 'CORRUPT' });
  // Nothing carries the mark of the third: its loss is a torn tail.
  const tail = disk.copy();
  tail.bytesOf(path!).fill(0, 512 * Math.ceil(groups[3]!.offset / 512));
  const recovered = await open(tail);
  expect(await texts(recovered.log)).toEqual(['x'.repeat(2000), 'y'.repeat(2000)]);
  expect(recovered.log.torn).toMatchObject({
    afterSequence: groups[2]!.lastSequence,
  });
});

test('a flipped bit in the last group, which no mark covers yet, is still corruption: it does not read as zeros', async () => {
  const disk = newDisk();
  const { log } = await open(disk);
  appendGroup(log, 'first', 'second');
  const [path] = segmentPaths(disk);
  const group = inspectSegment({ disk, directory: DIRECTORY }, 1).groups.at(-1)!;
  for (let bit = 0; bit < group.bytes * 8; bit++) {
    const damaged = disk.copy();
    damaged.bytesOf(path!)[group.offset + (bit >> 3)]! ^= 1 << (bit & 7);
    await expect(open(damaged), `bit ${bit & 7} of byte ${bit >> 3}`).rejects.toMatchObject({
      code: 'CORRUPT',
    });
  }
});

test('a torn tail is copied aside, byte for byte, before it is zeroed', async () => {
  const { disk, path, ends } = await unmarkedLog();
  const damaged = disk.copy();
  const cut = ends.at(-2)!.end;
  // The commit of the last group is missing, its entries are there.
  const from = 512 * Math.floor((ends.at(-1)!.end - 1) / 512);
  damaged.bytesOf(path).fill(0, from);
  const lost = damaged.bytesOf(path).slice(cut, from);
  const { log } = await open(damaged);
  expect(log.torn).toMatchObject({
    segment: path.split('/').at(-1),
    offset: cut,
  });
  const copy = damaged.bytesOf(log.torn!.copy);
  expect(Buffer.compare(copy, lost.subarray(0, copy.length))).toBe(0);
  expect(lost.subarray(copy.length).every((byte) => byte === 0)).toBe(true);
});

test('a missing segment is named', async () => {
  const disk = newDisk();
  const { log } = await open(disk);
  while (log.status().segments < 4) appendGroup(log, 'x'.repeat(9000));
  await log.close();
  const gone = disk.copy();
  gone.unlink(segmentPaths(gone)[1]!);
  await expect(open(gone)).rejects.toMatchObject({
    code: 'CORRUPT',
    message: expect.stringContaining('segment 2 is missing'),
  });
});

test('a segment of another log in its place is refused', async () => {
  const disk = newDisk();
  const other = new MemoryDisk();
  initLog({ directory: DIRECTORY, disk: other, random: randomFrom(99), segmentBytes: SEGMENT_BYTES });
  disk.bytesOf(segmentPaths(disk)[0]!).set(other.bytesOf(segmentPaths(other)[0]!));
  await expect(open(disk)).rejects.toMatchObject({
    code: 'CORRUPT',
    message: expect.stringContaining('belongs to log'),
  });
});

test('a reader that meets damage gets what comes before it, then an error that says where', async () => {
  const disk = newDisk();
  const { log } = await open(disk);
  appendGroup(log, 'whole');
  appendGroup(log, 'damaged');
  appendGroup(log, 'behind');
  const path = segmentPaths(disk)[0]!;
  const { offset } = inspectSegment({ disk, directory: DIRECTORY }, 1).groups[2]!;
  disk.bytesOf(path)[offset + 50]! ^= 4;
  const seen: string[] = [];
  const reading = (async () => {
    for await (const commit of log.read({ from: 1 as Sequence, follow: false }))
      seen.push(...textsOf(commit));
  })();
  await expect(reading).rejects.toMatchObject({
    code: 'CORRUPT',
    details: { segment: path.split('/').at(-1), offset },
  });
  expect(seen).toEqual(['whole']);
  await expect(collect(log.readBackwards(log.stable))).rejects.toMatchObject({ code: 'CORRUPT' });
});

/** A log of several groups, closed cleanly, with where each of its entries (and the header) lies. */
async function smallClosedLog() {
  const disk = newDisk();
  const { log } = await open(disk);
  appendGroup(log, 'one', 'two, which is longer');
  appendGroup(log, 'three');
  await log.close();
  const path = segmentPaths(disk)[0]!;
  const bytes = disk.bytesOf(path);
  const places = [{ offset: 0, end: 4096 }];
  const view = new DataView(bytes.buffer);
  for (let offset = 4096; view.getUint16(offset, true) !== 0; ) {
    const end = offset + 56 + ((view.getUint32(offset + 4, true) + 7) & ~7);
    places.push({ offset, end });
    offset = end;
  }
  return { disk, path, places };
}

/** A log whose groups were written and never synced, and where each ended: no mark covers any but the epoch's. */
async function unmarkedLog() {
  const disk = newDisk();
  const { log } = await open(disk, { durability: 'async' });
  disk.beforeOperation = (name) => {
    if (name === 'fdatasync') throw new Error('the power is about to fail');
  };
  const groups = [['a', 'b'.repeat(100)], ['c'], ['d'.repeat(300), 'e']];
  for (const group of groups) appendGroup(log, ...group);
  const path = segmentPaths(disk)[0]!;
  const copy = disk.copy();
  const inspected = inspectSegment({ disk: copy, directory: DIRECTORY }, 1).groups;
  const ends = inspected.map((group, at) => ({
    end: group.offset + group.bytes,
    texts: groups[at - 1] ?? [],
  }));
  return { disk: copy, path, ends };
}

test('whatever bytes stand in a segment, verifying ends with a report and reading with a typed error or an end', async () => {
  const { disk, path, places } = await smallClosedLog();
  const end = places.at(-1)!.end;
  const damage = fc.array(
    fc.tuple(fc.integer({ min: 0, max: end + 200 }), fc.uint8Array({ minLength: 1, maxLength: 64 })),
    {
      minLength: 1,
      maxLength: 5,
    },
  );
  await fc.assert(
    fc.asyncProperty(damage, async (patches) => {
      const damaged = disk.copy();
      for (const [offset, bytes] of patches) damaged.bytesOf(path).set(bytes, offset);
      const report = verifyLog({ disk: damaged, directory: DIRECTORY });
      const changed = Buffer.compare(damaged.bytesOf(path), disk.bytesOf(path)) !== 0;
      expect(report.ok && report.tornTail === null).toBe(!changed);
      const opening = open(damaged).then(
        ({ log }) => texts(log),
        (error: unknown) => {
          expect(error).toBeInstanceOf(TruthError);
          return null;
        },
      );
      // Behind the end of a closed log even whole sectors of anything are cut off at most.
      expect([null, 3]).toContain((await opening)?.length ?? null);
    }),
    { numRuns: 150 },
  );
});
