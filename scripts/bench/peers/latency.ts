/**
 * How long a durable append takes at half of what the server can do: requests start on a schedule, whether or not the ones
 * before are answered, and their time counts from when they were due. Beside it the time of a bare write + fdatasync.
 */
import fs from 'node:fs';
import { join } from 'node:path';
import type { Client } from '../../../db/client/index.ts';
import { newUuid } from '../../../db/protocol/index.ts';
import type { StreamName } from '../../../db/streams/event.ts';
import { atMost, median } from '../bench.ts';
import { keepUnderWay } from './keep-under-way.ts';
import { type Finding, ratioOfRounds } from './outcome.ts';
import type { PartResult } from './part.ts';
import { payload } from './peer.ts';
import type { Plan } from './rounds.ts';
import { connectAll, startTruthdb } from './truthdb.ts';

const BYTES = 256;
const CLIENTS = 64;
const SHARE_OF_PEAK = 0.5;
const FILE_BYTES = 64 * 1024 * 1024;
const NOTHING = new Uint8Array(0);

/** Microseconds, ascending. */
type Times = readonly number[];

export async function latency(plan: Plan): Promise<PartResult> {
  const { started, url } = await startTruthdb(join(plan.directory, 'latency'));
  const clients = await connectAll(url, CLIENTS);
  const fd = filledFile(join(plan.directory, 'latency-raw'));
  try {
    const own: Times[] = [];
    const raw: Times[] = [];
    await peakOf(clients, plan.seconds);
    for (let round = 0; round < plan.rounds; round++) {
      plan.signal.throwIfAborted();
      const peak = await peakOf(clients, plan.seconds);
      own.push(await onSchedule(clients, peak * SHARE_OF_PEAK, plan.seconds));
      raw.push(syncTimes(fd, plan.seconds));
      plan.progress(
        `latency: half of ${Math.round(peak)} a second: p99 ${Math.round(at(own[round]!, 0.99))} µs, bare sync ${Math.round(at(raw[round]!, 0.99))} µs`,
      );
    }
    return judge(own, raw);
  } finally {
    await Promise.all(clients.map((client) => client.close()));
    await started.stop();
    fs.closeSync(fd);
  }
}

function judge(own: readonly Times[], raw: readonly Times[]): PartResult {
  const findings = [0.5, 0.99].flatMap((share) => {
    const [ours, theirs] = [own, raw].map((rounds) => rounds.map((times) => at(times, share))) as [
      number[],
      number[],
    ];
    return [
      finding('TruthDB, half of its peak', share, ours, null),
      finding('bare write + fdatasync', share, theirs, ratioOfRounds(ours, theirs)),
    ];
  });
  const times = ratioOfRounds(
    own.map((each) => at(each, 0.99)),
    raw.map((each) => at(each, 0.99)),
  );
  return { findings, aims: [atMost('p99 at half of the peak: times the p99 of a bare fdatasync', 3, times)] };
}

function finding(who: string, share: number, values: readonly number[], ratio: number | null): Finding {
  const load = share === 0.5 ? 'median' : 'p99';
  return {
    ...{ part: 'latency', load, bytes: BYTES, who, durable: true, unit: 'µs', note: '', ratio },
    ...{ value: median(values), low: Math.min(...values), high: Math.max(...values) },
  };
}

async function append(client: Client, stream: number): Promise<void> {
  const event = {
    ...{ id: newUuid(), type: 'load', contentType: 'binary' as const },
    ...{ data: DATA, metadata: NOTHING },
  };
  await client.appendDrafts({
    ...{ stream: `load-${stream}` as StreamName, expected: 'any', events: [event], ack: 'durable' },
  });
}

const DATA = payload(BYTES);

/** Appends a second with one in flight on each connection. */
function peakOf(clients: readonly Client[], seconds: number): Promise<number> {
  let next = 0;
  const idle = clients.map((client, index) => ({ client, index }));
  const write = async (): Promise<void> => {
    const one = idle[next++ % idle.length]!;
    await append(one.client, one.index);
  };
  return keepUnderWay(write, clients.length, seconds);
}

/** Times of appends that are due at a steady rate, from when they were due, in microseconds. */
async function onSchedule(clients: readonly Client[], rate: number, seconds: number): Promise<Times> {
  const times: number[] = [];
  const open: Promise<void>[] = [];
  const began = performance.now();
  const total = Math.floor(rate * seconds);
  await new Promise<void>((resolve) => {
    let due = 0;
    // Not by a timer: those go by the millisecond, and what the load waits for its own clock is not the server's latency.
    const tick = (): void => {
      const until = Math.min(total, Math.floor(((performance.now() - began) / 1000) * rate));
      for (; due < until; due++) {
        const dueAt = began + (due / rate) * 1000;
        const index = due % clients.length;
        open.push(
          append(clients[index]!, index).then(() => {
            times.push((performance.now() - dueAt) * 1000);
          }),
        );
      }
      if (due === total) resolve();
      else setImmediate(tick);
    };
    tick();
  });
  await Promise.all(open);
  return times.sort((a, b) => a - b);
}

function syncTimes(fd: number, seconds: number): Times {
  const times: number[] = [];
  const until = performance.now() + seconds * 1000;
  for (let at = 0; performance.now() < until; at = (at + BYTES) % FILE_BYTES) {
    const began = performance.now();
    fs.writeSync(fd, DATA, 0, BYTES, at);
    fs.fdatasyncSync(fd);
    times.push((performance.now() - began) * 1000);
  }
  return times.sort((a, b) => a - b);
}

function filledFile(path: string): number {
  const fd = fs.openSync(path, 'wx');
  fs.writeSync(fd, Buffer.alloc(FILE_BYTES), 0, FILE_BYTES, 0);
  fs.fdatasyncSync(fd);
  return fd;
}

function at(sorted: Times, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
