import { describe, expect, test } from 'vitest';
import type { RecordedAt, Sequence } from '../../../db/types.ts';
import { dropLease, FollowerLeases, LogBytes, leaseHolds, SegmentFiles } from '../../../db/wal/index.ts';
import type { MemoryDisk } from './memory-disk.ts';
import { DIRECTORY, draft, ManualScheduler, newDisk, open, SEGMENT_BYTES, StepClock } from './support.ts';

const FILE = `${DIRECTORY}/metadata/followers.json`;

interface Kept {
  readonly leases: FollowerLeases;
  readonly scheduler: ManualScheduler;
  readonly said: string[];
}

/** Leases on a log in which every sequence takes ten bytes. */
function leasesOn(disk: MemoryDisk, end: { sequence: number }, bytesMax = 1000): Kept {
  const scheduler = new ManualScheduler();
  const said: string[] = [];
  const leases = new FollowerLeases({
    disk,
    directory: DIRECTORY,
    clock: new StepClock(),
    scheduler,
    bytesMax,
    bytesFrom: (from) => Math.max(0, end.sequence - from + 1) * 10,
    report: (line) => said.push(line),
  });
  return { leases, scheduler, said };
}

function stored(disk: MemoryDisk): { name: string; from: number; lost: boolean }[] {
  return JSON.parse(new TextDecoder().decode(disk.bytesOf(FILE))).followers;
}

const stand = (kept: number, name = 'copy') => ({ name, kept: kept as Sequence });

describe('what is kept for a follower', () => {
  test('begins behind what it has on its disk and stays while it is away, also over a restart', () => {
    const disk = newDisk();
    const end = { sequence: 100 };
    const { leases, scheduler } = leasesOn(disk, end);
    const follower = stand(40);
    const gone = leases.connected(follower, 'north');
    expect(leases.holds()).toMatchObject([{ kind: 'follower', name: 'copy (token north)', from: 41 }]);
    follower.kept = 60 as Sequence;
    scheduler.runTimers();
    expect(leases.holds()).toMatchObject([{ from: 61 }]);
    gone();
    expect(leases.list()).toMatchObject([{ name: 'copy', next: 61, connected: false, lost: false }]);
    const later = leasesOn(disk, end);
    expect(later.leases.holds()).toMatchObject([{ from: 61 }]);
    expect(leaseHolds(disk, DIRECTORY)).toEqual(later.leases.holds());
  });

  test('does not move on by what a follower shows and has not confirmed, but back when it has less', () => {
    const disk = newDisk();
    const { leases } = leasesOn(disk, { sequence: 100 });
    leases.connected(stand(40), 'north')();
    const again = stand(50);
    leases.connected(again, 'north')();
    expect(leases.holds()).toMatchObject([{ from: 41 }]);
    leases.connected(stand(10), 'north')();
    expect(leases.holds()).toMatchObject([{ from: 11 }]);
  });

  test('is what the one behind needs while a name is connected twice', () => {
    const { leases } = leasesOn(newDisk(), { sequence: 100 });
    const [dead, alive] = [stand(40), stand(40)];
    const deadIsGone = leases.connected(dead, 'north');
    leases.connected(alive, 'north');
    alive.kept = 90 as Sequence;
    leases.look();
    expect(leases.holds()).toMatchObject([{ from: 41 }]);
    deadIsGone();
    leases.look();
    expect(leases.holds()).toMatchObject([{ from: 91 }]);
  });

  test('is written once a second at most, and at once where a promise begins or ends', () => {
    const disk = newDisk();
    const { leases, scheduler } = leasesOn(disk, { sequence: 100 });
    const follower = stand(1);
    leases.connected(follower, 'north');
    expect(stored(disk)).toMatchObject([{ from: 2 }]);
    for (let kept = 2; kept <= 50; kept++) follower.kept = kept as Sequence;
    expect(stored(disk)).toMatchObject([{ from: 2 }]);
    scheduler.runTimers();
    expect(stored(disk)).toMatchObject([{ from: 51 }]);
    follower.kept = 70 as Sequence;
    leases.close();
    expect(stored(disk)).toMatchObject([{ from: 71 }]);
    leases.drop('copy');
    expect(stored(disk)).toEqual([]);
  });

  test('ends where it would be more than the cap, with an alarm; the follower that catches up is kept for again', () => {
    const disk = newDisk();
    const end = { sequence: 100 };
    const { leases, scheduler, said } = leasesOn(disk, end);
    const follower = stand(50);
    leases.connected(follower, 'north');
    end.sequence = 151;
    scheduler.runTimers();
    expect(leases.holds()).toEqual([]);
    expect(leases.list()).toMatchObject([{ lost: true, bytes: 1010 }]);
    expect(stored(disk)).toMatchObject([{ lost: true }]);
    expect(said).toMatchObject([expect.stringMatching(/ALARM: follower copy .* is lost.*1010 bytes.*1000/)]);
    scheduler.runTimers();
    expect(said).toHaveLength(1);
    follower.kept = 140 as Sequence;
    scheduler.runTimers();
    expect(leases.holds()).toMatchObject([{ from: 141 }]);
    expect(said[1]).toMatch(/has caught up/);
  });

  test('is nothing with a cap of 0', () => {
    const disk = newDisk();
    const { leases } = leasesOn(disk, { sequence: 100 }, 0);
    leases.connected(stand(3), 'north');
    expect(leases.active).toBe(false);
    leases.close();
    expect(disk.paths()).not.toContain(FILE);
  });

  test('can be given up, by name only', () => {
    const disk = newDisk();
    const { leases } = leasesOn(disk, { sequence: 100 });
    leases.connected(stand(3), 'north')();
    expect(() => leases.drop('kopy')).toThrow(/no follower is called kopy; there are copy/);
    expect(() => dropLease(disk, DIRECTORY, 'kopy')).toThrow(/there are copy/);
    expect(dropLease(disk, DIRECTORY, 'copy')).toMatchObject({ name: 'copy', next: 4 });
    expect(leaseHolds(disk, DIRECTORY)).toEqual([]);
  });

  test('is refused to be guessed from a file that somebody edited', () => {
    const disk = newDisk();
    leasesOn(disk, { sequence: 100 }).leases.connected(stand(3), 'north')();
    disk.bytesOf(FILE).fill(0x20, 0, 1);
    expect(() => leaseHolds(disk, DIRECTORY)).toThrow(expect.objectContaining({ code: 'CORRUPT' }));
  });

  test('survives a disk that is full: it is said once, and the older position stands', () => {
    const disk = newDisk();
    const { leases, scheduler, said } = leasesOn(disk, { sequence: 100 });
    const follower = stand(3);
    leases.connected(follower, 'north');
    const rename = disk.rename.bind(disk);
    disk.rename = () => {
      throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
    };
    follower.kept = 9 as Sequence;
    scheduler.runTimers();
    scheduler.runTimers();
    expect(said).toEqual(['the positions of followers cannot be written: no space left']);
    expect(stored(disk)).toMatchObject([{ from: 4 }]);
    disk.rename = rename;
    scheduler.runTimers();
    expect(stored(disk)).toMatchObject([{ from: 10 }]);
  });
});

test('a follower that was lost and lies behind the floor is told PRUNED, connected or coming back', async () => {
  const disk = newDisk();
  const { log, clock, scheduler } = await open(disk);
  const fill = (groups: number) => {
    for (let group = 0; group < groups; group++) {
      log.append([draft(new Uint8Array(60_000).fill(group + 1))], clock.nowNanos() as RecordedAt);
      log.flush();
      scheduler.runTurn();
    }
  };
  fill(5);
  const files = new SegmentFiles(disk, DIRECTORY);
  const leases = new FollowerLeases({
    disk,
    directory: DIRECTORY,
    clock,
    scheduler,
    bytesMax: SEGMENT_BYTES,
    bytesFrom: (from) => files.bytesFrom(from, SEGMENT_BYTES),
    report: () => undefined,
  });
  const bytes = new LogBytes({ disk, directory: DIRECTORY, log, leases });
  const follower = { name: 'copy', kept: 0 as Sequence };
  const stream = bytes.read({ from: 1 as Sequence, name: 'north', follower });
  await stream.next();
  expect(bytes.holds()).toEqual([]);
  const prune = () => {
    leases.look();
    return log.retention.prune({ before: log.stable, withoutArchive: true, others: leases.holds() });
  };
  fill(20);
  expect(log.status().segments).toBe(2);
  expect(prune).toThrow(
    /follower copy \(token north\) needs it from sequence 1 \(truthdb wal followers --drop copy/,
  );
  fill(30);
  const { floor } = prune();
  expect(leases.list()).toMatchObject([{ lost: true, next: 1 }]);
  const rest = async () => {
    for await (const _ of stream);
  };
  const pruned = { code: 'PRUNED', details: { first: floor } };
  await expect(rest()).rejects.toMatchObject(pruned);
  const again = bytes.read({ from: 1 as Sequence, name: 'north', follower });
  await expect(again.next()).rejects.toMatchObject(pruned);
  // However little is left of the log now: what this follower needs next is gone.
  leases.look();
  expect(leases.list()).toMatchObject([{ lost: true, connected: false, bytes: null }]);
  expect(leases.holds()).toEqual([]);
  leases.close();
  await log.close();
});
