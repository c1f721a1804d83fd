/** Which calls of a life go wrong: rules drawn from the seed before it begins. */
import type { FaultKind, Faults, Operation } from './faults.ts';
import type { Random } from './random.ts';

/** Calls at which something becomes durable or visible: stopping right before or after them tells most. */
const TELLING: readonly [Operation, ...Operation[]] = [
  'fdatasync',
  'fsync',
  'rename',
  'fsyncDirectory',
  'unlink',
  'allocate',
];

/** The machine or the process stops somewhere in this life, be it while starting, working or closing. */
export function armStop(faults: Faults, random: Random): void {
  const where = random.weighted({ start: 2, any: 3, telling: 3, unsynced: 5 });
  if (where === 'start') faults.arm({ fault: 'stop', operation: null, path: '', after: random.below(60) });
  else if (where === 'any')
    faults.arm({ fault: 'stop', operation: null, path: '', after: random.below(400) });
  else {
    const unsynced = where === 'unsynced';
    const operation = unsynced ? 'fdatasync' : random.pick(TELLING);
    faults.arm({
      fault: 'stop',
      operation,
      path: unsynced ? '.open' : '',
      after: random.below(random.pick([3, 12, 40])),
    });
  }
}

const FAULTS: Readonly<Record<Exclude<FaultKind, 'stop'>, readonly [Operation, ...Operation[]]>> = {
  EIO: [
    'pwrite',
    'fdatasync',
    'fsync',
    'fsyncDirectory',
    'rename',
    'open',
    'pread',
    'unlink',
    'list',
    'mkdir',
  ],
  ENOSPC: ['pwrite', 'allocate', 'open', 'mkdir', 'rename'],
  short: ['pwrite', 'fdatasync', 'fsync'],
  delay: ['pwrite', 'fdatasync', 'fsync', 'rename', 'pread'],
  'late-EIO': ['fdatasync', 'rename', 'fsyncDirectory', 'pwrite', 'unlink', 'open'],
};

/** `full`: whether space may run out. */
export function armFaults(faults: Faults, random: Random, full: boolean): void {
  // The one that has cost most databases something: a sync fails, and what it covered looks clean from then on.
  if (random.chance(0.35)) {
    faults.arm({
      fault: 'EIO',
      operation: 'fdatasync',
      path: '.open',
      after: random.below(random.pick([3, 12])),
    });
    return;
  }
  for (let count = random.between(1, 2); count > 0; count--) {
    const fault = random.weighted({ EIO: 6, ENOSPC: full ? 3 : 0, short: 3, delay: 2, 'late-EIO': 2 });
    const operation = random.pick(FAULTS[fault]);
    const path = random.pick(['', '', '/wal/', '.open', 'spare', '/metadata/', '/views/']);
    faults.arm({ fault, operation, path, after: random.below(random.pick([1, 5, 25])) });
  }
}
