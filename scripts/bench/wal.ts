/**
 * How much of the disk the log leaves to its users: batches of entries made durable through the whole write path (encode,
 * ring, checksums, chain, write, fdatasync, notification) against a bare loop of write + fdatasync of as many bytes.
 *
 * Both sides run in the same directory, in turns, for the same time. The bare loop runs twice: appending to a growing
 * file, and overwriting a file that was filled before, which is what a log with prepared segments competes with. With
 * several batches in flight the log may put more than one under an fdatasync, as it does for real clients.
 */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { RealDisk, realClock } from '../../db/io/index.ts';
import type { RecordedAt, Sequence, TenantId } from '../../db/types.ts';
import { type EntryDraft, initLog, type OpenedLog, openLog } from '../../db/wal/index.ts';
import { atLeast, type Bench, type BenchContext, type BenchResult, median, rounded } from './bench.ts';

const ENTRY_BYTES = [128, 1024] as const;
const BATCHES = [1, 100, 1000] as const;
const IN_FLIGHT = [1, 4] as const;
const ROUNDS = 12;
const QUICK_ROUNDS = 4;
const SLICE_SECONDS = 0.2;
const RAW_FILE_BYTES = 256 * 1024 * 1024;
const AIM = 0.7;

export const wal: Bench = {
  name: 'wal',
  summary: 'durable batches through the log against bare write + fdatasync of as many bytes',
  run,
};

interface Case {
  readonly entryBytes: number;
  readonly batch: number;
  readonly inFlight: number;
}

/** What one run of one side did. */
interface Run {
  readonly seconds: number;
  readonly bytes: number;
  readonly batches: number;
  readonly syncs: number;
}

async function run({ directory, progress, signal, args }: BenchContext): Promise<BenchResult> {
  const { rounds, cases } = parse(args);
  const rows = [];
  const aims = [];
  for (const each of cases) {
    const { entryBytes, batch, inFlight } = each;
    const measured = await measure(directory, each, rounds, signal);
    const name = `${entryBytes} B × ${batch}, ${inFlight} in flight`;
    progress(
      `${name}: ${measured.row.ratio_append} of appending, ${measured.row.ratio_overwrite} of overwriting`,
    );
    rows.push(measured.row);
    if (batch === 1 || inFlight === 1) continue;
    aims.push(
      atLeast(`${name}, against appending`, AIM, measured.append),
      atLeast(`${name}, against overwriting`, AIM, measured.overwrite),
    );
  }
  return { rows, aims };
}

/** `--quick`: fewer rounds. `--entry=128`, `--batch=1000`: only those cases. */
function parse(args: readonly string[]): { rounds: number; cases: Case[] } {
  const { values } = parseArgs({
    args: [...args],
    options: { quick: { type: 'boolean' }, entry: { type: 'string' }, batch: { type: 'string' } },
  });
  const cases = ENTRY_BYTES.flatMap((entryBytes) =>
    BATCHES.flatMap((batch) => IN_FLIGHT.map((inFlight) => ({ entryBytes, batch, inFlight }))),
  ).filter(
    ({ entryBytes, batch }) =>
      [undefined, String(entryBytes)].includes(values.entry) &&
      [undefined, String(batch)].includes(values.batch),
  );
  return { rounds: values.quick === true ? QUICK_ROUNDS : ROUNDS, cases };
}

async function measure(parent: string, each: Case, rounds: number, signal: AbortSignal) {
  const directory = fs.mkdtempSync(join(parent, 'case-'));
  const logs: Run[] = [];
  const appends: Run[] = [];
  const overwrites: Run[] = [];
  const filled = filledFile(join(directory, 'filled'));
  const grown = fs.openSync(join(directory, 'grown'), 'wx');
  const log = await openNewLog(join(directory, 'log'));
  const raw = new RawLoop(grown, filled);
  for (let round = 0; round < rounds; round++) {
    signal.throwIfAborted();
    logs.push(await runLog(log, each));
    const bytes = Math.round(logs[round]!.bytes / logs[round]!.batches);
    appends.push(raw.append(bytes));
    overwrites.push(raw.overwrite(bytes));
  }
  const zeroFilled = log.status().bytesZeroFilled / log.status().bytesWritten;
  await log.close();
  fs.closeSync(grown);
  fs.closeSync(filled);
  // Only now: freeing a gigabyte keeps the file system's journal busy, which would slow whoever comes next.
  fs.rmSync(directory, { recursive: true });
  await new Promise((resolve) => setTimeout(resolve, 500));
  const append = ratio(logs, appends);
  const overwrite = ratio(logs, overwrites);
  return {
    append,
    overwrite,
    row: {
      entry_bytes: each.entryBytes,
      batch: each.batch,
      in_flight: each.inFlight,
      log_entries_s: Math.round(median(logs.map((log) => (log.batches * each.batch) / log.seconds))),
      log_mb_s: rounded(median(logs.map(megabytesPerSecond))),
      append_mb_s: rounded(median(appends.map(megabytesPerSecond))),
      overwrite_mb_s: rounded(median(overwrites.map(megabytesPerSecond))),
      ratio_append: rounded(append),
      ratio_overwrite: rounded(overwrite),
      batches_per_sync: rounded(median(logs.map((log) => log.batches / Math.max(log.syncs, 1)))),
      zero_filled_ratio: rounded(zeroFilled),
    },
  };
}

/** Median over the rounds of one side's bytes per second over the other's, pair by pair: both saw the same weather. */
function ratio(logs: readonly Run[], raws: readonly Run[]): number {
  return median(logs.map((log, round) => megabytesPerSecond(log) / megabytesPerSecond(raws[round]!)));
}

function megabytesPerSecond({ bytes, seconds }: Run): number {
  return bytes / seconds / 1e6;
}

async function openNewLog(directory: string): Promise<OpenedLog> {
  const disk = new RealDisk();
  initLog({ directory, disk, random: randomBytes });
  return await openLog({ directory, disk, clock: realClock, random: randomBytes });
}

async function runLog(log: OpenedLog, each: Case): Promise<Run> {
  const before = log.status();
  const { seconds, batches } = await appendFor(log, each);
  const after = log.status();
  await preparedSpares(log);
  const syncs = after.syncMicros.count - before.syncMicros.count;
  return { seconds, batches, bytes: after.bytesWritten - before.bytesWritten, syncs };
}

/** Waits until the writer has nothing left to fill with zeros: it must not compete with the bare loops. */
async function preparedSpares(log: OpenedLog): Promise<void> {
  let filled = -1;
  while (filled !== log.status().bytesZeroFilled) {
    filled = log.status().bytesZeroFilled;
    await new Promise((resolve) => setTimeout(resolve, 80));
  }
}

/** Keeps that many batches in flight, each a command of its own, until the time is over and all are stable. */
async function appendFor(
  log: OpenedLog,
  { entryBytes, batch, inFlight }: Case,
): Promise<{ seconds: number; batches: number }> {
  const command = Array.from({ length: batch }, () => entry(entryBytes));
  const open: Sequence[] = [];
  let batches = 0;
  const began = performance.now();
  const end = began + SLICE_SECONDS * 1000;
  const stop: (() => void)[] = [];
  await new Promise<void>((resolve, reject) => {
    const submit = (): void => {
      while (open.length < inFlight && performance.now() < end) {
        open.push(log.append(command, BigInt(Date.now()) as RecordedAt).last);
        batches += 1;
        log.flush();
      }
      if (open.length === 0) resolve();
    };
    const settle = (stable: Sequence): void => {
      while (open.length > 0 && open[0]! < stable) open.shift();
      submit();
    };
    stop.push(log.onFailure(reject), log.onStable(settle));
    submit();
  });
  for (const each of stop) each();
  return { seconds: (performance.now() - began) / 1000, batches };
}

function entry(bytes: number): EntryDraft {
  return { type: 16, tenant: 0 as TenantId, partitionKey: 1n, flags: 0, payload: randomBytes(bytes) };
}

/** The bare loops; their files last as long as the log they are compared with. */
class RawLoop {
  readonly #grown: number;
  readonly #filled: number;
  #grownEnd = 0;
  #filledAt = 0;

  constructor(grown: number, filled: number) {
    this.#grown = grown;
    this.#filled = filled;
  }

  append(bytes: number): Run {
    return writeAndSync(this.#grown, bytes, () => {
      this.#grownEnd += bytes;
      return this.#grownEnd - bytes;
    });
  }

  overwrite(bytes: number): Run {
    return writeAndSync(this.#filled, bytes, () => {
      if (this.#filledAt + bytes > RAW_FILE_BYTES) this.#filledAt = 0;
      this.#filledAt += bytes;
      return this.#filledAt - bytes;
    });
  }
}

function writeAndSync(fd: number, bytes: number, nextPosition: () => number): Run {
  const source = randomBytes(bytes);
  let batches = 0;
  const began = performance.now();
  const end = began + SLICE_SECONDS * 1000;
  while (performance.now() < end) {
    fs.writeSync(fd, source, 0, bytes, nextPosition());
    fs.fdatasyncSync(fd);
    batches += 1;
  }
  return { seconds: (performance.now() - began) / 1000, batches, bytes: batches * bytes, syncs: batches };
}

/** A file whose blocks have all been written once. */
function filledFile(path: string): number {
  const fd = fs.openSync(path, 'wx');
  const zeros = Buffer.alloc(1024 * 1024);
  for (let at = 0; at < RAW_FILE_BYTES; at += zeros.length) fs.writeSync(fd, zeros, 0, zeros.length, at);
  fs.fdatasyncSync(fd);
  return fd;
}
