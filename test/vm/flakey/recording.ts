/** Cuts from a recording: one run under dm-log-writes, then the disk made again up to random places of it. */
import { closeSync, openSync, readSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Random } from '../../../db/sim/random.ts';
import {
  type CrashPlan,
  crashPoints,
  survivingRanges,
  writeCrashDisk,
} from '../../../scripts/vm/crash-disk.ts';
import { LOG_WRITES_FLAGS, parseLogWrites, type RecordedWrite } from '../../../scripts/vm/log-writes.ts';
import { MOUNT_POINT } from './cuts.ts';
import {
  diskWithSerial,
  linear,
  logWrites,
  MappedDevice,
  makeXfs,
  mountXfs,
  sectorsOf,
  unmount,
  zero,
} from './devices.ts';
import { Ledger } from './ledger.ts';
import { LOAD_CLIENTS, Load } from './load.ts';
import type { CutReport, PlannedRecording } from './plan.ts';
import { recover } from './recover.ts';
import { startOnNew } from './server.ts';

const MARKS = 20;
const MARK_PAUSE_MS = 20;
/** Cuts come before it: enough must have been acknowledged afterwards to be missed. */
const LAST_CUT_MARK = 15;
const MARK_PREFIX = 'flakey-';
const SUPER_BYTES = 28;
const SUPER_ENTRIES_AT = 16;
const HEADER_BYTES = 32;
const HEADER_FLAGS_AT = 16;
const HEADER_EXTRA_AT = 24;
const MARK_BYTES_MAX = 64;
const SECTOR_BYTES = 512;

/** Between the two times the mark was placed. */
interface Mark {
  readonly before: number;
  readonly after: number;
}

interface Recorded {
  readonly recording: string;
  readonly entries: readonly RecordedWrite[];
  /** Index of the entry that is the mark of that number. */
  readonly markAt: readonly number[];
  readonly marks: readonly Mark[];
  readonly ledger: Ledger;
  readonly connection: string;
  readonly refusals: readonly string[];
}

/** Calls `report` for each of the cuts. */
export async function runRecording(
  { seed, cuts }: PlannedRecording,
  report: (cut: CutReport) => void,
): Promise<void> {
  let started = performance.now();
  const recorded = await record(seed);
  const random = new Random(seed, 'replay');
  for (let cut = 0; cut < cuts; cut += 1) {
    report(await replay(recorded, choosePlan(recorded, random), started));
    started = performance.now();
  }
}

async function record(seed: number): Promise<Recorded> {
  const [disk, recording] = [diskWithSerial('data'), diskWithSerial('recording')];
  const device = await MappedDevice.create('recorded', disk, logWrites(disk, recording));
  await makeXfs(device.path);
  await mountXfs(device.path, MOUNT_POINT);
  const server = await startOnNew(MOUNT_POINT, seed % 2 === 0 ? 'zeros' : 'unwritten');
  const ledger = new Ledger(seed, LOAD_CLIENTS);
  const load = await Load.start(server.connection, ledger);
  const marks: Mark[] = [];
  while (marks.length < MARKS) {
    const before = performance.now();
    await device.mark(`${MARK_PREFIX}${marks.length}`);
    marks.push({ before, after: performance.now() });
    await sleep(MARK_PAUSE_MS);
  }
  await server.kill();
  await load.stop();
  await unmount(MOUNT_POINT);
  await device.remove();
  const { entries, markAt } = readRecording(recording);
  if (markAt.includes(-1))
    throw new Error(`${MARKS} marks were placed in the recording, it holds them at ${markAt.join(', ')}`);
  return {
    recording,
    entries,
    markAt,
    marks,
    ledger,
    connection: server.connection,
    refusals: load.refusals,
  };
}

/** A recording device is not emptied before it is used again: its super block says how many entries are of this time. */
function readRecording(path: string): Pick<Recorded, 'entries' | 'markAt'> {
  const fd = openSync(path, 'r');
  try {
    const read = (offset: number, length: number): Buffer => {
      const bytes = Buffer.alloc(length);
      readSync(fd, bytes, 0, length, offset);
      return length === HEADER_BYTES ? withoutMarkLength(bytes) : bytes;
    };
    const count = Number(read(0, SUPER_BYTES).readBigUInt64LE(SUPER_ENTRIES_AT));
    const entries = parseLogWrites(read, sectorsOf(path) * SECTOR_BYTES).slice(0, count);
    const markAt = Array.from({ length: MARKS }, () => -1);
    for (const [index, entry] of entries.entries()) {
      const number = numberOfMark(entry, read);
      if (number !== undefined) markAt[number] = index;
    }
    return { entries, markAt };
  } finally {
    closeSync(fd);
  }
}

/**
 * The kernel keeps a mark's text in the rest of the header's own sector and takes no further ones for it, though it gives its
 * length where the length of data that follow would stand. Source: Linux, drivers/md/dm-log-writes.c, log_one_block().
 */
function withoutMarkLength(header: Buffer): Buffer {
  if (header.readBigUInt64LE(HEADER_FLAGS_AT) === BigInt(LOG_WRITES_FLAGS.mark))
    header.fill(0, HEADER_EXTRA_AT);
  return header;
}

function numberOfMark(
  entry: RecordedWrite,
  read: (offset: number, length: number) => Buffer,
): number | undefined {
  if (entry.length > 0 || entry.flush) return undefined;
  const text = read(entry.dataOffset - SECTOR_BYTES + HEADER_BYTES, MARK_BYTES_MAX).toString('latin1');
  const number = new RegExp(`^${MARK_PREFIX}(\\d+)`).exec(text)?.[1];
  return number === undefined ? undefined : Number(number);
}

/** Right before a flush while clients appended, with a random part of what it would have made certain: whole writes or sectors. */
function choosePlan({ entries, markAt }: Recorded, random: Random): CrashPlan {
  const points = crashPoints(entries).filter(
    ({ flush, last }) =>
      flush >= markAt[0]! &&
      last < markAt[LAST_CUT_MARK]! &&
      entries.slice(flush + 1, last + 1).some(isAtStake),
  );
  if (points.length === 0) throw new Error('nothing was written between two flushes of the recording');
  return {
    point: points[random.below(points.length)]!,
    seed: random.next(),
    grain: random.below(2) === 0 ? 'write' : 'sector',
  };
}

function isAtStake({ length, fua }: RecordedWrite): boolean {
  return length > 0 && !fua;
}

/** Makes the disk anew as the power cut of `plan` leaves it, and lets the database recover from it. */
async function replay(recorded: Recorded, plan: CrashPlan, started: number): Promise<CutReport> {
  const { entries, recording, markAt, marks, ledger, connection, refusals } = recorded;
  const disk = diskWithSerial('replayed');
  await zero(disk);
  const device = await MappedDevice.create('replayed', disk, linear(disk));
  writeCrashDisk(device.path, recording, survivingRanges(entries, plan));
  await mountXfs(device.path, MOUNT_POINT);
  // What was acknowledged before a mark was placed had been flushed before it; what was sent after one cannot be before it.
  const next = markAt.findIndex((index) => index > plan.point.last);
  const report = await recover(
    {
      kind: 'log-writes',
      seed: plan.seed,
      ledger,
      promisedUntil: marks[next - 1]!.before,
      sentUntil: marks[next]!.after,
      refusals,
      connection,
      started,
    },
    MOUNT_POINT,
  );
  await unmount(MOUNT_POINT);
  await device.remove();
  return report;
}
