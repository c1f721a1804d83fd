import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  createBackup,
  DirectoryTarget,
  type RestoreUntil,
  restoreBackup,
  verifyBackup,
} from '../../../db/backup/index.ts';
import type { Engine } from '../../../db/engine.ts';
import { realScheduler } from '../../../db/io/index.ts';
import type { Sequence } from '../../../db/types.ts';
import { inspectEntry, isolate, verifyLog } from '../../../db/wal/index.ts';
import { pruneSegments } from '../../../db/wal/prune.ts';
import { DIRECTORY, digestsOf, newDatabase, openOn, replayedDigests, write } from '../snapshot/support.ts';
import { type MemoryDisk, SimulatedCrash } from '../wal/memory-disk.ts';
import { pickFrom, randomFrom, StepClock } from '../wal/support.ts';

const RESTORED = '/restored';
/** Fills a segment of 1 MiB with few events. */
const LARGE = 'x'.repeat(200_000);
const END: RestoreUntil = { kind: 'end' };

function backUp(disk: MemoryDisk, to: string, base: string | null = null, secrets = false) {
  return createBackup({
    disk,
    directory: DIRECTORY,
    target: new DirectoryTarget(disk, to),
    base,
    with: { tokens: secrets, tls: secrets },
    clock: laterClock(),
    random: randomFrom(to.length * 1000 + to.charCodeAt(to.length - 1)),
    progress: () => {},
  });
}

/** Later than everything recorded: a backup is made after what is in it. */
function laterClock(): StepClock {
  const clock = new StepClock();
  clock.advance(86_400_000_000_000n);
  return clock;
}

function verify(disk: MemoryDisk, directory: string, base: string | null = null) {
  return verifyBackup({ disk, directory, base, progress: () => {} });
}

function restore(disk: MemoryDisk, from: string, until: RestoreUntil = END, to = RESTORED) {
  return restoreBackup({
    disk,
    from,
    base: null,
    to,
    until,
    clock: laterClock(),
    random: randomFrom(7),
    progress: () => {},
  });
}

/** Files of a log by segment number, from its first byte to where it ends. */
function segmentsOf(disk: MemoryDisk, directory: string): Map<string, Uint8Array> {
  const paths = disk.paths().filter((path) => path.startsWith(`${directory}/wal/0`));
  return new Map(paths.sort().map((path) => [path.split('/').at(-1)!.split('.')[0]!, disk.bytesOf(path)]));
}

/** Length of the stretch both begin with. */
function commonBytes(a: Uint8Array, b: Uint8Array): number {
  const at = a.findIndex((byte, index) => byte !== b[index]);
  return at < 0 ? a.length : at;
}

/** A restored log opened as a data directory of its own: its lines, as the view of text shows them. */
async function linesOf(disk: MemoryDisk, directory: string): Promise<readonly string[]> {
  const { engine, notes } = await openOn(disk, undefined, 3, directory);
  await engine.close();
  return notes.made[0]!.lines;
}

function sequenceOf(line: string): number {
  return Number(line.split(' ')[0]);
}

/** What the view of text says of everything up to a position. */
function linesUpTo(lines: readonly string[], position: number): string[] {
  return lines.filter((line) => sequenceOf(line) <= position);
}

async function live(): Promise<Live> {
  const disk = newDatabase();
  const { engine, notes, clock } = await openOn(disk);
  const idle = async (): Promise<void> => {
    const { stable } = engine.status().log;
    clock.advance(60_000_000n);
    while (engine.status().log.stable === stable) await new Promise((resolve) => setTimeout(resolve, 5));
  };
  return { disk, engine, idle, lines: () => notes.made[0]!.lines };
}

interface Live {
  readonly disk: MemoryDisk;
  readonly engine: Engine;
  lines(): readonly string[];
  /** Waits for the mark of the last commit, which an idle log writes by itself and a closed one has. */
  idle(): Promise<void>;
}

describe('a full backup', () => {
  test('of a live database is, restored, the same log byte for byte and gives the same views', async () => {
    const { disk, engine, idle, lines } = await live();
    await write(engine, 'one', LARGE, LARGE, LARGE, LARGE, LARGE, LARGE, 'two');
    await idle();
    const created = await backUp(disk, '/full');
    await write(engine, 'too late');
    expect(verify(disk, '/full')).toMatchObject({ ok: true, problems: [], position: created.position });
    const restored = await restore(disk, '/full');
    expect(restored).toMatchObject({ position: created.position, epoch: 2, segments: 2 });
    for (const [name, bytes] of segmentsOf(disk, RESTORED)) {
      const source = segmentsOf(disk, DIRECTORY).get(name)!;
      const pieces = verifyLog({ disk, directory: RESTORED }).segments;
      const sealed = pieces.find((piece) => piece.name.startsWith(name))!.state === 'sealed';
      expect(commonBytes(bytes, source)).toBeGreaterThanOrEqual(sealed ? bytes.length : 4096);
    }
    expect(await linesOf(disk, RESTORED)).toEqual(linesUpTo(lines(), created.position));
    await engine.close();
  });

  test('holds what was acknowledged before it, once the log had a moment to mark it', async () => {
    const { disk, engine, idle } = await live();
    await write(engine, 'a');
    const { stable } = engine.status().log;
    await idle();
    expect((await backUp(disk, '/full')).position).toBeGreaterThanOrEqual(stable);
    await engine.close();
  });

  test('of a closed database holds all of it', async () => {
    const { disk, engine } = await live();
    await write(engine, 'a', 'b');
    await engine.close();
    const { position } = await backUp(disk, '/full');
    expect(position).toBe(verifyLog({ disk, directory: DIRECTORY }).lastSequence);
  });

  test('takes secrets only where it is told to, and brings them back', async () => {
    const { disk, engine } = await live();
    await engine.close();
    for (const folder of ['metadata/tls']) disk.mkdir(`${DIRECTORY}/${folder}`);
    for (const file of ['tokens.json', 'tls/key.pem', 'tls/certificate.pem'])
      place(disk, `${DIRECTORY}/metadata/${file}`, `secret of ${file}`);
    expect((await backUp(disk, '/bare')).metadata).toEqual([]);
    expect(disk.paths().filter((path) => path.startsWith('/bare/metadata'))).toEqual([]);
    const full = await backUp(disk, '/full', null, true);
    expect(full.metadata).toEqual(['tokens.json', 'tls/key.pem', 'tls/certificate.pem']);
    await restore(disk, '/full');
    for (const file of full.metadata) {
      const bytes = disk.bytesOf(`${RESTORED}/metadata/${file}`);
      expect(Buffer.from(bytes).toString()).toBe(`secret of ${file}`);
    }
  });

  test('is not made of a damaged log', async () => {
    const { disk, engine } = await live();
    await write(engine, 'one', LARGE, 'two');
    await engine.close();
    const [path] = disk.paths().filter((each) => each.includes('/wal/0'));
    disk.bytesOf(path!)[50_000]! ^= 1;
    await expect(backUp(disk, '/full')).rejects.toMatchObject({
      code: 'CORRUPT',
      details: { offset: expect.any(Number), segment: expect.any(String) },
    });
    expect(disk.paths().filter((each) => each.startsWith('/full'))).toEqual([]);
  });

  test('of a log in which nothing is durable yet is refused', async () => {
    await expect(backUp(newDatabase(), '/full')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('goes only where nothing is yet', async () => {
    const { disk, engine } = await live();
    await engine.close();
    await backUp(disk, '/full');
    await expect(backUp(disk, '/full')).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
  });

  test('that was interrupted anywhere is no backup, or a whole one', async () => {
    const { disk, engine } = await live();
    await write(engine, 'one', 'two');
    await engine.close();
    const outcomes = new Set<string>();
    for (let cut = 0; outcomes.size < 2 && cut < 500; cut++) {
      const machine = disk.copy();
      machine.crashBefore = cut;
      await backUp(machine, '/full').catch((error) => expect(error).toBeInstanceOf(SimulatedCrash));
      const found = machine.crash(pickFrom(cut));
      outcomes.add(outcomeOf(() => (verify(found, '/full').ok ? 'whole' : 'half')));
    }
    expect(outcomes).toEqual(new Set(['NOT_FOUND', 'whole']));
  });
});

function outcomeOf(check: () => string): string {
  try {
    return check();
  } catch (error) {
    return (error as { code: string }).code;
  }
}

function place(disk: MemoryDisk, path: string, text: string): void {
  const handle = disk.open(path, 'create');
  disk.pwrite(handle, Buffer.from(text), 0);
  disk.fsync(handle);
  disk.close(handle);
}

describe('incremental backups', () => {
  test('hold only what came since, and restore with those they continue', async () => {
    const { disk, engine, idle, lines } = await live();
    await write(engine, 'one', LARGE);
    await idle();
    const full = await backUp(disk, '/full');
    await write(engine, LARGE, LARGE, LARGE, LARGE, LARGE, 'two');
    await idle();
    const first = await backUp(disk, '/first', '/full');
    await write(engine, 'three');
    await idle();
    const second = await backUp(disk, '/second', '/first');
    expect([first.kind, second.kind]).toEqual(['incremental', 'incremental']);
    expect(second.bytes).toBeLessThan(3000);
    expect(first.position).toBeGreaterThan(full.position);
    expect(verify(disk, '/second')).toMatchObject({ ok: true, bases: ['/full', '/first'] });
    const { position } = await restore(disk, '/second');
    expect(position).toBe(second.position);
    expect(await linesOf(disk, RESTORED)).toEqual(linesUpTo(lines(), position));
    await engine.close();
  });

  test('whose base is gone say which one is missing and take it from where they are told', async () => {
    const { disk, engine, idle } = await live();
    await write(engine, 'one');
    await idle();
    await backUp(disk, '/place/full');
    await write(engine, 'two');
    await engine.close();
    await backUp(disk, '/first', '/place/full');
    for (const path of disk.paths().filter((each) => each.startsWith('/place/full')))
      disk.rename(path, path.replace('/place/full', '/moved/elsewhere'));
    for (const folder of ['/moved', '/moved/elsewhere']) disk.mkdir(folder);
    expect(() => verify(disk, '/first')).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
    expect(verify(disk, '/first', '/moved/elsewhere').ok).toBe(true);
  });

  test('continue no backup of another history', async () => {
    const { disk, engine } = await live();
    await write(engine, 'one');
    await engine.close();
    const other = disk.copy();
    const { engine: there } = await openOn(other, undefined, 77);
    await write(there, 'there');
    await there.close();
    await backUp(other, '/base');
    const { engine: here } = await openOn(disk, undefined, 78);
    await write(here, 'here', 'and more', 'and more');
    await here.close();
    for (const path of other.paths().filter((each) => each.startsWith('/base/backup')))
      place(disk, path, Buffer.from(other.bytesOf(path)).toString());
    await expect(backUp(disk, '/next', '/base')).rejects.toMatchObject({ code: 'FORKED' });
  });
});

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

describe('verifying', () => {
  test('finds a flipped bit in any file of a backup or of its base, and restoring refuses', async () => {
    const { disk, engine, idle } = await live();
    await write(engine, 'one');
    await idle();
    await backUp(disk, '/full');
    await write(engine, 'two');
    await engine.close();
    await backUp(disk, '/next', '/full');
    expect(verify(disk, '/next').ok).toBe(true);
    const files = disk.paths().filter((path) => path.startsWith('/full/') || path.startsWith('/next/'));
    expect(files).toHaveLength(4);
    for (const path of files) {
      const size = disk.bytesOf(path).length;
      for (let at = 0; at < size; at += 1 + Math.floor(size / 300)) {
        disk.bytesOf(path)[at]! ^= 1 << (at % 8);
        const found = outcomeOf(() => (verify(disk, '/next').ok ? 'ok' : 'damaged'));
        expect(found, `${path} byte ${at}`).not.toBe('ok');
        if (at % 50 === 0) await expect(restore(disk, '/next')).rejects.toThrow();
        disk.bytesOf(path)[at]! ^= 1 << (at % 8);
      }
    }
    expect(disk.paths().filter((path) => path.startsWith(RESTORED))).toEqual([]);
    expect(verify(disk, '/next').ok).toBe(true);
  });

  test('finds a file that is missing or cut short', async () => {
    const { disk, engine } = await live();
    await engine.close();
    await backUp(disk, '/full');
    const [piece] = disk.paths().filter((path) => path.startsWith('/full/segments/'));
    disk.cut(piece!, 4200);
    expect(verify(disk, '/full').problems).toEqual([expect.stringContaining('has 4200 bytes')]);
    disk.unlink(piece!);
    expect(verify(disk, '/full').problems).toEqual([expect.stringContaining('cannot be opened')]);
  });
});
