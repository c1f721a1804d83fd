/**
 * What a large log costs: whether appends are as fast behind as many segments as 100 GiB have as on an empty log, and how
 * long a server takes after a kill until it serves again. The many segments are small ones: their number is what a log
 * carries with it, their bytes lie on the disk.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { RealDisk, realClock } from '../../../db/io/index.ts';
import type { RecordedAt, Sequence, TenantId } from '../../../db/types.ts';
import { type OpenedLog, openLog } from '../../../db/wal/index.ts';
import { atLeast, median } from '../bench.ts';
import { type Finding, ratioOfRounds } from './outcome.ts';
import type { PartResult } from './part.ts';
import { payload } from './peer.ts';
import { fillLog } from './replay.ts';
import type { Plan } from './rounds.ts';

const BYTES = 256;
const MIB = 1024 * 1024;
/** 100 GiB in segments of 64 MiB. */
const SEGMENTS = 1600;
const BATCH = 100;
const IN_FLIGHT = 4;

/** `quick` makes a tenth of the segments. */
export async function growth(plan: Plan, quick: boolean): Promise<PartResult> {
  const segments = quick ? SEGMENTS / 10 : SEGMENTS;
  const [small, large] = [join(plan.directory, 'empty'), join(plan.directory, 'large')];
  plan.progress(`growth: writing a log of ${segments} segments`);
  const shape = { segmentBytes: MIB, batch: BATCH };
  await fillLog(large, shape, (log) => log.status().segments < segments);
  await fillLog(small, shape, (log) => log.status().segments < 1);
  const logs = [await reopen(large), await reopen(small)] as const;
  try {
    const rates: [number[], number[]] = [[], []];
    for (let round = -1; round < plan.rounds; round++) {
      for (const [index, { log }] of logs.entries()) {
        plan.signal.throwIfAborted();
        const rate = await appendFor(log, plan.seconds);
        if (round >= 0) rates[index]!.push(rate);
      }
    }
    const [behind, empty] = rates;
    const [full, bare] = logs;
    return {
      findings: [
        finding('appending', `behind ${full.segments} segments`, 'events/s', behind, null),
        finding('appending', 'empty log', 'events/s', empty, ratioOfRounds(behind, empty)),
        ...[full, bare].flatMap(({ segments: count, millis, memory }) => [
          finding('opening', `${count} segments`, 'ms', [millis], null),
          finding('resident after opening', `${count} segments`, 'MB more', [memory / 1e6], null),
        ]),
      ],
      aims: [
        atLeast(
          `throughput behind ${segments} segments: of an empty log`,
          0.95,
          ratioOfRounds(behind, empty),
        ),
      ],
    };
  } finally {
    for (const { log } of logs) await log.close();
    for (const each of [small, large]) rmSync(each, { recursive: true, force: true });
  }
}

function finding(
  load: string,
  who: string,
  unit: string,
  values: readonly number[],
  ratio: number | null,
): Finding {
  return {
    ...{ part: 'growth', load, bytes: BYTES, who, durable: true, unit, note: '', ratio },
    ...{ value: median(values), low: Math.min(...values), high: Math.max(...values) },
  };
}

async function reopen(directory: string) {
  const before = residentBytes();
  const began = performance.now();
  const disk = new RealDisk();
  const log = await openLog({ directory, disk, clock: realClock, random: randomBytes });
  const millis = performance.now() - began;
  // Counted now: what is appended while measuring makes more of them.
  const { segments } = log.status();
  return { log, segments, millis, memory: Math.max(0, residentBytes() - before) };
}

function residentBytes(): number {
  const pages = Number(readFileSync('/proc/self/statm', 'utf8').split(' ')[1]);
  return pages * 4096;
}

/** Entries made durable a second. */
async function appendFor(log: OpenedLog, seconds: number): Promise<number> {
  const entry = { type: 16, tenant: 0 as TenantId, partitionKey: 1n, flags: 0, payload: payload(BYTES) };
  const command = Array.from({ length: BATCH }, () => entry);
  const open: Sequence[] = [];
  const began = performance.now();
  const until = began + seconds * 1000;
  let batches = 0;
  await new Promise<void>((resolve) => {
    const submit = (): void => {
      for (; open.length < IN_FLIGHT && performance.now() < until; batches++) {
        open.push(log.append(command, BigInt(Date.now()) as RecordedAt).last);
        log.flush();
      }
      if (open.length > 0) return;
      stop();
      resolve();
    };
    const stop = log.onStable((stable) => {
      while (open.length > 0 && open[0]! <= stable) open.shift();
      submit();
    });
    submit();
  });
  return ((batches * BATCH) / (performance.now() - began)) * 1000;
}
