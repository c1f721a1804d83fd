import { expect, test } from 'vitest';
import type { Sequence } from '../../../db/types.ts';
import { SparseIndex } from '../../../db/wal/sparse-index.ts';
import type { MemoryDisk } from './memory-disk.ts';
import { appendGroup, DIRECTORY, newDisk, open, texts } from './support.ts';

test('the index finds the group of any sequence by one look', () => {
  const index = new SparseIndex(1000 as Sequence);
  index.note(1099 as Sequence, 4096);
  index.note(1700 as Sequence, 9000);
  index.note(1701 as Sequence, 70_000);
  expect(index.offsetBefore(1000 as Sequence)).toBe(4096);
  expect(index.offsetBefore(1255 as Sequence)).toBe(4096);
  expect(index.offsetBefore(1256 as Sequence)).toBe(9000);
  expect(index.offsetBefore(1701 as Sequence)).toBe(9000);
  expect(index.offsetBefore(1768 as Sequence)).toBeNull();
});

test('a sealed segment is found through its stored index without walking it', async () => {
  const disk = await logOfSegments(3);
  expect(indexFiles(disk)).toHaveLength(2);
  const { log } = await open(disk);
  disk.trace.length = 0;
  expect(log.entryAt(900 as Sequence)?.sequence).toBe(900);
  const reads = disk.trace.filter(
    (operation) => operation.startsWith('pread') && !operation.includes('idx'),
  ).length;
  expect(reads).toBeLessThan(8);
});

test('an index that is damaged, of another segment or gone is built again', async () => {
  const disk = await logOfSegments(3);
  const [first, second] = indexFiles(disk);
  for (const damage of [
    (copy: MemoryDisk) => copy.bytesOf(first!).fill(0, 40, 48),
    (copy: MemoryDisk) => copy.cut(first!, 20),
    (copy: MemoryDisk) =>
      copy.bytesOf(first!).set(copy.bytesOf(second!).subarray(0, copy.bytesOf(first!).length)),
    (copy: MemoryDisk) => copy.unlink(first!),
  ]) {
    const copy = disk.copy();
    damage(copy);
    const { log } = await open(copy);
    expect(log.entryAt(900 as Sequence)?.sequence).toBe(900);
    const rebuilt = copy.bytesOf(first!);
    expect(Buffer.compare(rebuilt, disk.bytesOf(first!))).toBe(0);
  }
});

async function logOfSegments(segments: number): Promise<MemoryDisk> {
  const disk = newDisk();
  const { log } = await open(disk);
  for (let group = 0; log.status().segments < segments; group++) {
    appendGroup(log, ...Array.from({ length: 20 }, (_, each) => `${group} ${each}`.padEnd(400)));
  }
  appendGroup(log, 'last');
  await log.close();
  const { log: again } = await open(disk);
  expect((await texts(again)).at(-1)).toBe('last');
  await again.close();
  return disk;
}

function indexFiles(disk: MemoryDisk): string[] {
  return disk
    .paths()
    .filter((path) => path.startsWith(`${DIRECTORY}/views/log-index/`))
    .sort();
}
