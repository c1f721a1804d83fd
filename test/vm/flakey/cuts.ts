/** Cuts by changing the table under a mounted file system while clients append: one run is one cut. */
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '../../../db/client/index.ts';
import { Random } from '../../../db/sim/random.ts';
import {
  diskWithSerial,
  flakey,
  isShutDown,
  linear,
  MappedDevice,
  makeXfs,
  mountXfs,
  unmount,
} from './devices.ts';
import { type FoundEvent, Ledger } from './ledger.ts';
import { LOAD_CLIENTS, LOAD_UNDER_WAY, Load, PATIENT, readEvents } from './load.ts';
import type { CutReport, PlannedCut } from './plan.ts';
import { type Cut, recover } from './recover.ts';
import { ServerProcess, startOnNew } from './server.ts';

/** Counted in answers, because emulated machines differ in speed by an order of magnitude: until the cut, */
const ANSWERS_BEFORE = { from: 20, to: 300 } as const;
/** and from a disk that lies until the power goes. More than there can have been under way when it began to lie. */
const LYING_ANSWERS = { from: LOAD_UNDER_WAY + 1, to: 2 * LOAD_UNDER_WAY } as const;
const ARRIVAL_MS = 500;
const WRITER_END_MS = 120_000;

/** What every run leaves mounted while it works. */
export const MOUNT_POINT = '/data';

/** The device as it is while everything is well, with an empty file system mounted, and the server on it. */
interface Machine {
  readonly disk: string;
  readonly device: MappedDevice;
  readonly server: ServerProcess;
  readonly ledger: Ledger;
  readonly load: Load;
  readonly random: Random;
}

/** What a way of cutting makes known. */
interface Happened {
  readonly promisedUntil: number;
  readonly serverExit?: number;
  /** What a reader saw last; it must still be there. */
  readonly exposed?: readonly FoundEvent[];
  readonly shutDown?: boolean;
}

/** Makes a database on a new file system, loads it, cuts as `kind` says, and reports what came back. */
export async function runCut({ kind, seed }: PlannedCut): Promise<CutReport> {
  const started = performance.now();
  const machine = await begin(kind, seed);
  const { device, disk, ledger, load, random, server } = machine;
  await load.answers(between(random, ANSWERS_BEFORE));
  const happened = await WAYS[kind](machine);
  await load.stop();
  const cut: Cut = {
    kind,
    seed,
    ledger,
    ...happened,
    sentUntil: Number.POSITIVE_INFINITY,
    refusals: load.refusals,
    connection: server.connection,
    started,
  };
  await unmount(MOUNT_POINT);
  await device.change(linear(disk));
  await mountXfs(device.path, MOUNT_POINT);
  const report = await recover(cut, MOUNT_POINT);
  await unmount(MOUNT_POINT);
  await device.remove();
  return report;
}

const WAYS = {
  'drop-writes': dropWrites,
  async: dropWrites,
  'error-writes': errorWrites,
  exposed: exposeThenDrop,
} as const;

async function begin(kind: PlannedCut['kind'], seed: number): Promise<Machine> {
  const disk = diskWithSerial('data');
  const device = await MappedDevice.create('data', disk, linear(disk));
  await makeXfs(device.path);
  await mountXfs(device.path, MOUNT_POINT);
  const server = await startOnNew(
    MOUNT_POINT,
    kind === 'exposed' ? 'zeros' : 'unwritten',
    kind === 'async' ? 'async' : 'group_sync',
  );
  const ledger = new Ledger(seed, LOAD_CLIENTS);
  const load = await Load.start(server.connection, ledger);
  return { disk, device, server, ledger, load, random: new Random(seed, 'cut') };
}

/** The disk lies for a while: what it answers from then on is worth nothing, what it answered before must hold. */
async function dropWrites({ device, disk, server, load, random }: Machine): Promise<Happened> {
  await device.prepare(flakey(disk, 'drop_writes'));
  await device.suspend();
  // Answers already on their way to the clients were given for what is on the disk.
  await sleep(ARRIVAL_MS);
  const promisedUntil = performance.now();
  await device.resume();
  await load.answers(between(random, LYING_ANSWERS));
  await server.kill();
  return { promisedUntil };
}

/** The disk refuses honestly, so whatever was acknowledged, whenever that was, must hold; and the server must end by itself. */
async function errorWrites({ device, disk, server }: Machine): Promise<Happened> {
  await device.change(flakey(disk, 'error_writes'));
  return { promisedUntil: Number.POSITIVE_INFINITY, serverExit: await endOf(server) };
}

/**
 * After a failed fdatasync the page cache shows what the disk does not have, and no later one writes it: the pages are clean.
 * The disk is well again when the next server starts over the same mounted file system, and what that server shows must
 * outlast the memory it was read from.
 */
async function exposeThenDrop({ device, disk, server, load }: Machine): Promise<Happened> {
  await device.change(flakey(disk, 'error_writes'));
  await load.refused();
  await device.change(linear(disk));
  const serverExit = await endOf(server);
  await load.stop();
  // Where a write of the file system's own was refused as well, it has nothing to show any more: the next server starts on the disk.
  const shutDown = isShutDown(MOUNT_POINT);
  if (shutDown) {
    await unmount(MOUNT_POINT);
    await mountXfs(device.path, MOUNT_POINT);
  }
  const again = await ServerProcess.start({
    directory: MOUNT_POINT,
    durability: 'group_sync',
    connection: server.connection,
  });
  const reader = await connect(server.connection, PATIENT);
  const exposed = await readEvents(reader);
  await device.change(flakey(disk, 'drop_writes'));
  await again.kill();
  await reader.close();
  return { promisedUntil: Number.POSITIVE_INFINITY, serverExit, exposed, shutDown };
}

/** Exit status of a server that is expected to end by itself; -1 when it was killed because it did not. */
async function endOf(server: ServerProcess): Promise<number> {
  const status = await server.exit(WRITER_END_MS);
  if (status === undefined) await server.kill();
  return status ?? -1;
}

function between(random: Random, { from, to }: { readonly from: number; readonly to: number }): number {
  return from + random.below(to - from);
}
