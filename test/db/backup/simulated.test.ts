/** Backing up and restoring on a machine whose disk fails, tears and forgets: whole, or not there. */
import { expect, test } from 'vitest';
import { createBackup, DirectoryTarget, restoreBackup, verifyBackup } from '../../../db/backup/index.ts';
import { TruthError } from '../../../db/errors.ts';
import type { Machine, SimDisk } from '../../../db/sim/disk.ts';
import type { FaultKind, Operation } from '../../../db/sim/faults.ts';
import { Random } from '../../../db/sim/random.ts';
import { verifyLog } from '../../../db/wal/index.ts';
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

const CUT = { kind: 'mixed', missing: 0.5, sectorBytes: 512 } as const;
const BACKUP = '/backup-of-it';
const RESTORED = '/restored';

function backUp(machine: Machine, disk: SimDisk) {
  return createBackup({
    disk,
    directory: DIRECTORY,
    target: new DirectoryTarget(disk, BACKUP),
    base: null,
    with: { tokens: false, tls: false, signing: false },
    clock: machine.time,
    random: (bytes) => machine.random.bytes(bytes),
    made: () => {},
    progress: () => {},
  });
}

function restore(machine: Machine, disk: SimDisk) {
  return restoreBackup({
    disk,
    from: BACKUP,
    base: null,
    to: RESTORED,
    until: { kind: 'end' },
    clock: machine.time,
    random: (bytes) => machine.random.bytes(bytes),
    progress: () => {},
  });
}

async function closedDatabase(machine: Machine): Promise<SimDisk> {
  const disk = newDisk(machine);
  const engine = await pump(machine, openOn(machine, disk));
  await write(machine, engine, 4);
  await pump(machine, engine.close());
  return disk;
}

function settled(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'done',
    () => 'refused',
  );
}

function codeOf(check: () => unknown): string {
  try {
    check();
    return 'whole';
  } catch (error) {
    return error instanceof TruthError ? error.code : String(error);
  }
}

async function backUpThrough(fault: FaultKind, operation: Operation, after: number): Promise<string> {
  const machine = newMachine(after);
  const disk = await closedDatabase(machine);
  machine.faults.arm({ fault, operation, path: BACKUP, after });
  const outcome = await settled(backUp(machine, disk));
  machine.faults.disarm();
  const found = disk.powerCut(new Random(after, operation), CUT).disk;
  const where = `${fault} at ${operation} ${after}`;
  const left = codeOf(() => {
    const { problems } = verifyBackup({ disk: found, directory: BACKUP, base: null, progress: () => {} });
    expect(problems, where).toEqual([]);
  });
  expect(['whole', 'NOT_FOUND'], where).toContain(left);
  if (outcome === 'done') expect(left, where).toBe('whole');
  return outcome;
}

async function restoreThrough(fault: FaultKind, operation: Operation, after: number): Promise<string> {
  const machine = newMachine(after);
  const disk = await closedDatabase(machine);
  const { position } = await backUp(machine, disk);
  machine.faults.arm({ fault, operation, path: RESTORED, after });
  const outcome = await settled(pump(machine, restore(machine, disk)));
  machine.faults.disarm();
  const found = disk.powerCut(new Random(after, operation), CUT).disk;
  const where = `${fault} at ${operation} ${after}`;
  const left = codeOf(() => {
    const report = verifyLog({ disk: found, directory: RESTORED });
    expect(report.problems, where).toEqual([]);
    expect(report.lastSequence, where).toBeGreaterThanOrEqual(position);
  });
  if (outcome === 'done') expect(left, where).toBe('whole');
  if (left !== 'whole') await pump(machine, restore(machine, found));
  const engine = await pump(machine, openOn(machine, found, RESTORED));
  expect(engine.status().events, where).toBe(4);
  await pump(machine, engine.close());
  return outcome;
}

test.each(FAULTS)(
  '%s in any call on a backup leaves a whole one or none',
  async (fault) => {
    const outcomes = new Set<string>();
    for (const operation of OPERATIONS) {
      for (let after = 0; after < 5; after++) outcomes.add(await backUpThrough(fault, operation, after));
    }
    expect(outcomes).toContain(fault === 'delay' ? 'done' : 'refused');
  },
  60_000,
);

test.each(FAULTS)(
  '%s in any call on what is being restored leaves a whole log, or none and it is done again',
  async (fault) => {
    const outcomes = new Set<string>();
    for (const operation of OPERATIONS) {
      for (const after of [0, 1, 2, 4, 7]) outcomes.add(await restoreThrough(fault, operation, after));
    }
    expect(outcomes).toContain(fault === 'delay' ? 'done' : 'refused');
  },
  60_000,
);
