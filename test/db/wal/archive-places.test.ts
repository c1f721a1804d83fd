/** Logs whose beginning was pruned, read from the archives that have it. */
import { beforeAll, expect, test } from 'vitest';
import type { Sequence } from '../../../db/types.ts';
import { archivedBefore, logBeginning, noteArchive, readArchives } from '../../../db/wal/archive-places.ts';
import { archiveSegments, LogBytes, pruneSegments } from '../../../db/wal/index.ts';
import { openReader } from '../../../db/wal/open-reader.ts';
import type { MemoryDisk } from './memory-disk.ts';
import { appendGroup, collect, DIRECTORY, newDisk, open, segmentPaths, texts, textsOf } from './support.ts';

const ARCHIVE = '/archive';
const SECOND = '/second';

let pruned: MemoryDisk;
let all: string[];
let floor: Sequence;

/** Six segments, the first two in one archive, the next two in another, all four pruned. */
beforeAll(async () => {
  pruned = newDisk();
  const { log } = await open(pruned);
  for (let group = 0; log.status().segments < 6; group++) appendGroup(log, `${group} `.padEnd(50_000, 'x'));
  appendGroup(log, 'last');
  all = await texts(log);
  await log.close();
  const firsts = segmentPaths(pruned).map((path) => Number(/-(\d+)\./.exec(path)![1]) as Sequence);
  floor = firsts[4]!;
  for (const [to, before] of [
    [ARCHIVE, firsts[2]!],
    [SECOND, floor],
  ] as const) {
    archiveSegments({ disk: pruned, directory: DIRECTORY, to, before, progress: () => {} });
  }
  pruneSegments({ disk: pruned, directory: DIRECTORY, before: floor, holds: [], withoutArchive: false });
});

function remove(disk: MemoryDisk, folder: string): void {
  for (const path of disk.paths().filter((each) => each.startsWith(`${folder}/`))) disk.unlink(path);
}

test('everything is read as if nothing had been moved: forwards, backwards and by position', async () => {
  const { log } = await open(pruned.copy());
  expect(log.retention.floor).toBe(floor);
  expect(await texts(log)).toEqual(all);
  const backwards = (await collect(log.readBackwards(log.stable))).flatMap((commit) =>
    textsOf(commit).reverse(),
  );
  expect(backwards.reverse()).toEqual(all);
  for (const at of [1, 3, floor - 1, floor] as Sequence[]) {
    const commit = (await collect(log.read({ from: at, follow: false })))[0]!;
    expect(log.entryAt(commit.entries[0]!.sequence)?.payload).toEqual(commit.entries[0]!.payload);
  }
  await log.close();
});

test('a reader of the files of another process reads from the archives too', async () => {
  const reader = openReader({ directory: DIRECTORY, disk: pruned });
  expect(reader.first).toBe(floor);
  expect((await collect(reader.read({ from: 1 as Sequence, follow: false }))).flatMap(textsOf)).toEqual(all);
  reader.close();
});

test('a follower gets the whole log, from the archives and then from here', async () => {
  const disk = pruned.copy();
  const { log } = await open(disk);
  const bytes = new LogBytes({ disk, directory: DIRECTORY, log });
  for (const from of [1 as Sequence, 'start' as const]) {
    const segments: number[] = [];
    for await (const piece of bytes.read({ from, name: 'copy' })) {
      if (piece.kind === 'segment') segments.push(piece.index);
      if (piece.kind === 'end' && piece.caughtUp) break;
    }
    expect(segments).toEqual([1, 2, 3, 4, 5, 6]);
  }
  await log.close();
});

test('what no archive has is pruned: not there now, never there, or with a hole before the log', async () => {
  const gone = { code: 'PRUNED', details: { first: floor } };
  const first = async (disk: MemoryDisk, from = 1) => {
    const { log } = await open(disk);
    try {
      return (await collect(log.read({ from: from as Sequence, follow: false })))[0];
    } finally {
      await log.close();
    }
  };
  const without = pruned.copy();
  remove(without, ARCHIVE);
  await expect(first(without)).rejects.toMatchObject({ code: 'PRUNED' });
  expect((await first(without, floor - 1))?.sequence).toBeGreaterThanOrEqual(floor - 1);
  const holed = pruned.copy();
  remove(holed, SECOND);
  await expect(first(holed)).rejects.toMatchObject(gone);
  const unknown = pruned.copy();
  unknown.unlink(`${DIRECTORY}/metadata/archives.json`);
  await expect(first(unknown)).rejects.toMatchObject(gone);
  noteArchive(unknown, DIRECTORY, ARCHIVE);
  noteArchive(unknown, DIRECTORY, SECOND);
  noteArchive(unknown, DIRECTORY, SECOND);
  expect(readArchives(unknown, DIRECTORY)).toEqual([ARCHIVE, SECOND]);
  expect((await first(unknown))?.sequence).toBeLessThan(floor);
});

test('an archive that goes while it is read leaves nothing out without a word', async () => {
  const disk = pruned.copy();
  const { log } = await open(disk);
  const reading = log.read({ from: 1 as Sequence, follow: false })[Symbol.asyncIterator]();
  await reading.next();
  remove(disk, ARCHIVE);
  remove(disk, SECOND);
  const rest = async () => {
    for (let next = await reading.next(); next.done !== true; next = await reading.next());
  };
  await expect(rest()).rejects.toMatchObject({ code: 'PRUNED' });
  expect((await texts(log, floor)).at(-1)).toBe('last');
  await log.close();
});

test('damage in an archive is damage, and another branch of the log is not taken for it', async () => {
  const damaged = pruned.copy();
  const path = damaged.paths().find((each) => each.startsWith(`${ARCHIVE}/wal/0000000001-`))!;
  damaged.bytesOf(path)[300_000]! ^= 1;
  const { log } = await open(damaged);
  await expect(texts(log)).rejects.toMatchObject({ code: 'CORRUPT' });
  await log.close();

  // A log that parted from this one before it was archived: the same identity, other commits.
  const other = newDisk();
  const { log: branch } = await open(other);
  for (let group = 0; branch.status().segments < 6; group++)
    appendGroup(branch, `${group} `.padEnd(50_000, 'y'));
  await branch.close();
  const before = Number(/-(\d+)\./.exec(segmentPaths(other)[4]!)![1]) as Sequence;
  archiveSegments({ disk: other, directory: DIRECTORY, to: ARCHIVE, before, progress: () => {} });
  const mixed = pruned.copy();
  remove(mixed, ARCHIVE);
  remove(mixed, SECOND);
  for (const from of other.paths().filter((each) => each.startsWith(`${ARCHIVE}/`))) {
    const handle = mixed.open(from, 'create');
    mixed.pwrite(handle, other.bytesOf(from), 0);
    mixed.close(handle);
  }
  const { log: reader } = await open(mixed);
  await expect(texts(reader)).rejects.toThrow(/is not the one that this log goes on from/);
  expect((await texts(reader, floor)).at(-1)).toBe('last');
  await reader.close();
});

test('where the log begins is told: here, in which archives, and what is left when one is away', () => {
  const disk = pruned.copy();
  const beginning = logBeginning(disk, DIRECTORY);
  const [old, recent] = beginning.archives;
  expect(beginning).toMatchObject({ first: 1, floor, problem: null });
  expect(old).toMatchObject({ directory: ARCHIVE, from: 1 });
  expect(recent).toEqual({ directory: SECOND, from: old!.to + 1, to: floor - 1 });
  remove(disk, ARCHIVE);
  expect(logBeginning(disk, DIRECTORY)).toMatchObject({ first: recent!.from, archives: [recent] });
  remove(disk, SECOND);
  expect(logBeginning(disk, DIRECTORY)).toMatchObject({ first: floor, archives: [] });
  expect(logBeginning(newDisk(), DIRECTORY)).toMatchObject({ first: 1, floor: 1, archives: [] });
});

test('an archive of another log is refused, and one that is not there is remembered', () => {
  const disk = pruned.copy();
  disk.bytesOf(`${ARCHIVE}/metadata/log.json`).set(Buffer.from('{"format":1,"logId":"00'));
  expect(() => noteArchive(disk, DIRECTORY, ARCHIVE)).toThrow(/is the archive of log 00/);
  noteArchive(disk, DIRECTORY, '/not/mounted');
  expect(readArchives(disk, DIRECTORY)).toContain('/not/mounted');
  expect(archivedBefore(disk, DIRECTORY, 5).map(({ index }) => index)).toEqual([3, 4]);
});
