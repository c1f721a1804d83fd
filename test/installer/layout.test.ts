import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { edgeRanges, partitionPath, planLayout, sfdiskScript, tableRanges } from '../../installer/layout.ts';
import {
  DISK_BYTES_MIN,
  ESP_TYPE_GUID,
  PARTITIONS,
  UNCOMMITTED_TYPE_GUID,
} from '../../installer/partition-types.ts';
import { payload } from './examples.ts';

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;
const layoutOf = (bytes: number, logicalBlockBytes = 512) =>
  planLayout({ bytes, logicalBlockBytes }, payload.rootHash);

describe('the layout of a disk', () => {
  it('has every partition of the table, in its order, the data taking what is left', () => {
    const { partitions } = layoutOf(20 * GIB);
    expect(partitions.map(({ name }) => name)).toEqual(PARTITIONS.map(({ name }) => name));
    expect(partitions.map(({ bytes }) => bytes / MIB)).toEqual([
      1024,
      2048,
      64,
      2048,
      64,
      2048,
      20 * 1024 - 2 - 1024 - 3 * 2048 - 128,
    ]);
  });

  it('names the slot by the root hash and nothing else by plan', () => {
    expect(layoutOf(20 * GIB).partitions.map(({ uuid }) => uuid)).toEqual([
      undefined,
      '00112233-4455-6677-8899-aabbccddeeff',
      '01234567-89ab-cdef-0123-456789abcdef',
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('is refused below the smallest disk and for odd blocks', () => {
    expect(() => layoutOf(DISK_BYTES_MIN - 512)).toThrow(expect.objectContaining({ code: 'NOT_ELIGIBLE' }));
    expect(() => layoutOf(DISK_BYTES_MIN, 520)).toThrow(expect.objectContaining({ code: 'NOT_ELIGIBLE' }));
    expect(layoutOf(DISK_BYTES_MIN).partitions.at(-1)?.bytes).toBeGreaterThan(8 * GIB);
  });

  it('is aligned, without overlap, inside the disk, and leaves room for both tables, for any disk', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 33n * 1024n * 1024n, max: 2n ** 34n }),
        fc.constantFrom(512, 4096),
        (sectors, block) => {
          const bytes = Number((sectors * 512n) / BigInt(block)) * block;
          const layout = layoutOf(bytes, block);
          let end = MIB;
          for (const { startBytes, bytes: length } of layout.partitions) {
            expect(startBytes).toBe(end);
            expect(startBytes % MIB).toBe(0);
            expect(length % MIB).toBe(0);
            end = startBytes + length;
          }
          // Backup GPT: 16 KiB of entries and a header of one block.
          expect(bytes - end).toBeGreaterThanOrEqual(16 * 1024 + block);
          expect(bytes - end).toBeLessThan(2 * MIB);
          const covered = tableRanges(layout).reduce((sum, range) => sum + range.bytes, 0);
          expect(covered + layout.partitions.reduce((sum, partition) => sum + partition.bytes, 0)).toBe(
            bytes,
          );
        },
      ),
    );
  });

  it('erases the first and last 16 MiB of every partition', () => {
    const { partitions } = layoutOf(20 * GIB);
    const ranges = edgeRanges(layoutOf(20 * GIB));
    for (const { startBytes, bytes } of partitions) {
      expect(ranges).toContainEqual({ startBytes, bytes: 16 * MIB });
      expect(ranges).toContainEqual({ startBytes: startBytes + bytes - 16 * MIB, bytes: 16 * MIB });
    }
    expect(ranges.length).toBe(2 * partitions.length);
  });
});

describe('the script for sfdisk', () => {
  it('counts in the blocks of the disk', () => {
    expect(sfdiskScript(layoutOf(20 * GIB), UNCOMMITTED_TYPE_GUID)).toContain(
      '1 : start=2048, size=2097152, type=0FC63DAF',
    );
    expect(sfdiskScript(layoutOf(20 * GIB, 4096), UNCOMMITTED_TYPE_GUID)).toContain(
      '1 : start=256, size=262144, type=0FC63DAF',
    );
  });

  it('gives partition 1 the type it is told and nothing else the type of an ESP', () => {
    const script = sfdiskScript(layoutOf(20 * GIB), UNCOMMITTED_TYPE_GUID);
    expect(script).not.toContain(ESP_TYPE_GUID);
    for (const { label } of PARTITIONS) expect(script).toContain(`name="${label}"`);
  });
});

it('a partition of a disk whose name ends in a digit has a p in its name', () => {
  expect([
    partitionPath('/dev/sda', 1),
    partitionPath('/dev/nvme0n1', 7),
    partitionPath('/dev/mmcblk0', 2),
  ]).toEqual(['/dev/sda1', '/dev/nvme0n1p7', '/dev/mmcblk0p2']);
});
