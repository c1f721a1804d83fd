/**
 * `bench overload`: what the server does when it is asked for twice as much as it can do. First the most it does for
 * clients that wait for their answers; then, for a minute, clients that send by the clock at twice that rate. Memory
 * must follow what was appended (the stream index keeps 36 to 45 bytes an event) and not what was asked for; what was
 * taken must not drop; a client that asks for the status meanwhile must get it.
 */
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { type Client, connect } from '../../db/client/index.ts';
import { atLeast, atMost, type Bench, type BenchContext, type BenchResult, rounded } from './bench.ts';
import { type Serving, startServing } from './serving.ts';

const CLIENTS = 64;
const SUSTAINED_IN_FLIGHT = 16;
/** What one client has under way at most; beyond, its own work is shed, as a program without its own bound would fall. */
const CLIENT_IN_FLIGHT_MAX = 512;
const SECONDS = 60;
const SETTLED_AFTER = 10;
const TICK_MILLIS = 20;
const LOAD_FACTOR = 2;
const DATA = new Uint8Array(1024).fill(66);
const MEGABYTE = 1024 * 1024;

const GROWTH_AIM = 64;
const KEPT_AIM = 0.8;
const STATUS_SECONDS_AIM = 2;

export const overload: Bench = {
  name: 'overload',
  summary: 'memory, throughput and answers at twice the load the server can do',
  run,
};

interface Sample {
  readonly residentBytes: number;
  readonly appended: number;
  readonly statusMillis: number;
}

interface Counts {
  offered: number;
  appended: number;
  refused: number;
  shed: number;
}

async function run(context: BenchContext): Promise<BenchResult> {
  const { values } = parseArgs({
    args: [...context.args],
    options: { seconds: { type: 'string', default: String(SECONDS) } },
  });
  const serving = await startServing({ data: join(context.directory, 'data') });
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => connect(serving.url)));
  const observer = new Worker(new URL('./overload-observer.ts', import.meta.url), {
    workerData: serving.url,
  });
  await once(observer, 'message');
  try {
    await sustained(clients, 2);
    const peak = await sustained(clients, 5);
    context.progress(`${Math.round(peak).toLocaleString('en')} appends a second when clients wait`);
    const counts: Counts = { offered: 0, appended: 0, refused: 0, shed: 0 };
    const samples = await overloaded(
      context,
      { serving, clients, observer, counts },
      peak,
      Number(values.seconds),
    );
    return report(peak, counts, samples);
  } finally {
    await observer.terminate();
    await Promise.all(clients.map((client) => client.close()));
    await serving.stop();
  }
}

/** Appends a second of clients that wait for their answers. */
async function sustained(clients: readonly Client[], seconds: number): Promise<number> {
  const began = performance.now();
  const until = began + seconds * 1000;
  let appended = 0;
  const work = async (client: Client, stream: string): Promise<void> => {
    while (performance.now() < until) {
      await client.append(stream, { type: 'measured', data: DATA });
      appended += 1;
    }
  };
  const workers = clients.flatMap((client, index) =>
    Array.from({ length: SUSTAINED_IN_FLIGHT }, () => work(client, `sustained-${index}`)),
  );
  await Promise.all(workers);
  return (appended * 1000) / (performance.now() - began);
}

interface Load {
  readonly serving: Serving;
  readonly clients: readonly Client[];
  readonly observer: Worker;
  readonly counts: Counts;
}

/** A sample a second. */
async function overloaded(
  { signal, progress }: BenchContext,
  { serving, clients, observer, counts }: Load,
  peak: number,
  seconds: number,
): Promise<Sample[]> {
  const pace = { perSecond: (peak * LOAD_FACTOR) / CLIENTS };
  const samples: Sample[] = [];
  const stop = new AbortController();
  const offering = clients.map((client, index) =>
    offer(client, `overload-${index}`, { pace, counts, signal: stop.signal }),
  );
  for (let second = 1; second <= seconds; second += 1) {
    signal.throwIfAborted();
    const asked = performance.now();
    observer.postMessage('status');
    const [statusMillis] = (await once(observer, 'message')) as [number];
    const done = counts.appended - (samples.at(-1)?.appended ?? 0);
    // A machine that was busy while the peak was measured does more than that now: still twice as much is asked.
    pace.perSecond = Math.max(pace.perSecond, (done * LOAD_FACTOR) / CLIENTS);
    samples.push({ residentBytes: serving.residentBytes(), appended: counts.appended, statusMillis });
    if (second % 10 === 0)
      progress(`${second} s: ${Math.round(samples.at(-1)!.residentBytes / MEGABYTE)} MB resident`);
    await sleep(Math.max(0, 1000 - (performance.now() - asked)));
  }
  stop.abort();
  await Promise.all(offering);
  return samples;
}

/** Sends by the clock, whether answers come or not. */
async function offer(
  client: Client,
  stream: string,
  { pace, counts, signal }: { pace: { readonly perSecond: number }; counts: Counts; signal: AbortSignal },
): Promise<void> {
  let [last, owed] = [performance.now(), 0];
  const underWay = new Set<Promise<void>>();
  while (!signal.aborted) {
    const now = performance.now();
    owed += ((now - last) / 1000) * pace.perSecond;
    last = now;
    for (; owed >= 1; owed -= 1) {
      counts.offered += 1;
      if (underWay.size >= CLIENT_IN_FLIGHT_MAX) {
        counts.shed += 1;
        continue;
      }
      const one = client.append(stream, { type: 'measured', data: DATA }).then(
        () => {
          counts.appended += 1;
        },
        () => {
          counts.refused += 1;
        },
      );
      underWay.add(one);
      one.finally(() => underWay.delete(one));
    }
    await sleep(TICK_MILLIS);
  }
  await Promise.all(underWay);
}

function report(peak: number, counts: Counts, samples: readonly Sample[]): BenchResult {
  const settled = samples[Math.min(SETTLED_AFTER, samples.length - 1) - 1]!;
  const last = samples.at(-1)!;
  const seconds = samples.length - Math.min(SETTLED_AFTER, samples.length - 1);
  const appended = last.appended - settled.appended;
  const growth = (last.residentBytes - settled.residentBytes) / Math.max(1, appended);
  const kept = appended / seconds / peak;
  const statusSeconds = Math.max(...samples.map(({ statusMillis }) => statusMillis)) / 1000;
  return {
    rows: [
      {
        sustained_s: Math.round(peak),
        offered_s: Math.round(counts.offered / samples.length),
        appended_s: Math.round(appended / seconds),
        refused: counts.refused,
        shed_by_clients: counts.shed,
        resident_mb_at_10s: rounded(settled.residentBytes / MEGABYTE),
        resident_mb_at_end: rounded(last.residentBytes / MEGABYTE),
        growth_b_append: rounded(growth),
        slowest_status_ms: Math.round(statusSeconds * 1000),
      },
    ],
    aims: [
      atMost('resident memory, bytes an appended event after the first 10 s', GROWTH_AIM, growth),
      atLeast('appended in overload / sustained', KEPT_AIM, kept),
      atMost('slowest status in overload, s', STATUS_SECONDS_AIM, statusSeconds),
    ],
  };
}
