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
import { RealDisk, realClock } from '../../db/io/index.ts';
import type { RecordedAt, Sequence, TenantId } from '../../db/types.ts';
import { type EntryDraft, initLog, type OpenedLog, openLog } from '../../db/wal/index.ts';
import { atLeast, type Bench, type BenchContext, type BenchResult, median, rounded } from './bench.ts';

const ENTRY_BYTES = [128, 1024] as const;
const BATCHES = [1, 100, 1000] as const;
const IN_FLIGHT = [1, 4] as const;
const ROUNDS = 5;
const SECONDS = 0.6;
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
  readonly bytesZeroFilled: number;
}

async function run({ directory, progress, signal, args }: BenchContext): Promise<BenchResult> {
  const rounds = args.includes('--quick') ? 2 : ROUNDS;
  const rows = [];
  const aims = [];
  for (const entryBytes of ENTRY_BYTES) {
    for (const batch of BATCHES) {
      for (const inFlight of IN_FLIGHT) {
        const measured = await measure(directory, { entryBytes, batch, inFlight }, rounds, signal);
        progress(
          `${entryBytes} B × ${batch}, ${inFlight} in flight: ${measured.row.ratio_append} of appending`,
        );
        rows.push(measured.row);
        if (batch > 1) {
          aims.push(
            atLeast(
              `${entryBytes} B × ${batch}, ${inFlight} in flight, against appending`,
              AIM,
              measured.append,
            ),
            atLeast(
              `${entryBytes} B × ${batch}, ${inFlight} in flight, against overwriting`,
              AIM,
              measured.overwrite,
            ),
          );
        }
      }
    }
  }
  return { rows, aims };
}

async function measure(parent: string, each: Case, rounds: number, signal: AbortSignal) {
  const directory = fs.mkdtempSync(join(parent, 'case-'));
  const logs: Run[] = [];
  const appends: Run[] = [];
  const overwrites: Run[] = [];
  const filled = filledFile(join(directory, 'filled'));
  for (let round = 0; round < rounds; round++) {
    signal.throwIfAborted();
    const log = await runLog(join(directory, `log-${round}`), each);
    const bytes = Math.round(log.bytes / log.batches);
    logs.push(log);
    const grown = fs.openSync(join(directory, `grown-${round}`), 'wx');
    appends.push(runRaw(grown, bytes, Number.POSITIVE_INFINITY));
    fs.closeSync(grown);
    overwrites.push(runRaw(filled, bytes, RAW_FILE_BYTES));
  }
  fs.closeSync(filled);
  // Only now: freeing a gigabyte keeps the file system's journal busy, which would slow whoever comes next.
  fs.rmSync(directory, { recursive: true });
  await new Promise((resolve) => setTimeout(resolve, 500));
  const append = ratio(logs, appends);
  const overwrite = ratio(logs, overwrites);
  const zeroFilled = median(logs.map((log) => log.bytesZeroFilled / log.bytes));
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

async function runLog(directory: string, each: Case): Promise<Run> {
  const disk = new RealDisk();
  initLog({ directory, disk, random: randomBytes });
  const log = await openLog({ directory, disk, clock: realClock, random: randomBytes });
  try {
    // The first segment and its spare are prepared in idle time, as on a server that has just started.
    await new Promise((resolve) => setTimeout(resolve, 300));
    const before = log.status();
    const { seconds, batches } = await appendFor(log, each);
    const after = log.status();
    return {
      seconds,
      batches,
      bytes: after.bytesWritten - before.bytesWritten,
      syncs: after.syncMicros.count - before.syncMicros.count,
      bytesZeroFilled: after.bytesZeroFilled,
    };
  } finally {
    await log.close();
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
  const end = began + SECONDS * 1000;
  await new Promise<void>((resolve, reject) => {
    log.onFailure(reject);
    const submit = (): void => {
      while (open.length < inFlight && performance.now() < end) {
        open.push(log.append(command, BigInt(Date.now()) as RecordedAt).last);
        batches += 1;
        log.flush();
      }
      if (open.length === 0) resolve();
    };
    log.onStable((stable) => {
      while (open.length > 0 && open[0]! < stable) open.shift();
      submit();
    });
    submit();
  });
  return { seconds: (performance.now() - began) / 1000, batches };
}

function entry(bytes: number): EntryDraft {
  return { type: 16, tenant: 0 as TenantId, partitionKey: 1n, flags: 0, payload: randomBytes(bytes) };
}

/** Writes and syncs blocks one after the other, going back to the start before `limit`. */
function runRaw(fd: number, bytes: number, limit: number): Run {
  const source = randomBytes(bytes);
  let batches = 0;
  let position = 0;
  const began = performance.now();
  const end = began + SECONDS * 1000;
  while (performance.now() < end) {
    if (position + bytes > limit) position = 0;
    fs.writeSync(fd, source, 0, bytes, position);
    fs.fdatasyncSync(fd);
    position += bytes;
    batches += 1;
  }
  const seconds = (performance.now() - began) / 1000;
  return { seconds, batches, bytes: batches * bytes, syncs: batches, bytesZeroFilled: 0 };
}

/** A file whose blocks have all been written once. */
function filledFile(path: string): number {
  const fd = fs.openSync(path, 'wx');
  const zeros = Buffer.alloc(1024 * 1024);
  for (let at = 0; at < RAW_FILE_BYTES; at += zeros.length) fs.writeSync(fd, zeros, 0, zeros.length, at);
  fs.fdatasyncSync(fd);
  return fd;
}
