/**
 * `bench tails`: what readers cost the writer. The same closed-loop load of durable appends with nobody reading, with
 * readers that have stopped reading in the middle of the log, and with a thousand tails waiting on a quiet stream, in
 * turns on one server; then a thousand tails of everything, checked to get every event once and in order.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type Client, connect, type Subscription } from '../../db/client/index.ts';
import { atLeast, type Bench, type BenchContext, type BenchResult, median, rounded } from './bench.ts';
import { type Serving, startServing } from './serving.ts';

const WRITERS = 64;
const STALLED = 16;
const TAILS = 1000;
const CONNECTIONS = 20;
const ROUNDS = 7;
const QUICK_ROUNDS = 2;
const SLICE_SECONDS = 2;
/** What the tails of everything get: so many events in all, a batch each step. */
const FAN_OUT_EVENTS = 2000;
const FAN_OUT_BATCH = 20;
const DATA = new Uint8Array(256).fill(66);
const COST_AIM = 0.95;
const SETTLE_MILLIS = 1000;
const FAN_OUT_SECONDS_MAX = 120;

export const tails: Bench = {
  name: 'tails',
  summary: 'what stalled readers and a thousand tails cost the writer, and what a thousand tails get',
  run,
};

async function run(context: BenchContext): Promise<BenchResult> {
  const { values } = parseArgs({ args: [...context.args], options: { quick: { type: 'boolean' } } });
  const serving = await startServing({
    data: join(context.directory, 'data'),
    settings: { TRUTHDB_LIMITS_CONNECTIONS: '2000' },
  });
  try {
    const rates = await measureWriters(context, serving, values.quick === true ? QUICK_ROUNDS : ROUNDS);
    const fanOut = await measureFanOut(context, serving);
    return report(rates, fanOut);
  } finally {
    await serving.stop();
  }
}

interface Rates {
  readonly alone: number[];
  readonly stalled: number[];
  readonly waiting: number[];
}

interface FanOut {
  readonly deliveriesPerSecond: number;
  readonly inOrder: number;
}

function report(rates: Rates, fanOut: FanOut): BenchResult {
  const share = (of: readonly number[]): number =>
    median(of.map((rate, round) => rate / rates.alone[round]!));
  const row = (readers: string, of: readonly number[]) => ({
    readers,
    appends_s: Math.round(median(of)),
    of_alone: rounded(share(of)),
    deliveries_s: 0,
  });
  return {
    rows: [
      row('none', rates.alone),
      row(`${STALLED} stalled in the middle of the log`, rates.stalled),
      row(`${TAILS.toLocaleString('en')} tails of a quiet stream`, rates.waiting),
      {
        readers: `${TAILS.toLocaleString('en')} tails of everything`,
        appends_s: Math.round(fanOut.deliveriesPerSecond / TAILS),
        of_alone: rounded(fanOut.deliveriesPerSecond / TAILS / median(rates.alone)),
        deliveries_s: Math.round(fanOut.deliveriesPerSecond),
      },
    ],
    aims: [
      atLeast('appends with stalled readers / without', COST_AIM, share(rates.stalled)),
      atLeast(`appends with ${TAILS} waiting tails / without`, COST_AIM, share(rates.waiting)),
      atLeast('tails that got every event once, in order', TAILS, fanOut.inOrder),
    ],
  };
}

async function measureWriters(context: BenchContext, serving: Serving, rounds: number): Promise<Rates> {
  const writers = await connectAll(serving, WRITERS);
  const rates: Rates = { alone: [], stalled: [], waiting: [] };
  await write(writers, SLICE_SECONDS);
  for (let round = 1; round <= rounds; round += 1) {
    context.signal.throwIfAborted();
    rates.alone.push(await write(writers, SLICE_SECONDS));
    rates.stalled.push(await withReaders(serving, STALLED, {}, () => write(writers, SLICE_SECONDS)));
    const quiet = { stream: 'quiet', after: 'now' } as const;
    rates.waiting.push(await withReaders(serving, TAILS, quiet, () => write(writers, SLICE_SECONDS)));
    context.progress(`round ${round} of ${rounds}`);
  }
  await closeAll(writers);
  return rates;
}

/** Subscriptions nobody takes events from: they get their first window and then stand still. */
async function withReaders(
  serving: Serving,
  count: number,
  options: Parameters<Client['subscribe']>[0],
  body: () => Promise<number>,
): Promise<number> {
  const clients = await connectAll(serving, Math.min(count, CONNECTIONS));
  for (let index = 0; index < count; index += 1) await clients[index % clients.length]!.subscribe(options);
  // Their first windows are catching up, which is reading, not standing still.
  await sleep(SETTLE_MILLIS);
  try {
    return await body();
  } finally {
    await closeAll(clients);
  }
}

/** Appends a second, one in flight for each writer. */
async function write(writers: readonly Client[], seconds: number): Promise<number> {
  const began = performance.now();
  const until = began + seconds * 1000;
  let appended = 0;
  const work = async (writer: Client, index: number): Promise<void> => {
    while (performance.now() < until) {
      await writer.append(`bench-${index}`, { type: 'measured', data: DATA });
      appended += 1;
    }
  };
  await Promise.all(writers.map(work));
  return (appended * 1000) / (performance.now() - began);
}

async function measureFanOut(context: BenchContext, serving: Serving): Promise<FanOut> {
  context.progress(`${TAILS} tails of everything`);
  const clients = await connectAll(serving, CONNECTIONS);
  const [writer] = await connectAll(serving, 1);
  const subscriptions = await Promise.all(
    Array.from({ length: TAILS }, (_, index) => clients[index % CONNECTIONS]!.subscribe({ after: 'now' })),
  );
  const began = performance.now();
  const got = subscriptions.map((subscription) => take(subscription, FAN_OUT_EVENTS));
  const expected: number[] = [];
  while (expected.length < FAN_OUT_EVENTS) {
    const batch = Array.from({ length: FAN_OUT_BATCH }, () => ({ type: 'measured', data: DATA }));
    const { position } = await writer!.append('fan-out', batch);
    for (let back = FAN_OUT_BATCH - 1; back >= 0; back -= 1) expected.push(position - back);
  }
  const all = await Promise.race([Promise.all(got), sleep(FAN_OUT_SECONDS_MAX * 1000, null, { ref: false })]);
  if (all === null) throw new Error(`a tail did not get all events within ${FAN_OUT_SECONDS_MAX} seconds`);
  const seconds = (performance.now() - began) / 1000;
  await closeAll([...clients, writer!]);
  const wanted = expected.join();
  const delivered = TAILS * FAN_OUT_EVENTS;
  return {
    deliveriesPerSecond: delivered / seconds,
    inOrder: all.filter((positionsOfOne) => positionsOfOne.join() === wanted).length,
  };
}

async function take(subscription: Subscription, count: number): Promise<number[]> {
  const taken: number[] = [];
  for await (const event of subscription) {
    taken.push(event.position);
    if (taken.length === count) break;
  }
  return taken;
}

function connectAll(serving: Serving, count: number): Promise<Client[]> {
  return Promise.all(Array.from({ length: count }, () => connect(serving.url)));
}

async function closeAll(clients: readonly Client[]): Promise<void> {
  await Promise.all(clients.map((client) => client.close()));
}
