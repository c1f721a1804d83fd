import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { TruthError } from '../../../db/errors.ts';
import type { Sequence } from '../../../db/types.ts';
import { archiveSegments, type Hold, openReader, pruneSegments, verifyLog } from '../../../db/wal/index.ts';
import { segmentsToArchive, segmentsToPrune } from '../../../db/wal/retention.ts';
import type { SegmentName } from '../../../db/wal/segment.ts';
import { type MemoryDisk, SimulatedCrash } from './memory-disk.ts';
import { appendGroup, collect, DIRECTORY, newDisk, open, pickFrom, segmentPaths, texts } from './support.ts';

const ARCHIVE = '/archive';

/** A closed log of five segments. */
async function fiveSegments() {
  const disk = newDisk();
  const { log } = await open(disk);
  for (let group = 0; log.status().segments < 5; group++) appendGroup(log, `${group} `.padEnd(50_000, 'x'));
  appendGroup(log, 'last');
  const all = await texts(log);
  await log.close();
  const firsts = segmentPaths(disk).map((path) => Number(/-(\d+)\./.exec(path)![1]) as Sequence);
  return { disk, all, firsts };
}

function prune(disk: MemoryDisk, before: Sequence, holds: readonly Hold[] = [], withoutArchive = true) {
  return pruneSegments({ disk, directory: DIRECTORY, before, holds, withoutArchive });
}

function archive(disk: MemoryDisk, before: Sequence) {
  return archiveSegments({ disk, directory: DIRECTORY, to: ARCHIVE, before, progress: () => {} });
}

describe('what may go', () => {
  const states = fc.array(fc.constantFrom('sealed' as const, 'archived' as const), { maxLength: 8 });
  const log = fc
    .tuple(states, fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 9, maxLength: 9 }))
    .map(([sealed, sizes]) => {
      let first = 1;
      return [...sealed, 'open' as const].map((state, at): SegmentName => {
        const name = { index: at + 1, firstSequence: first as Sequence, state };
        first += sizes[at]!;
        return name;
      });
    });
  const position = fc.integer({ min: 0, max: 5000 }).map((value) => value as Sequence);
  const holds = fc.array(
    fc.record({
      kind: fc.constantFrom('snapshot' as const, 'follower' as const),
      name: fc.string(),
      from: position,
    }),
    { maxLength: 3 },
  );

  test('is a prefix of whole segments before the sequence, never the last, never what somebody holds', () => {
    fc.assert(
      fc.property(log, position, holds, fc.boolean(), (segments, before, holds, withoutArchive) => {
        let going: SegmentName[];
        try {
          going = segmentsToPrune({ segments, before, holds, withoutArchive });
        } catch (error) {
          const { code, details } = error as TruthError;
          expect(code).toBe('LOCKED');
          const possible = Number(details['possible']) as Sequence;
          expect(possible).toBeLessThan(before);
          // What is said to be possible is possible, but for archives.
          const again = segmentsToPrune({ segments, before: possible, holds, withoutArchive: true });
          expect(again.length).toBeLessThan(segments.length);
          return;
        }
        expect(going).toEqual(segments.slice(0, going.length));
        expect(going.length).toBeLessThan(segments.length);
        const floor = segments[going.length]!.firstSequence;
        if (going.length > 0) {
          expect(floor).toBeLessThanOrEqual(before);
          for (const hold of holds) expect(hold.from).toBeGreaterThanOrEqual(floor);
          if (!withoutArchive) for (const { state } of going) expect(state).toBe('archived');
        }
        const next = segments[going.length + 1];
        if (next !== undefined) expect(next.firstSequence).toBeGreaterThan(before);
      }),
    );
  });

  test('to the archive go sealed segments before the sequence', () => {
    fc.assert(
      fc.property(log, position, (segments, before) => {
        for (const name of segmentsToArchive(segments, before)) {
          expect(name.state).toBe('sealed');
          expect(segments[name.index]!.firstSequence).toBeLessThanOrEqual(before);
        }
      }),
    );
  });
});

describe('a pruned log', () => {
  test('begins at the floor it states, says PRUNED of what was before, and goes on', async () => {
    const { disk, all, firsts } = await fiveSegments();
    expect(prune(disk, (firsts[2]! + 5) as Sequence)).toMatchObject({ floor: firsts[2] });
    expect(segmentPaths(disk)).toHaveLength(3);
    const { log } = await open(disk);
    expect(log.retention.floor).toBe(firsts[2]);
    const kept = await texts(log, firsts[2]);
    expect(kept).toEqual(all.slice(-kept.length));
    for (const from of [1, firsts[2]! - 1] as Sequence[]) {
      const pruned = { code: 'PRUNED', details: { sequence: from, first: firsts[2] } };
      await expect(collect(log.read({ from, follow: false }))).rejects.toMatchObject(pruned);
      expect(() => log.entryAt(from)).toThrowError(expect.objectContaining(pruned));
    }
    expect((await collect(log.readBackwards(log.stable))).at(-1)!.sequence).toBeGreaterThanOrEqual(
      firsts[2]!,
    );
    appendGroup(log, 'on it goes');
    await log.close();
    expect(verifyLog({ disk, directory: DIRECTORY })).toMatchObject({ ok: true, firstSequence: firsts[2] });
  });

  test('is refused to whoever is held, naming the holder, and changes nothing then', async () => {
    const { disk, firsts } = await fiveSegments();
    const before = segmentPaths(disk);
    const holds: Hold[] = [{ kind: 'snapshot', name: 'nightly', from: (firsts[1]! + 3) as Sequence }];
    expect(() => prune(disk, firsts[3]!, holds)).toThrowError(
      expect.objectContaining({
        code: 'LOCKED',
        message: expect.stringContaining('snapshot nightly'),
        details: expect.objectContaining({ kind: 'snapshot', holder: 'nightly', possible: firsts[1]! + 3 }),
      }),
    );
    expect(segmentPaths(disk)).toEqual(before);
    expect(prune(disk, (firsts[1]! + 3) as Sequence, holds)).toMatchObject({ floor: firsts[1] });
  });

  test('loses no file that is in no archive unless the loss is declared', async () => {
    const { disk, firsts } = await fiveSegments();
    expect(() => prune(disk, firsts[2]!, [], false)).toThrowError(
      expect.objectContaining({ details: expect.objectContaining({ kind: 'archive' }) }),
    );
    disk.mkdir('/');
    expect(archive(disk, firsts[2]!)).toHaveLength(2);
    expect(prune(disk, firsts[2]!, [], false).removed).toHaveLength(2);
  });

  test('misses a file above its floor as precisely as any log', async () => {
    const { disk, firsts } = await fiveSegments();
    prune(disk, firsts[2]!);
    for (const [at, index] of [3, 4, 5].entries()) {
      const gone = disk.copy();
      gone.unlink(segmentPaths(gone)[at]!);
      await expect(open(gone)).rejects.toMatchObject({
        code: 'CORRUPT',
        message: expect.stringContaining(`segment ${index} is missing`),
      });
    }
    disk.unlink(`${DIRECTORY}/metadata/floor.json`);
    await expect(open(disk)).rejects.toMatchObject({
      message: expect.stringContaining('segments 1 to 2 are missing'),
    });
  });

  test('is whole after a crash at any moment of pruning', async () => {
    const { disk, firsts } = await fiveSegments();
    for (let crashBefore = 0; ; crashBefore++) {
      const crashing = disk.copy();
      crashing.crashBefore = crashing.operations + crashBefore;
      let done = false;
      try {
        prune(crashing, firsts[3]!);
        done = true;
      } catch (error) {
        if (!(error instanceof SimulatedCrash)) throw error;
      }
      const found = crashing.crash(pickFrom(crashBefore));
      const { log } = await open(found);
      expect([1, firsts[3]]).toContain(log.retention.floor);
      expect(await texts(log, log.retention.floor)).not.toEqual([]);
      await log.close();
      expect(verifyLog({ disk: found, directory: DIRECTORY }).ok).toBe(true);
      if (done) return;
    }
  });

  test('keeps what readers under way and others still need, as long as they do', async () => {
    const { disk, firsts } = await fiveSegments();
    const { log } = await open(disk);
    const reading = log.read({ from: firsts[1]!, follow: false })[Symbol.asyncIterator]();
    await reading.next();
    const held = log.retention.hold({ kind: 'follower', name: 'copy', from: firsts[0]! });
    const attempt = () => log.retention.prune({ before: firsts[3]!, withoutArchive: true, others: [] });
    expect(attempt).toThrowError(
      expect.objectContaining({ message: expect.stringContaining('follower copy') }),
    );
    held.advance(firsts[4]!);
    expect(attempt).toThrowError(expect.objectContaining({ message: expect.stringContaining('reader at') }));
    await reading.return?.(undefined);
    expect(attempt()).toMatchObject({ floor: firsts[3] });
    expect(log.retention.floor).toBe(firsts[3]);
    await expect(collect(log.read({ from: firsts[1]!, follow: false }))).rejects.toMatchObject({
      code: 'PRUNED',
    });
    appendGroup(log, 'on it goes');
    expect((await texts(log, firsts[3])).at(-1)).toBe('on it goes');
    await log.close();
  });

  test('says PRUNED, not CORRUPT, to a reader of another process that it was pruned under', async () => {
    const { disk, firsts } = await fiveSegments();
    const reader = openReader({ disk, directory: DIRECTORY });
    prune(disk, firsts[3]!);
    await expect(collect(reader.read({ from: firsts[1]!, follow: false }))).rejects.toMatchObject({
      code: 'PRUNED',
      details: { first: firsts[3] },
    });
  });
});

describe('an archive', () => {
  test('holds the segments byte for byte and verifies by itself, also when it grows', async () => {
    const { disk, firsts } = await fiveSegments();
    disk.mkdir('/');
    const originals = segmentPaths(disk).map((path) => Buffer.from(disk.bytesOf(path)));
    expect(archive(disk, firsts[2]!).map(({ index }) => index)).toEqual([1, 2]);
    expect(archive(disk, firsts[2]!)).toEqual([]);
    expect(archive(disk, firsts[4]!).map(({ index }) => index)).toEqual([3, 4]);
    expect(segmentPaths(disk).map((path) => path.split('.').at(-1))).toEqual([
      ...['archived', 'archived', 'archived', 'archived'],
      'open',
    ]);
    const copies = disk
      .paths()
      .filter((path) => path.startsWith(`${ARCHIVE}/wal/`))
      .sort();
    expect(copies.map((path) => Buffer.from(disk.bytesOf(path)).equals(originals.shift()!))).toEqual(
      copies.map(() => true),
    );
    expect(verifyLog({ disk, directory: ARCHIVE })).toMatchObject({ ok: true, lastSequence: firsts[4]! - 1 });
    const { log } = await open(disk);
    expect(await texts(log)).not.toEqual([]);
    await log.close();
  });

  test('takes nothing that is damaged, and nothing of another log', async () => {
    const { disk, firsts } = await fiveSegments();
    disk.mkdir('/');
    const damaged = disk.copy();
    damaged.bytesOf(segmentPaths(damaged)[1]!)[5000]! ^= 1;
    expect(() => archive(damaged, firsts[3]!)).toThrowError(expect.objectContaining({ code: 'CORRUPT' }));
    expect(segmentPaths(damaged).map((path) => path.split('.').at(-1))).toEqual([
      ...['archived', 'sealed', 'sealed', 'sealed'],
      'open',
    ]);
    archive(disk, firsts[1]!);
    disk.bytesOf(`${ARCHIVE}/metadata/log.json`).set(Buffer.from('f0'), 25);
    expect(() => archive(disk, firsts[2]!)).toThrowError(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    );
  });

  test('that a crash cut short is completed by archiving again', async () => {
    const { disk, firsts } = await fiveSegments();
    disk.mkdir('/');
    for (let crashBefore = 0; ; crashBefore += 7) {
      const crashing = disk.copy();
      crashing.crashBefore = crashing.operations + crashBefore;
      let done = false;
      try {
        archive(crashing, firsts[2]!);
        done = true;
      } catch (error) {
        if (!(error instanceof SimulatedCrash)) throw error;
      }
      const found = crashing.crash(pickFrom(crashBefore));
      archive(found, firsts[2]!);
      expect(verifyLog({ disk: found, directory: ARCHIVE })).toMatchObject({
        ok: true,
        lastSequence: firsts[2]! - 1,
      });
      expect(verifyLog({ disk: found, directory: DIRECTORY }).ok).toBe(true);
      if (done) return;
    }
  });
});
