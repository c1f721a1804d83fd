/** Snapshots on a machine whose disk fails, tears and forgets: nothing but the snapshot is ever lost to it. */
import { expect, test } from 'vitest';
import { VIEWS } from '../../../db/engine.ts';
import type { Machine, SimDisk } from '../../../db/sim/disk.ts';
import type { FaultKind, Operation } from '../../../db/sim/faults.ts';
import { Random } from '../../../db/sim/random.ts';
import { SnapshotStore, verifySnapshot } from '../../../db/snapshot/index.ts';
import {
  DIRECTORY,
  FAULTS,
  newDisk,
  newMachine,
  OPERATIONS,
  openOn,
  pump,
  write,
} from '../support/simulated.ts';

interface Found {
  readonly digest: string;
  readonly events: number;
}

/** What a start makes of the disk with the views gone, from snapshots and log. */
async function openWithoutViews(machine: Machine, disk: SimDisk, snapshots: 'kept' | 'lost'): Promise<Found> {
  const own = disk.copy(machine);
  for (const [path] of own.files()) {
    const lost = path.startsWith(`${DIRECTORY}/views/`) || path.endsWith('/views.json');
    if (lost || (snapshots === 'lost' && path.includes('/snapshots/'))) own.place(path, null);
  }
  const engine = await pump(machine, openOn(machine, own));
  const { views } = await pump(machine, engine.snapshots.create());
  const { events } = engine.status();
  await pump(machine, engine.close());
  return { digest: views.map(({ digest }) => digest).join(), events };
}

/** A database with a good snapshot takes another, whose file meets a fault; then the power fails. */
async function takeThrough(fault: FaultKind, operation: Operation, after: number): Promise<string> {
  const machine = newMachine(after);
  const random = new Random(after, `${fault} ${operation}`);
  let disk = newDisk(machine);
  const engine = await pump(machine, openOn(machine, disk));
  await write(machine, engine, 5);
  await pump(machine, engine.snapshots.create());
  await write(machine, engine, 5);
  machine.faults.arm({ fault, operation, path: '/snapshots', after });
  const taken = await pump(machine, engine.snapshots.create()).then(
    () => 'taken',
    () => 'not taken',
  );
  machine.faults.disarm();
  if (!disk.stopped) await write(machine, engine, 2);
  disk = disk.powerCut(random, { kind: 'mixed', missing: 0.5, sectorBytes: 512 }).disk;
  const where = `${fault} at ${operation} ${after}`;
  for (const { name, problem } of new SnapshotStore(disk, DIRECTORY).list()) {
    expect(problem, where).toBeNull();
    const check = verifySnapshot({ disk, directory: DIRECTORY, name, definitions: VIEWS });
    expect(check.problems, where).toEqual([]);
  }
  const kept = await openWithoutViews(machine, disk, 'kept');
  expect(kept, where).toEqual(await openWithoutViews(machine, disk, 'lost'));
  expect(kept.events, where).toBeGreaterThanOrEqual(10);
  return machine.faults.happened.length === 0 ? 'no such call' : taken;
}

test.each(FAULTS)(
  '%s in any call on a snapshot leaves whole snapshots, the log, and a database that goes on',
  async (fault) => {
    const outcomes = new Set<string>();
    for (const operation of OPERATIONS) {
      for (let after = 0; after < 4; after++) outcomes.add(await takeThrough(fault, operation, after));
    }
    expect(outcomes).toContain(fault === 'delay' ? 'taken' : 'not taken');
  },
  60_000,
);
