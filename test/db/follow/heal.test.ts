import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { readCopyMark, writeCopyMark } from '../../../db/follow/copy-mark.ts';
import { type Examined, examineCopy } from '../../../db/follow/examine.ts';
import { type FrameSource, refill } from '../../../db/follow/refill.ts';
import type { Sequence } from '../../../db/types.ts';
import { MemoryDisk } from '../wal/memory-disk.ts';
import { DIRECTORY } from '../wal/support.ts';
import { COPY, filesOf, framesOf, grow, grownLog, openCopy, take } from './support.ts';

let source: MemoryDisk;
let whole: MemoryDisk;

beforeAll(async () => {
  source = await grownLog(3, 3, 900_000);
  whole = new MemoryDisk();
  const { copy, receiver } = openCopy(whole);
  take(copy, receiver, await framesOf(source));
  copy.close();
});

function examine(disk: MemoryDisk, everything = true): Examined {
  const mark = readCopyMark(disk, COPY);
  return examineCopy({ disk, directory: COPY, mark, everything, progress: () => undefined });
}

/** A source that sends what it has and ends. */
async function sending(from: MemoryDisk, after: Sequence): Promise<FrameSource> {
  const frames = [await framesOf(from, (after + 1) as Sequence, () => 50_000)];
  return { next: async () => frames.shift() ?? null, close: () => undefined };
}

/** What a follower does at its start. */
async function heal(disk: MemoryDisk, from = source): Promise<void> {
  for (let examined = examine(disk); examined.damage.length > 0; examined = examine(disk)) {
    for (const damage of examined.damage) {
      const open = (after: Sequence) => sending(from, after);
      await refill({
        disk,
        directory: COPY,
        identity: examined.identity,
        damage,
        open,
        report: () => undefined,
      });
    }
  }
  const { copy, receiver } = openCopy(disk);
  const next = copy.end.segment === 0 ? ((copy.end.sequence + 1) as Sequence) : copy.end;
  take(copy, receiver, await framesOf(from, next));
  copy.close();
}

function sameAs(disk: MemoryDisk): void {
  const ours = filesOf(disk, COPY);
  const theirs = filesOf(source, DIRECTORY);
  expect([...ours.keys()]).toEqual([...theirs.keys()]);
  for (const [name, bytes] of theirs) {
    expect(Buffer.compare(ours.get(name) ?? new Uint8Array(), bytes)).toBe(0);
  }
}

function walPaths(disk: MemoryDisk): string[] {
  const wal = `${COPY}/wal/`;
  return disk
    .paths()
    .filter((path) => path.startsWith(wal))
    .sort();
}

describe('a damaged copy', () => {
  test('spans sealed segments and an open one, or these tests say little', () => {
    expect(walPaths(whole).length).toBeGreaterThanOrEqual(3);
    expect(walPaths(whole).at(-1)).toMatch(/\.open$/);
  });

  test('is the same as before whichever bit was flipped', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.nat({ max: 7 }),
        async (file, part, bit) => {
          const disk = whole.copy();
          const paths = walPaths(disk);
          const bytes = disk.bytesOf(paths[file % paths.length] as string);
          const used = Buffer.from(bytes).findLastIndex((byte) => byte !== 0);
          const at = Math.floor(part * used);
          bytes[at] = (bytes[at] as number) ^ (1 << bit);
          await heal(disk);
          sameAs(disk);
        },
      ),
      { numRuns: 30 },
    );
  });

  test('is the same as before whichever files were missing', async () => {
    const paths = walPaths(whole);
    await fc.assert(
      fc.asyncProperty(fc.subarray(paths, { minLength: 1 }), async (missing) => {
        const disk = whole.copy();
        for (const path of missing) disk.unlink(path);
        await heal(disk);
        sameAs(disk);
      }),
      { numRuns: 15 },
    );
  });

  test('is the same as before when its last segment was cut or zeroed at any place', async () => {
    const last = walPaths(whole).at(-1) as string;
    await fc.assert(
      fc.asyncProperty(fc.double({ min: 0, max: 1, noNaN: true }), fc.boolean(), async (part, zeroed) => {
        const disk = whole.copy();
        const bytes = disk.bytesOf(last);
        const at = Math.floor(part * Buffer.from(bytes).findLastIndex((byte) => byte !== 0));
        if (zeroed) bytes.fill(0, at);
        else disk.cut(last, at);
        await heal(disk);
        sameAs(disk);
      }),
      { numRuns: 20 },
    );
  });

  test('keeps what was damaged, and says where it was', async () => {
    const disk = whole.copy();
    const [first = ''] = walPaths(disk);
    const bytes = disk.bytesOf(first);
    bytes[70_000] = (bytes[70_000] as number) ^ 1;
    const damaged = bytes.slice();
    const [damage] = examine(disk).damage;
    expect(damage).toMatchObject({ first: 1 });
    expect(damage?.problem).toMatch(/is damaged at offset \d+ \(\w+\), sequence \d+/);
    await heal(disk);
    const name = first.slice(first.lastIndexOf('/') + 1);
    expect(Buffer.compare(disk.bytesOf(`${COPY}/metadata/torn/${name}.damaged`), damaged)).toBe(0);
  });

  test('in a sealed segment is found when every byte is asked for', () => {
    const disk = whole.copy();
    const bytes = disk.bytesOf(walPaths(disk)[0] as string);
    bytes[70_000] = (bytes[70_000] as number) ^ 1;
    expect(examine(disk, false).damage).toEqual([]);
    expect(examine(disk, true).damage).toHaveLength(1);
  });

  test('takes nothing from a source with another history', async () => {
    const other = await grownLog(4, 3, 900_000);
    const disk = whole.copy();
    disk.unlink(walPaths(disk)[1] as string);
    const before = filesOf(disk.copy(), COPY);
    await expect(heal(disk, other)).rejects.toMatchObject({ code: expect.stringMatching(/FORKED|CORRUPT/) });
    expect(filesOf(disk, COPY)).toEqual(before);
  });

  test('takes nothing from a source that has lost what the mark knows', async () => {
    const grown = source.copy();
    await grow(grown, 5, 20_000);
    const disk = whole.copy();
    const opened = openCopy(disk);
    take(opened.copy, opened.receiver, await framesOf(grown, opened.copy.end));
    opened.copy.close();
    // The copy loses its tail, and the source's log ends before it and goes on differently.
    const last = walPaths(disk).at(-1) as string;
    const before = filesOf(whole, COPY).get(last.slice(last.lastIndexOf('/') + 1)) as Uint8Array;
    disk.bytesOf(last).set(before);
    const lossy = source.copy();
    await grow(lossy, 6, 60_000);
    await expect(heal(disk, lossy)).rejects.toMatchObject({ code: 'FORKED' });
  });

  test('whose segments do not belong together is left to a person', () => {
    const disk = whole.copy();
    const mark = readCopyMark(disk, COPY);
    if (mark === null) throw new Error('the copy has no mark');
    writeCopyMark(disk, COPY, { ...mark, chain: new Uint8Array(32) });
    expect(() => examine(disk)).toThrow(
      expect.objectContaining({ code: 'CORRUPT', message: expect.stringContaining('follower.json') }),
    );
  });
});

test('a copy can begin with the segments of an archive, which are the log’s own', async () => {
  const disk = whole.copy();
  const paths = walPaths(disk);
  disk.unlink(paths.at(-1) as string);
  disk.unlink(`${COPY}/metadata/follower.json`);
  for (const path of paths.slice(0, -1)) disk.rename(path, path.replace('.sealed', '.archived'));
  const { copy, receiver } = openCopy(disk);
  take(copy, receiver, await framesOf(source, copy.end));
  copy.close();
  const ours = [...filesOf(disk, COPY).values()];
  const theirs = [...filesOf(source, DIRECTORY).values()];
  expect(ours.length).toBe(theirs.length);
  for (const [at, bytes] of theirs.entries()) expect(Buffer.compare(ours[at] as Uint8Array, bytes)).toBe(0);
});

test('a sealed segment that kept its open name gets its own', async () => {
  const disk = whole.copy();
  const [first = ''] = walPaths(disk);
  disk.rename(first, first.replace('.sealed', '.open'));
  await heal(disk);
  sameAs(disk);
});
