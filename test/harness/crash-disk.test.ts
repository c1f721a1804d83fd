import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CrashPlan } from '../../scripts/vm/crash-disk.ts';
import {
  crashPoints,
  survivingRanges,
  unflushedRanges,
  writeCrashDisk,
} from '../../scripts/vm/crash-disk.ts';
import { CrashReplay, readRecording } from '../../scripts/vm/crash-replay.ts';
import { flushPoints, LOG_WRITES_FLAGS, parseLogWrites } from '../../scripts/vm/log-writes.ts';

const SECTOR = 512;
const DISK_SECTORS = 16;

/** One thing a guest does: write sectors filled with a byte, flush, or discard. */
interface Act {
  readonly kind: 'write' | 'fua' | 'flush' | 'discard';
  readonly sector: number;
  readonly count: number;
  readonly fill: number;
}

function encode(acts: readonly Act[]): Buffer {
  const header = Buffer.alloc(SECTOR);
  header.writeBigUInt64LE(0x6a736677736872n, 0);
  header.writeBigUInt64LE(1n, 8);
  header.writeBigUInt64LE(BigInt(acts.length), 16);
  header.writeUInt32LE(SECTOR, 24);
  const parts = [header];
  for (const act of acts) {
    const entry = Buffer.alloc(SECTOR);
    const flags = {
      write: 0,
      fua: LOG_WRITES_FLAGS.fua,
      flush: LOG_WRITES_FLAGS.flush,
      discard: LOG_WRITES_FLAGS.discard,
    };
    const count = act.kind === 'flush' ? 0 : act.count;
    entry.writeBigUInt64LE(BigInt(act.kind === 'flush' ? 0 : act.sector), 0);
    entry.writeBigUInt64LE(BigInt(count), 8);
    entry.writeBigUInt64LE(BigInt(flags[act.kind]), 16);
    parts.push(entry);
    if (act.kind !== 'discard') parts.push(Buffer.alloc(count * SECTOR, act.fill));
  }
  return Buffer.concat(parts);
}

function parse(recording: Buffer): ReturnType<typeof parseLogWrites> {
  return parseLogWrites((offset, length) => recording.subarray(offset, offset + length), recording.length);
}

/** Fill byte of every sector after the acts that `keep` says survive. */
function replay(acts: readonly Act[], keep: (index: number) => boolean): number[] {
  const disk = new Array<number>(DISK_SECTORS).fill(0);
  acts.forEach((act, index) => {
    if (act.kind === 'flush' || !keep(index)) return;
    disk.fill(act.kind === 'discard' ? 0 : act.fill, act.sector, act.sector + act.count);
  });
  return disk;
}

const act: fc.Arbitrary<Act> = fc.record({
  kind: fc.constantFrom(
    'write' as const,
    'write' as const,
    'fua' as const,
    'flush' as const,
    'discard' as const,
  ),
  sector: fc.integer({ min: 0, max: DISK_SECTORS - 4 }),
  count: fc.integer({ min: 1, max: 4 }),
  fill: fc.integer({ min: 1, max: 255 }),
});
const acts = fc.array(act, { maxLength: 30 });

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(os.tmpdir(), 'truthdb-crash-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Makes the crash disk as a file and reads back the fill byte of each sector (which must be uniform). */
function crash(recording: Buffer, plan: CrashPlan): number[] {
  const [disk, log] = [join(folder, 'disk'), join(folder, 'log')];
  writeFileSync(disk, Buffer.alloc(DISK_SECTORS * SECTOR));
  writeFileSync(log, recording);
  writeCrashDisk(disk, log, survivingRanges(parse(recording), plan));
  return fillsOf(disk);
}

function fillsOf(disk: string): number[] {
  const bytes = readFileSync(disk);
  return Array.from({ length: DISK_SECTORS }, (_, sector) => {
    const content = bytes.subarray(sector * SECTOR, (sector + 1) * SECTOR);
    expect(content.every((byte) => byte === content[0])).toBe(true);
    return content[0]!;
  });
}

describe('a recording of writes', () => {
  test('parses to what was written, at every place where it may be cut off', () => {
    fc.assert(
      fc.property(acts, fc.nat(), (done, cut) => {
        const recording = encode(done);
        const all = parse(recording);
        expect(
          all.map(({ offset, length, flush, fua, discard }) => ({ offset, length, flush, fua, discard })),
        ).toEqual(
          done.map(({ kind, sector, count }) => ({
            offset: kind === 'flush' ? 0 : sector * SECTOR,
            length: kind === 'flush' ? 0 : count * SECTOR,
            flush: kind === 'flush',
            fua: kind === 'fua',
            discard: kind === 'discard',
          })),
        );
        const bytes = SECTOR + (cut % (recording.length - SECTOR + 1));
        expect(parse(recording.subarray(0, bytes))).toEqual(all.filter((entry) => entry.end <= bytes));
      }),
    );
  });

  test('ends where the recorder had not written yet', () => {
    const recording = Buffer.concat([
      encode([{ kind: 'flush', sector: 0, count: 0, fill: 0 }]),
      Buffer.alloc(4 * SECTOR),
    ]);
    expect(parse(recording)).toHaveLength(1);
  });

  test('is refused when it is something else', () => {
    expect(() => parse(Buffer.alloc(SECTOR))).toThrow('not a recording of writes: its magic is 0x0');
    const wrong = encode([]);
    wrong.writeBigUInt64LE(2n, 8);
    expect(() => parse(wrong)).toThrow('format version 2');
    expect(() => parse(Buffer.alloc(3))).toThrow('28 bytes of super block, this has 3');
  });
});

describe('a crash disk', () => {
  test('holds everything up to its flush and of each later write all or nothing', () => {
    fc.assert(
      fc.property(acts, fc.nat(), fc.integer(), (done, pick, seed) => {
        const recording = encode(done);
        const points = crashPoints(parse(recording));
        const { flush, last: end } = points[pick % points.length]!;
        const last = Math.min(end, flush + 10);
        const after = crash(recording, { point: { flush, last }, seed, grain: 'write' });
        const open = done.flatMap((_, index) => (index > flush && index <= last ? [index] : []));
        const possible = subsets(open).map((kept) =>
          replay(
            done,
            (index) => index <= flush || (index <= last && done[index]!.kind === 'fua') || kept.has(index),
          ),
        );
        expect(possible).toContainEqual(after);
      }),
      { numRuns: 60 },
    );
  });

  test('cut sector by sector holds in every sector something that was written there since the flush, or what was flushed', () => {
    fc.assert(
      fc.property(acts, fc.nat(), fc.integer(), (done, pick, seed) => {
        const recording = encode(done);
        const points = crashPoints(parse(recording));
        const point = points[pick % points.length]!;
        const after = crash(recording, { point, seed, grain: 'sector' });
        const flushed = replay(done, (index) => index <= point.flush);
        after.forEach((fill, sector) => {
          const later = done
            .slice(point.flush + 1, point.last + 1)
            .filter((one) => one.kind !== 'flush' && one.sector <= sector && sector < one.sector + one.count)
            .map((one) => (one.kind === 'discard' ? 0 : one.fill));
          expect([flushed[sector], ...later]).toContain(fill);
        });
      }),
      { numRuns: 60 },
    );
  });

  test('is the same for the same seed and differs between seeds', () => {
    const writes = Array.from(
      { length: 10 },
      (_, sector): Act => ({ kind: 'write', sector, count: 1, fill: 7 }),
    );
    const recording = encode(writes);
    const point = { flush: -1, last: 9 };
    const disks = Array.from({ length: 8 }, (_, seed) =>
      crash(recording, { point, seed, grain: 'write' }).join(),
    );
    expect(crash(recording, { point, seed: 3, grain: 'write' }).join()).toBe(disks[3]);
    expect(new Set(disks).size).toBeGreaterThan(4);
  });

  test('is refused for a point outside the recording', () => {
    expect(() => survivingRanges([], { point: { flush: 0, last: 0 }, seed: 1, grain: 'write' })).toThrow(
      'does not lie within 0 recorded entries',
    );
  });

  test('reports a recording that ends before its entries do', () => {
    const [disk, log] = [join(folder, 'disk'), join(folder, 'log')];
    const recording = encode([{ kind: 'write', sector: 0, count: 1, fill: 9 }]);
    const ranges = survivingRanges(parse(recording), {
      point: { flush: -1, last: 0 },
      seed: 1,
      grain: 'write',
    });
    writeFileSync(disk, Buffer.alloc(SECTOR));
    const fd = openSync(log, 'w');
    writeSync(fd, recording.subarray(0, SECTOR));
    closeSync(fd);
    const kept = ranges.length > 0 ? ranges : [{ offset: 0, length: SECTOR, source: 2 * SECTOR }];
    expect(() => writeCrashDisk(disk, log, kept)).toThrow('ends before byte');
  });

  test('is the same when one file moves along the recording from cut to cut', async () => {
    await fc.assert(
      fc.asyncProperty(acts, fc.integer(), async (done, seed) => {
        const recording = encode(done);
        const points = crashPoints(parse(recording));
        const plans = points.flatMap((point): CrashPlan[] => [
          { point, seed, grain: 'write' },
          { point, seed, grain: 'sector' },
        ]);
        const expected = plans.map((plan) => crash(recording, plan));
        const [walked, log] = [join(folder, 'walked'), join(folder, 'log')];
        writeFileSync(walked, Buffer.alloc(DISK_SECTORS * SECTOR));
        const entries = readRecording(log);
        const replay = new CrashReplay(walked, log, entries);
        for (const [index, plan] of plans.entries()) {
          replay.advance(plan.point);
          await replay.during(unflushedRanges(entries, plan), async (disk) => {
            expect(fillsOf(disk)).toEqual(expected[index]);
          });
        }
        replay.close();
      }),
      { numRuns: 40 },
    );
  });

  test('cannot be taken from a place that has been passed', () => {
    const flush: Act = { kind: 'flush', sector: 0, count: 0, fill: 0 };
    const log = join(folder, 'log');
    writeFileSync(log, encode([flush, flush]));
    writeFileSync(join(folder, 'walked'), Buffer.alloc(SECTOR));
    const replay = new CrashReplay(join(folder, 'walked'), log, readRecording(log));
    replay.advance({ flush: 1, last: 1 });
    expect(() => replay.advance({ flush: 0, last: 0 })).toThrow('cannot go back to 0');
    replay.close();
  });

  test('can be cut before the first flush, after the last, and between any two', () => {
    const flush: Act = { kind: 'flush', sector: 0, count: 0, fill: 0 };
    const write: Act = { kind: 'write', sector: 0, count: 1, fill: 1 };
    const entries = parse(encode([write, flush, write, write, flush, write]));
    expect(flushPoints(entries)).toEqual([1, 4]);
    expect(crashPoints(entries)).toEqual([
      { flush: -1, last: 0 },
      { flush: 1, last: 3 },
      { flush: 4, last: 5 },
    ]);
  });
});

function subsets(items: readonly number[]): Set<number>[] {
  return Array.from(
    { length: 2 ** items.length },
    (_, mask) => new Set(items.filter((_item, bit) => (mask >> bit) & 1)),
  );
}
