import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  restoreSnapshot,
  SnapshotStore,
  snapshotClaims,
  verifySnapshot,
} from '../../../db/snapshot/index.ts';
import type { Sequence } from '../../../db/types.ts';
import { addGap, readGaps } from '../../../db/wal/gaps.ts';
import { type MemoryDisk, SimulatedCrash } from '../wal/memory-disk.ts';
import { pickFrom } from '../wal/support.ts';
import {
  DIRECTORY,
  definitions,
  digestsOf,
  loseViews,
  newDatabase,
  openOn,
  replayedDigests,
  snapshotPaths,
  write,
} from './support.ts';

function verify(disk: MemoryDisk, name: string) {
  return verifySnapshot({ disk, directory: DIRECTORY, name, definitions: definitions() });
}

function restore(disk: MemoryDisk, name: string) {
  return restoreSnapshot({ disk, directory: DIRECTORY, name, definitions: definitions() });
}

/** A closed database of some events with one snapshot in the middle of them. */
async function withSnapshot() {
  const disk = newDatabase();
  const { engine } = await openOn(disk);
  await write(engine, 'one', 'two', 'three');
  const snapshot = await engine.snapshots.create();
  await write(engine, 'four', 'fifth');
  await engine.close();
  return { disk, snapshot };
}

describe('a snapshot', () => {
  test('holds every view at one position, whatever is appended while it is written', async () => {
    const disk = newDatabase();
    const { engine, notes } = await openOn(disk);
    await write(engine, 'before');
    const digest = notes.made[0]!.digest();
    const { stable } = engine.status().log;
    const taking = engine.snapshots.create();
    await write(engine, ...Array.from({ length: 20 }, (_, index) => `during ${index}`));
    const snapshot = await taking;
    expect(snapshot).toMatchObject({ position: stable, epoch: 1, held: null, missing: [], problem: null });
    expect(snapshot.views.map(({ name }) => name)).toEqual(definitions().map(({ name }) => name));
    expect(snapshot.views.find(({ name }) => name === 'notes')!.digest).toBe(digest);
    expect(notes.made[0]!.digest()).not.toBe(digest);
    await engine.close();
    expect(verify(disk, snapshot.name)).toMatchObject({ ok: true, position: stable, problems: [] });
  });

  test('taken at any moment of any history leads, caught up, to the digests of a replay from the start', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ minLength: 1, maxLength: 40 }), { minLength: 1, maxLength: 30 }),
        fc.array(fc.nat({ max: 30 }), { minLength: 1, maxLength: 4 }),
        async (texts, moments) => {
          const disk = newDatabase();
          const { engine } = await openOn(disk);
          const taking: Promise<unknown>[] = [];
          const writing = texts.map((text, at) => {
            for (const moment of moments) if (moment === at) taking.push(engine.snapshots.create());
            return write(engine, text);
          });
          taking.push(engine.snapshots.create());
          await Promise.all([...writing, ...taking]);
          await engine.close();
          for (const { name } of new SnapshotStore(disk, DIRECTORY).list()) {
            expect(verify(disk, name).problems).toEqual([]);
            const restored = disk.copy();
            await restore(restored, name);
            expect(await digestsOf(restored)).toEqual(await replayedDigests(disk));
          }
        },
      ),
      { numRuns: 25 },
    );
  }, 60_000);

  test('is listed with position, epoch, time and size, newest first', async () => {
    const disk = newDatabase();
    const { engine } = await openOn(disk);
    await write(engine, 'a');
    const first = await engine.snapshots.create();
    await write(engine, 'b');
    const second = await engine.snapshots.create();
    expect(engine.snapshots.list()).toEqual([second, first]);
    expect(engine.status().snapshots).toEqual({ position: second.position, taking: false, problem: null });
    expect(second.position).toBeGreaterThan(first.position);
    expect(Date.parse(second.recordedAt!)).toBeGreaterThanOrEqual(Date.parse(first.recordedAt!));
    expect(first.bytes).toBe(disk.bytesOf(`${DIRECTORY}/snapshots/${first.name}.snapshot`).length);
    await engine.close();
  });

  test('is given up when the database closes', async () => {
    const disk = newDatabase();
    const { engine } = await openOn(disk);
    await write(engine, 'a');
    const taking = engine.snapshots.create();
    const closing = engine.close();
    await expect(taking).rejects.toMatchObject({ code: 'CLOSED' });
    await closing;
    expect(snapshotPaths(disk)).toEqual([]);
    await expect(engine.snapshots.create()).rejects.toMatchObject({ code: 'CLOSED' });
  });

  test('is not there when the disk is full, and nothing else notices', async () => {
    const disk = newDatabase();
    const { engine } = await openOn(disk);
    await write(engine, 'a');
    disk.beforeOperation = (operation, path) => {
      if (operation === 'pwrite' && path.includes('/snapshots/'))
        throw Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' });
    };
    await expect(engine.snapshots.create()).rejects.toThrow('ENOSPC');
    expect(engine.status().snapshots).toMatchObject({ position: 0, problem: 'ENOSPC: no space left' });
    await write(engine, 'b');
    expect(snapshotPaths(disk)).toEqual([]);
    disk.beforeOperation = () => {};
    await engine.snapshots.create();
    expect(snapshotPaths(disk)).toHaveLength(1);
    await engine.close();
  });

  test('is whole or not there after a power cut at any operation while it is taken', async () => {
    const disk = newDatabase();
    const { engine } = await openOn(disk);
    await write(engine, 'one', 'two');
    await engine.snapshots.create();
    await write(engine, 'three');
    await engine.close();
    const expected = await replayedDigests(disk);
    const outcomes = new Set<number>();
    for (let cut = 0; ; cut++) {
      const machine = disk.copy();
      const reached = await takeUntilCut(machine, cut);
      const found = machine.crash(pickFrom(cut));
      const names = new SnapshotStore(found, DIRECTORY).list();
      outcomes.add(names.length);
      for (const { name } of names) expect(verify(found, name).problems, `cut ${cut}`).toEqual([]);
      loseViews(found);
      expect(await digestsOf(found)).toEqual(expected);
      expect(snapshotPaths(found).filter((path) => path.endsWith('.tmp'))).toEqual([]);
      if (!reached) break;
    }
    expect(outcomes).toEqual(new Set([1, 2]));
  }, 60_000);
});

/** Takes a snapshot on a machine that stops so many operations after it began. True when it stopped. */
async function takeUntilCut(disk: MemoryDisk, cut: number): Promise<boolean> {
  const { engine } = await openOn(disk);
  disk.crashBefore = disk.operations + cut;
  try {
    await engine.snapshots.create();
    return false;
  } catch (error) {
    if (!(error instanceof SimulatedCrash)) throw error;
    return true;
  }
}

describe('views that are missing', () => {
  test('begin from the newest snapshot and read only the log behind it', async () => {
    const { disk, snapshot } = await withSnapshot();
    const expected = await replayedDigests(disk);
    loseViews(disk);
    const { engine, lines, notes } = await openOn(disk);
    expect(lines).toContain(`view "notes" begins from snapshot ${snapshot.name} at ${snapshot.position}`);
    expect(notes.made[0]!.lines).toHaveLength(5);
    await engine.close();
    expect(await digestsOf(disk)).toEqual(expected);
  });

  test('begin from an older one when the newest is damaged, and from the start when all are: always said', async () => {
    const { disk, snapshot: older } = await withSnapshot();
    const { engine } = await openOn(disk);
    const newer = await engine.snapshots.create();
    await engine.close();
    const expected = await replayedDigests(disk);
    loseViews(disk);
    damage(disk, newer.name, 40);
    const second = disk.copy();
    const { lines, engine: fallen } = await openOn(disk);
    expect(lines.join('\n')).toMatch(new RegExp(`snapshot ${newer.name}.* cannot be used`));
    expect(lines).toContain(`view "stream-index" begins from snapshot ${older.name} at ${older.position}`);
    await fallen.close();
    damage(second, older.name, 40);
    expect(await digestsOf(second)).toEqual(expected);
    expect(await digestsOf(disk)).toEqual(expected);
  });

  test('begin from no snapshot of a history the log has abandoned', async () => {
    const { disk, other, snapshot } = await withBranches();
    expect(verify(disk, snapshot.name).problems).toEqual([expect.stringContaining('another history')]);
    await expect(restore(disk, snapshot.name)).rejects.toMatchObject({ code: 'FORKED' });
    loseViews(disk);
    const { engine, lines } = await openOn(disk);
    expect(lines.join('\n')).toContain(
      `snapshot ${snapshot.name} is passed over: it comes from another branch`,
    );
    await engine.close();
    expect(verify(other, snapshot.name).ok).toBe(true);
  });
});

function damage(disk: MemoryDisk, name: string, at: number): void {
  const bytes = disk.bytesOf(`${DIRECTORY}/snapshots/${name}.snapshot`);
  bytes[at]! ^= 1;
}

/** Two copies of a database go on differently; one gets the other's snapshot. */
async function withBranches() {
  const { disk } = await withSnapshot();
  const other = disk.copy();
  const { engine } = await openOn(other);
  await write(engine, 'there');
  const snapshot = await engine.snapshots.create();
  await engine.close();
  const { engine: here } = await openOn(disk, undefined, 5);
  await write(here, 'here', 'and here', 'and further than there');
  await here.close();
  copyFile(other, disk, `${DIRECTORY}/snapshots/${snapshot.name}.snapshot`);
  return { disk, other, snapshot };
}

function copyFile(from: MemoryDisk, to: MemoryDisk, path: string): void {
  const handle = to.open(path, 'create');
  to.pwrite(handle, from.bytesOf(path), 0);
  to.fsync(handle);
  to.close(handle);
  to.fsyncDirectory(`${DIRECTORY}/snapshots`);
}

describe('verifying', () => {
  test('finds a flipped bit wherever it is', async () => {
    const { disk, snapshot } = await withSnapshot();
    const path = `${DIRECTORY}/snapshots/${snapshot.name}.snapshot`;
    const size = disk.bytesOf(path).length;
    for (let at = 0; at < size; at++) {
      disk.bytesOf(path)[at]! ^= 1 << (at % 8);
      expect(verify(disk, snapshot.name).ok, `byte ${at} of ${size}`).toBe(false);
      disk.bytesOf(path)[at]! ^= 1 << (at % 8);
    }
    expect(verify(disk, snapshot.name).ok).toBe(true);
  });

  test('finds a file that was cut short, at whatever length', async () => {
    const { disk, snapshot } = await withSnapshot();
    const path = `${DIRECTORY}/snapshots/${snapshot.name}.snapshot`;
    for (let length = disk.bytesOf(path).length - 1; length >= 0; length -= 7) {
      disk.cut(path, length);
      expect(verify(disk, snapshot.name).ok, `cut to ${length}`).toBe(false);
    }
  });

  test('names a snapshot that is not there', () => {
    expect(() => verify(newDatabase(), 'nothing')).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
  });

  test('refuses one that knows more than the log, and so does a start: something durable is missing', async () => {
    const disk = newDatabase();
    const early = disk.copy();
    const { engine } = await openOn(disk);
    await write(engine, 'a', 'b');
    const snapshot = await engine.snapshots.create();
    await engine.close();
    const { engine: fresh } = await openOn(early);
    await fresh.close();
    copyFile(disk, early, `${DIRECTORY}/snapshots/${snapshot.name}.snapshot`);
    expect(verify(early, snapshot.name).problems).toEqual([
      expect.stringContaining('durable commits are missing'),
    ]);
    await expect(restore(early, snapshot.name)).rejects.toMatchObject({ code: 'VIEW_AHEAD' });
    const { engine: behind } = await openOn(early);
    await expect(write(behind, 'c')).rejects.toMatchObject({ code: 'VIEW_AHEAD' });
    await behind.close();
  });
});

describe('the policy', () => {
  test('takes a snapshot each time so many commits have come, and keeps the newest few', async () => {
    const disk = newDatabase();
    const { engine } = await openOn(disk, { everyCommits: 4, everyBytes: 0, keep: 2 });
    for (let round = 0; round < 20; round++) {
      await write(engine, `event ${round}`);
      for (let turn = 0; turn < 40; turn++) await new Promise((resolve) => setImmediate(resolve));
    }
    const snapshots = engine.snapshots.list();
    expect(snapshots).toHaveLength(2);
    expect(snapshots[0]!.position - snapshots[1]!.position).toBe(8);
    expect(snapshots[0]!.position).toBeGreaterThan(30);
    await engine.close();
  });

  test('takes one each time so many bytes have come', async () => {
    const disk = newDatabase();
    const { engine } = await openOn(disk, { everyCommits: 0, everyBytes: 100_000, keep: 9 });
    for (let round = 0; round < 600; round++) await write(engine, `${round}`.padEnd(500, '.'));
    for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(engine.snapshots.list().length).toBeGreaterThanOrEqual(2);
    await engine.close();
  });

  test('never removes what is held, nor what it cannot tell to be its own', async () => {
    const disk = newDatabase();
    const { engine } = await openOn(disk, { everyCommits: 0, everyBytes: 0, keep: 1 });
    await write(engine, 'a');
    const first = await engine.snapshots.create();
    expect(engine.snapshots.hold(first.name, 'before the migration')).toMatchObject({
      held: 'before the migration',
    });
    const names: string[] = [];
    for (const text of ['b', 'c', 'd']) {
      await write(engine, text);
      names.push((await engine.snapshots.create()).name);
    }
    expect(engine.snapshots.list().map(({ name }) => name)).toEqual([names[2], first.name]);
    engine.snapshots.release(first.name);
    await write(engine, 'e');
    const last = await engine.snapshots.create();
    expect(engine.snapshots.list()).toEqual([last]);
    await engine.close();
  });

  test('vouches to recovery and retention with every usable snapshot', async () => {
    const { disk, snapshot } = await withSnapshot();
    const { engine } = await openOn(disk);
    const newer = await engine.snapshots.create();
    await engine.close();
    const claimOf = ({ name, position }: typeof newer) => ({
      source: `snapshot ${name}`,
      sequence: position,
    });
    expect(snapshotClaims(disk, DIRECTORY)).toEqual([claimOf(newer), claimOf(snapshot)]);
    damage(disk, newer.name, disk.bytesOf(`${DIRECTORY}/snapshots/${newer.name}.snapshot`).length - 50);
    expect(snapshotClaims(disk, DIRECTORY)).toEqual([claimOf(snapshot)]);
  });

  test('is set aside when what it was taken of is lost, vouches no more, and is never deleted', async () => {
    const { disk, snapshot } = await withSnapshot();
    const { engine } = await openOn(disk);
    await write(engine, 'more', 'and more');
    const later = await engine.snapshots.create();
    engine.snapshots.hold(snapshot.name, 'the audit');
    await engine.close();
    const { position } = snapshot;
    addGap(disk, DIRECTORY, {
      ...{ segment: 1, offset: 4096, end: 8192 },
      ...{ from: (position - 1) as Sequence, to: position as Sequence },
    });
    expect(snapshotClaims(disk, DIRECTORY).map(({ sequence }) => sequence)).toEqual([later.position]);
    const store = new SnapshotStore(disk, DIRECTORY);
    const bytes = Buffer.from(disk.bytesOf(`${DIRECTORY}/snapshots/${snapshot.name}.snapshot`));
    expect(store.setAside(readGaps(disk, DIRECTORY))).toEqual([snapshot.name]);
    expect(store.setAside(readGaps(disk, DIRECTORY))).toEqual([]);
    expect(store.list().map(({ name }) => name)).toEqual([later.name]);
    const aside = `${DIRECTORY}/snapshots/set-aside/${snapshot.name}`;
    expect(Buffer.compare(disk.bytesOf(`${aside}.snapshot`), bytes)).toBe(0);
    expect(disk.paths()).toContain(`${aside}.held`);
  });

  test('says what went wrong in the background and goes on', async () => {
    const disk = newDatabase();
    const { engine, lines } = await openOn(disk, { everyCommits: 2, everyBytes: 0, keep: 1 });
    disk.beforeOperation = (_operation, path) => {
      if (path.includes('/snapshots/')) throw new Error('EIO: not today');
    };
    await write(engine, 'a', 'b', 'c', 'd', 'e');
    disk.beforeOperation = () => {};
    for (let turn = 0; turn < 40; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(lines).toContain('no snapshot was taken: EIO: not today');
    await engine.close();
  });
});
