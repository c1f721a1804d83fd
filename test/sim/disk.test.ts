/** The simulated disk: what is durable, what is not, and that one seed is one run. */
import { describe, expect, test } from 'vitest';
import { HONEST, type Machine, SimDisk } from '../../db/sim/disk.ts';
import { Faults } from '../../db/sim/faults.ts';
import type { Reach } from '../../db/sim/file.ts';
import type { NameOrder } from '../../db/sim/names.ts';
import { Random } from '../../db/sim/random.ts';
import { SimTime } from '../../db/sim/time.ts';
import { Trace } from '../../db/sim/trace.ts';

const ALL: Reach = { kind: 'all' };
const NONE: Reach = { kind: 'none' };

function machine(nameOrder: NameOrder = 'journal', seed = 1): Machine {
  const random = new Random(seed, 'test');
  return {
    time: new SimTime(),
    trace: new Trace(true),
    faults: new Faults(),
    random,
    nameOrder,
    lies: HONEST,
  };
}

/** A disk with one durable directory. */
function newDisk(on: Machine): SimDisk {
  const disk = new SimDisk(on);
  disk.mkdir('/d');
  disk.fsyncDirectory('/');
  return disk;
}

function fill(byte: number, length: number): Uint8Array {
  return new Uint8Array(length).fill(byte);
}

function contentOf(disk: SimDisk, path: string): Uint8Array {
  const handle = disk.open(path, 'read');
  const bytes = new Uint8Array(disk.size(handle));
  disk.pread(handle, bytes, bytes.length, 0);
  disk.close(handle);
  return bytes;
}

/** A durable file of ones, with twos written over it that no sync covered. */
function overwritten(on: Machine, length = 16_384): SimDisk {
  const disk = newDisk(on);
  const handle = disk.open('/d/f', 'create');
  disk.pwrite(handle, fill(1, length), 0);
  disk.fsync(handle);
  disk.fsyncDirectory('/d');
  disk.pwrite(handle, fill(2, length), 0);
  return disk;
}

describe('what no sync covered', () => {
  test('may be there after a power cut, or not, or up to a moment', () => {
    const cut = (reach: Reach): Uint8Array => {
      const on = machine();
      return contentOf(overwritten(on).powerCut(on.random, reach).disk, '/d/f');
    };
    expect(cut(ALL)).toEqual(fill(2, 16_384));
    expect(cut(NONE)).toEqual(fill(1, 16_384));
    expect(cut({ kind: 'until', order: 1 })).toEqual(fill(1, 16_384));
    expect(cut({ kind: 'until', order: 2 })).toEqual(fill(2, 16_384));
  });

  test.each([512, 4096])('is torn into whole sectors of %i bytes, old or new', (sectorBytes) => {
    const seen = new Set<string>();
    for (let seed = 0; seed < 20; seed++) {
      const on = machine('journal', seed);
      const { disk } = overwritten(on).powerCut(on.random, { kind: 'mixed', missing: 0.5, sectorBytes });
      const bytes = contentOf(disk, '/d/f');
      let shape = '';
      for (let at = 0; at < bytes.length; at += sectorBytes) {
        const sector = bytes.subarray(at, at + sectorBytes);
        expect(sector).toEqual(fill(sector[0]!, sectorBytes));
        shape += sector[0];
      }
      expect(shape).toMatch(/^[12]+$/);
      seen.add(shape);
    }
    expect(seen.size).toBeGreaterThan(3);
  });

  test('may come back as garbage, which is counted', () => {
    const on = machine();
    const { disk, garbageSectors } = overwritten(on).powerCut(on.random, ALL, 0.5);
    const bytes = contentOf(disk, '/d/f');
    const strange = bytes.filter((byte) => byte !== 2).length;
    expect(garbageSectors).toBeGreaterThan(5);
    expect(strange).toBeGreaterThan(garbageSectors * 400);
  });

  test('stays in the page cache when only the process is killed', () => {
    const disk = overwritten(machine()).kill();
    expect(contentOf(disk, '/d/f')).toEqual(fill(2, 16_384));
  });
});

describe('a failed sync', () => {
  test('loses what it covered, and the next one succeeds all the same', () => {
    for (let seed = 0; seed < 10; seed++) {
      const on = machine('journal', seed);
      const disk = overwritten(on);
      const handle = disk.open('/d/f', 'write');
      on.faults.arm({ fault: 'EIO', operation: 'fdatasync', path: '', after: 0 });
      expect(() => disk.fdatasync(handle)).toThrowError(/EIO/);
      disk.fdatasync(handle);
      expect(contentOf(disk, '/d/f')).toEqual(fill(2, 16_384));
      const found = contentOf(disk.powerCut(on.random, ALL).disk, '/d/f');
      expect(found.filter((byte) => byte === 1).length).toBeGreaterThan(512);
    }
  });

  test('is repaired by writing the same bytes once more', () => {
    const on = machine();
    const disk = overwritten(on);
    const handle = disk.open('/d/f', 'write');
    on.faults.arm({ fault: 'EIO', operation: 'fdatasync', path: '', after: 0 });
    expect(() => disk.fdatasync(handle)).toThrowError(/EIO/);
    disk.pwrite(handle, fill(2, 16_384), 0);
    disk.fdatasync(handle);
    expect(contentOf(disk.powerCut(on.random, NONE).disk, '/d/f')).toEqual(fill(2, 16_384));
  });
});

describe('a name', () => {
  test.each(['journal', 'any'] as const)('that no directory sync covered may be gone (%s)', (order) => {
    const found = new Set<boolean>();
    for (let seed = 0; seed < 20; seed++) {
      const on = machine(order, seed);
      const disk = newDisk(on);
      disk.fsync(disk.open('/d/f', 'create'));
      found.add(disk.powerCut(on.random, ALL).disk.list('/d').includes('f'));
    }
    expect([...found].sort()).toEqual([false, true]);
  });

  test('is there once its directory was synced, a renamed one under either name before', () => {
    const found = new Set<string>();
    for (let seed = 0; seed < 20; seed++) {
      const on = machine('any', seed);
      const disk = newDisk(on);
      disk.fsync(disk.open('/d/old', 'create'));
      disk.fsyncDirectory('/d');
      disk.rename('/d/old', '/d/new');
      found.add(disk.powerCut(on.random, ALL).disk.list('/d').join());
    }
    expect([...found].sort()).toEqual(['new', 'old']);
  });

  test('of a file in a directory that did not make it is gone with it', () => {
    const found = new Set<string>();
    for (let seed = 0; seed < 20; seed++) {
      const on = machine('any', seed);
      const disk = newDisk(on);
      disk.mkdir('/d/sub');
      disk.fsync(disk.open('/d/sub/f', 'create'));
      disk.fsyncDirectory('/d/sub');
      const after = disk.powerCut(on.random, ALL).disk;
      found.add(after.file('/d/sub/f') === null ? 'gone' : 'there');
      expect(after.list('/d').length).toBe(after.file('/d/sub/f') === null ? 0 : 1);
    }
    expect([...found].sort()).toEqual(['gone', 'there']);
  });
});

describe('a fault', () => {
  test('comes at the call it was armed for, and once', () => {
    const on = machine();
    const disk = newDisk(on);
    on.faults.arm({ fault: 'ENOSPC', operation: 'pwrite', path: 'f', after: 1 });
    const handle = disk.open('/d/f', 'create');
    disk.pwrite(handle, fill(1, 10), 0);
    expect(() => disk.pwrite(handle, fill(2, 10), 0)).toThrowError(
      expect.objectContaining({ code: 'ENOSPC' }),
    );
    disk.pwrite(handle, fill(3, 10), 0);
    expect(contentOf(disk, '/d/f')).toEqual(fill(3, 10));
  });

  test('that is a short write leaves whole pages of it, or nothing', () => {
    const sizes = new Set<number>();
    for (let seed = 0; seed < 30; seed++) {
      const on = machine('journal', seed);
      const disk = newDisk(on);
      const handle = disk.open('/d/f', 'create');
      on.faults.arm({ fault: 'short', operation: 'pwrite', path: '', after: 0 });
      expect(() => disk.pwrite(handle, fill(1, 10_000), 1000)).toThrowError(/short/);
      sizes.add(disk.size(handle));
      on.faults.arm({ fault: 'short', operation: 'pwrite', path: '', after: 0 });
      expect(() => disk.pwrite(handle, fill(1, 100), 20_000)).toThrowError(/short/);
      expect(disk.size(handle)).toBeLessThan(20_000);
    }
    expect([...sizes].sort((a, b) => a - b)).toEqual([4096, 8192]);
  });

  test('that is a delay lets time pass', () => {
    const on = machine();
    const disk = newDisk(on);
    const handle = disk.open('/d/f', 'create');
    const before = on.time.monotonicNanos();
    on.faults.arm({ fault: 'delay', operation: 'fdatasync', path: '', after: 0 });
    disk.fdatasync(handle);
    expect(on.time.monotonicNanos() - before).toBeGreaterThan(1_000_000_000n);
  });
});

test('a disk that has stopped does nothing more for whoever still holds it', () => {
  const on = machine();
  const disk = overwritten(on);
  const handle = disk.open('/d/f', 'write');
  const after = disk.kill();
  expect(() => disk.pwrite(handle, fill(9, 10), 0)).toThrowError(/stopped/);
  expect(contentOf(after, '/d/f')[0]).toBe(2);
});

test('space is taken by allocating and given back by removing', () => {
  const disk = newDisk(machine());
  disk.freeBytes = 5000;
  const handle = disk.open('/d/f', 'create');
  disk.allocate(handle, 4096);
  const other = disk.open('/d/g', 'create');
  expect(() => disk.allocate(other, 4096)).toThrowError(expect.objectContaining({ code: 'ENOSPC' }));
  disk.unlink('/d/f');
  disk.allocate(other, 4096);
  expect(disk.size(other)).toBe(4096);
});

test('a file cut short reads as zeros where it grows again', () => {
  const on = machine();
  const disk = overwritten(on);
  const handle = disk.open('/d/f', 'write');
  disk.truncate(handle, 5000);
  disk.allocate(handle, 20_000);
  disk.pwrite(handle, fill(3, 10), 10_000);
  disk.fsync(handle);
  const bytes = contentOf(disk.powerCut(on.random, NONE).disk, '/d/f');
  expect(bytes.subarray(4999, 5002)).toEqual(Uint8Array.of(2, 0, 0));
  expect(bytes.subarray(9999, 10_002)).toEqual(Uint8Array.of(0, 3, 3));
  expect(bytes[12_000]).toBe(0);
});

test('the same calls with the same seed leave the same trace, other bytes another', () => {
  const run = (byte: number): string => {
    const on = machine();
    const disk = overwritten(on);
    disk.pwrite(disk.open('/d/f', 'write'), fill(byte, 100), 7);
    disk.powerCut(on.random, ALL);
    return on.trace.digest;
  };
  expect(run(5)).toBe(run(5));
  expect(run(5)).not.toBe(run(6));
});
