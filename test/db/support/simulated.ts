/** A database on the simulated machine, driven turn by turn, for tests that let its disk fail. */
import { type Engine, initDatabase, openEngine } from '../../../db/engine.ts';
import type { StreamName } from '../../../db/kernel/event.ts';
import { HONEST, type Machine, SimDisk } from '../../../db/sim/disk.ts';
import { type FaultKind, Faults, type Operation } from '../../../db/sim/faults.ts';
import { Random } from '../../../db/sim/random.ts';
import { SimTime } from '../../../db/sim/time.ts';
import { Trace } from '../../../db/sim/trace.ts';
import { eventDraft } from './event-drafts.ts';

export const DIRECTORY = '/data';
export const FAULTS: readonly FaultKind[] = ['EIO', 'ENOSPC', 'short', 'late-EIO', 'delay', 'stop'];
export const OPERATIONS: readonly Operation[] = [
  'mkdir',
  'open',
  'pwrite',
  'fsync',
  'rename',
  'fsyncDirectory',
];

export function newMachine(seed: number): Machine {
  return {
    time: new SimTime(),
    trace: new Trace(false),
    faults: new Faults(),
    random: new Random(seed, 'disk'),
    nameOrder: 'any',
    lies: HONEST,
  };
}

export function openOn(machine: Machine, disk: SimDisk, directory = DIRECTORY): Promise<Engine> {
  const { time, random } = machine;
  const options = { directory, disk, clock: time, scheduler: time, inline: true };
  return openEngine({ ...options, random: (bytes) => random.bytes(bytes), ringBytes: 1 << 22 });
}

/** Lets turns and time pass until the promise settles. */
export async function pump<T>({ time }: Machine, promise: Promise<T>): Promise<T> {
  let settled = false;
  const over = (): void => {
    settled = true;
  };
  promise.then(over, over);
  for (let turn = 0; !settled; turn++) {
    for (let task = 0; task < 20; task++) await null;
    time.runTurn();
    if (turn % 16 === 15) time.advance(1_000_000);
    if (turn > 5000) throw new Error('it never ended');
  }
  return promise;
}

export async function write(machine: Machine, engine: Engine, count: number): Promise<void> {
  for (let event = 0; event < count; event++) {
    const stream = `s${event % 3}` as StreamName;
    const append = engine.append({ stream, expected: 'any', events: [eventDraft('x')], ack: 'applied' });
    await pump(machine, append);
  }
}

/** An empty database on a disk of the machine. */
export function newDisk(machine: Machine): SimDisk {
  const disk = new SimDisk(machine);
  const random = (bytes: number): Uint8Array => machine.random.bytes(bytes);
  initDatabase({ directory: DIRECTORY, disk, random, segmentBytes: 1 << 20 });
  return disk;
}
