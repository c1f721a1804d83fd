import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RestoreUntil } from '../../../db/backup/index.ts';
import { realScheduler } from '../../../db/io/index.ts';
import type { Sequence } from '../../../db/types.ts';
import { inspectEntry, isolate, verifyLog } from '../../../db/wal/index.ts';
import { pruneSegments } from '../../../db/wal/prune.ts';
import { DIRECTORY, digestsOf, openOn, replayedDigests, write } from '../snapshot/support.ts';
import type { MemoryDisk } from '../wal/memory-disk.ts';
import { pickFrom, randomFrom } from '../wal/support.ts';
import {
  backUp,
  commonBytes,
  END,
  LARGE,
  laterClock,
  linesOf,
  linesUpTo,
  live,
  outcomeOf,
  RESTORED,
  restore,
  segmentsOf,
  sequenceOf,
  verify,
} from './support.ts';

describe('restoring', () => {
  test('to any position of any history gives the bytes and the views of that moment', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.integer({ min: 1, max: 300_000 }), { maxLength: 5 }), {
          minLength: 1,
          maxLength: 3,
        }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        async (rounds, fraction) => {
          const { disk, engine, idle, lines } = await live();
          let base: string | null = null;
          let end = 0;
          for (const [round, sizes] of rounds.entries()) {
            for (const size of sizes) await write(engine, String(size).padEnd(size, '.'));
            if (round === 0 || sizes.length > 0) await idle();
            end = (await backUp(disk, `/backups/${round}`, base)).position;
            base = `/backups/${round}`;
          }
          await engine.close();
          const until = 2 + Math.round(fraction * (end - 2));
          const restored = await restore(disk, base as string, { kind: 'sequence', sequence: until });
          expect(restored.position).toBeLessThanOrEqual(until);
          const report = verifyLog({ disk, directory: RESTORED });
          expect(report.problems).toEqual([]);
          for (const [name, bytes] of segmentsOf(disk, RESTORED)) {
            const source = segmentsOf(disk, DIRECTORY).get(name);
            if (source === undefined) continue;
            const cut = cutOffset(disk, name, restored.position);
            expect(commonBytes(bytes, source)).toBeGreaterThanOrEqual(cut);
          }
          expect(await linesOf(disk, RESTORED)).toEqual(linesUpTo(lines(), restored.position));
          const next = nextCommit(disk, restored.position);
          expect(next === null || next > until).toBe(true);
        },
      ),
      { numRuns: 20 },
    );
  }, 60_000);

  test('to a moment keeps what was recorded by then', async () => {
    const { disk, engine, lines } = await live();
    await write(engine, 'a', 'b', LARGE, LARGE, LARGE, LARGE, LARGE, 'c', 'd');
    await engine.close();
    await backUp(disk, '/full');
    for (const [at, line] of lines().entries()) {
      const recordedAt = BigInt(line.split(' ')[2]!);
      const to = `/restored-${at}`;
      await restore(disk, '/full', { kind: 'moment', recordedAt }, to);
      const found = await linesOf(disk, to);
      expect(found).toEqual(lines().slice(0, at + 1));
    }
  });

  test('begins an epoch that says so, higher than any that was used', async () => {
    const { disk, engine } = await live();
    await write(engine, 'a');
    await engine.close();
    for (const seed of [4, 5]) await (await openOn(disk, undefined, seed)).engine.close();
    await backUp(disk, '/full');
    const restored = await restore(disk, '/full', { kind: 'sequence', sequence: 4 });
    expect(restored).toMatchObject({ position: 4, epoch: 4 });
    const { fields } = inspectEntry({ disk, directory: RESTORED }, 5 as Sequence);
    const shown = Object.fromEntries(fields.map(({ name, value }) => [name, value]));
    expect(shown).toMatchObject({ epoch: 4, parentEpoch: 1, parentSequence: 4, reason: 3 });
  });

  test('goes on as a database: what is appended then follows the cut', async () => {
    const { disk, engine, lines } = await live();
    await write(engine, 'a', 'b', 'c');
    await engine.close();
    await backUp(disk, '/full');
    const cut = sequenceOf(lines()[1]!) + 1;
    await restore(disk, '/full', { kind: 'sequence', sequence: cut });
    const opened = await openOn(disk, undefined, 9, RESTORED);
    await write(opened.engine, 'another c');
    const { events } = await opened.engine.readAll({ direction: 'forwards', from: 'start', limit: 9 });
    expect(events.map(({ data }) => Buffer.from(data).toString())).toEqual(['a', 'b', 'another c']);
    await opened.engine.close();
    expect(verifyLog({ disk, directory: RESTORED }).problems).toEqual([]);
    expect(await replayedDigests(disk, RESTORED)).not.toEqual(await replayedDigests(disk));
  });

  test.each([
    ['sequence', 1, 'before the first commit'],
    ['sequence', 1_000_000, 'past the end'],
    ['moment', 5, 'before the first commit'],
    ['moment', 2 ** 62, 'cannot know'],
  ])('until %s %d is refused: %s', async (kind, at, why) => {
    const until: RestoreUntil =
      kind === 'moment' ? { kind, recordedAt: BigInt(at) } : { kind: 'sequence', sequence: at };
    const { disk, engine } = await live();
    await engine.close();
    await backUp(disk, '/full');
    await expect(restore(disk, '/full', until)).rejects.toThrow(why);
    await expect(restore(disk, '/full', until)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(disk.paths().filter((path) => path.startsWith(RESTORED))).toEqual([]);
  });

  test('touches no directory that holds something', async () => {
    const { disk, engine } = await live();
    await engine.close();
    await backUp(disk, '/full');
    await expect(restore(disk, '/full', END, DIRECTORY)).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    await restore(disk, '/full');
    await expect(restore(disk, '/full')).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
  });

  test('interrupted anywhere leaves no log or all of it, and is done again', async () => {
    const { disk, engine, lines } = await live();
    await write(engine, 'one', LARGE, LARGE, LARGE, LARGE, LARGE, LARGE, 'two');
    await engine.close();
    const { position } = await backUp(disk, '/full');
    const outcomes = new Set<string>();
    for (let step = 1; ; step += 1 + Math.floor(step / 12)) {
      const machine = disk.copy();
      machine.crashBefore = step;
      const done = await restore(machine, '/full').then(
        () => true,
        () => false,
      );
      const found = machine.crash(pickFrom(step));
      const outcome = outcomeOf(() =>
        verifyLog({ disk: found, directory: RESTORED }).lastSequence >= position ? 'whole' : 'half',
      );
      outcomes.add(outcome);
      if (outcome !== 'whole') await restore(found, '/full');
      expect(await linesOf(found, RESTORED), `cut before ${step}`).toEqual(lines());
      if (done) break;
    }
    expect(outcomes).toContain('whole');
    expect(outcomes).toContain('NOT_FOUND');
    expect(outcomes).not.toContain('half');
  }, 60_000);
});

/** Where in a source segment the commit or seal at a position ends; all of it when it lies behind the segment. */
function cutOffset(disk: MemoryDisk, name: string, position: number): number {
  const segment = verifyLog({ disk, directory: DIRECTORY }).segments.find((each) =>
    each.name.startsWith(name),
  )!;
  if (position >= segment.lastSequence) return segment.bytes;
  const entry = inspectEntry({ disk, directory: DIRECTORY }, position as Sequence);
  return entry.offset + entry.bytes;
}

/** The first commit behind a position of the source, or null. */
function nextCommit(disk: MemoryDisk, position: number): number | null {
  const { lastSequence } = verifyLog({ disk, directory: DIRECTORY });
  for (let at = position + 1; at <= lastSequence; at++) {
    const { type } = inspectEntry({ disk, directory: DIRECTORY }, at as Sequence);
    if (type === 'commit') return at;
  }
  return null;
}

describe('a log that was pruned', () => {
  test('is backed up from its floor on, and restored with it; a base before the floor is refused', async () => {
    const { disk, engine } = await live();
    await write(engine, 'one');
    await engine.close();
    await backUp(disk, '/old');
    const opened = await openOn(disk, undefined, 6);
    await write(opened.engine, ...Array.from({ length: 12 }, () => LARGE), 'last');
    await opened.engine.close();
    const [, second] = verifyLog({ disk, directory: DIRECTORY }).segments;
    const before = second!.firstSequence as Sequence;
    const place = { disk, directory: DIRECTORY };
    pruneSegments({ ...place, before, holds: [], withoutArchive: true });
    await expect(backUp(disk, '/next', '/old')).rejects.toMatchObject({ code: 'PRUNED' });
    await expect(backUp(disk, '/none')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const again = await openOn(disk, undefined, 7);
    const snapshot = await again.engine.snapshots.create();
    // Nothing marks the snapshot's own commit yet but the snapshot.
    expect(await backUp(disk, '/at-once')).toMatchObject({
      position: snapshot.position,
      snapshots: [snapshot.name],
    });
    await write(again.engine, 'behind the snapshot');
    await again.engine.close();
    const full = await backUp(disk, '/full');
    expect(full.snapshots).toEqual([snapshot.name]);
    expect(verify(disk, '/full')).toMatchObject({ ok: true, firstPosition: before });
    const early: RestoreUntil = { kind: 'sequence', sequence: before + 3 };
    await expect(restore(disk, '/full', early)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      details: { first: snapshot.position },
    });
    await restore(disk, '/full');
    expect([...segmentsOf(disk, RESTORED).keys()]).toEqual([...segmentsOf(disk, DIRECTORY).keys()]);
    expect(await digestsOf(disk, RESTORED)).toEqual(await digestsOf(disk));
  });
});

describe('a log of which something was declared lost', () => {
  test.each([
    ['a group in the middle', (bytes: Uint8Array) => bytes.fill(7, 300_000, 300_100)],
    ['the rest of a segment', (bytes: Uint8Array) => bytes.fill(7, 500_000)],
  ])('%s: is backed up around it, and restored as what it is', async (_, damageOf) => {
    const { disk, engine, lines } = await live();
    await write(engine, ...Array.from({ length: 14 }, () => LARGE), 'last');
    await engine.close();
    const path = disk.paths().find((each) => each.includes('/wal/0000000002-'))!;
    damageOf(disk.bytesOf(path));
    await expect(backUp(disk, '/damaged')).rejects.toMatchObject({ code: 'CORRUPT' });
    const [problem] = verifyLog({ disk, directory: DIRECTORY }).problems;
    const gap = await isolate({
      disk,
      directory: DIRECTORY,
      clock: laterClock(),
      scheduler: realScheduler,
      random: randomFrom(8),
      segment: 2,
      sequence: problem!.sequence as Sequence,
      marks: [],
      progress: () => {},
    });
    const full = await backUp(disk, '/full');
    expect(full.position).toBeGreaterThan(gap.to);
    expect(verify(disk, '/full')).toMatchObject({ ok: true, gaps: [{ from: gap.from, to: gap.to }] });
    await restore(disk, '/full');
    const report = verifyLog({ disk, directory: RESTORED });
    expect(report).toMatchObject({ ok: true, gaps: [{ from: gap.from, to: gap.to }] });
    const before = sequenceOf(lines()[2]!) + 1;
    await restore(disk, '/full', { kind: 'sequence', sequence: before }, '/before');
    expect(verifyLog({ disk, directory: '/before' })).toMatchObject({ ok: true, gaps: [] });
    expect(await linesOf(disk, '/before')).toEqual(lines().slice(0, 3));
  });
});
