/**
 * `bench producers`: appends from 1, 2 and 4 threads through a port, beside the same load appended by the ordering thread
 * itself, in turns within each round. All sides have the same number of appends under way in all. What a thread does for
 * itself (making and encoding events, taking answers) is off the ordering thread; what is left there is its CPU an event.
 */
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { type Engine, initDatabase, openEngine } from '../../db/engine.ts';
import { openProducerPort } from '../../db/producers/index.ts';
import { type Bench, type BenchContext, type BenchResult, type BenchRow, median, rounded } from './bench.ts';
import { appendUntil, DATA_BYTES } from './producers-load.ts';
import type { ProducersThreadData } from './producers-thread.ts';

const ROUNDS = 3;
const WARM_MILLIS = 300;
const MEASURED_MILLIS = 1500;
const THREADS = [0, 1, 2, 4] as const;
/** Under way in all, for either size of batch: as much as 4 threads can share evenly. */
const LOADS = [
  { batch: 1, inFlight: 256 },
  { batch: 1000, inFlight: 8 },
] as const;

export const producers: Bench = {
  name: 'producers',
  summary: `events of ${DATA_BYTES} bytes from 1, 2 and 4 threads, beside the same from the ordering thread itself.`,
  run,
};

type Load = (typeof LOADS)[number];

interface Measured {
  readonly eventsPerSecond: number;
  /** CPU of the ordering thread, in microseconds an event. */
  readonly cpuMicros: number;
}

let seeds = 0;

async function run(context: BenchContext): Promise<BenchResult> {
  const directory = join(context.directory, 'data');
  initDatabase({ directory });
  const engine = await openEngine({ directory });
  const measured = new Map<string, Measured[]>();
  const key = ({ batch }: Load, threads: number): string => `${batch} ${threads}`;
  try {
    for (let round = 1; round <= ROUNDS; round++) {
      for (const load of LOADS) {
        for (const threads of THREADS) {
          context.signal.throwIfAborted();
          const one = await (threads === 0 ? direct(engine, load) : fromThreads(engine, load, threads));
          measured.set(key(load, threads), [...(measured.get(key(load, threads)) ?? []), one]);
        }
        context.progress(`round ${round} of ${ROUNDS}, batches of ${load.batch}`);
      }
    }
  } finally {
    await engine.close();
  }
  const rows = LOADS.flatMap((load) => {
    const alone = measured.get(key(load, 0)) ?? [];
    return THREADS.map((threads) => rowOf(load, threads, measured.get(key(load, threads)) ?? [], alone));
  });
  return { rows, aims: [] };
}

/** The ratio is the median of the rounds' ratios: what slows the machine for a while slows both sides of a round. */
function rowOf({ batch }: Load, threads: number, measured: Measured[], alone: Measured[]): BenchRow {
  const ratios = measured.map(
    ({ eventsPerSecond }, round) => eventsPerSecond / (alone[round]?.eventsPerSecond ?? Number.NaN),
  );
  return {
    batch,
    from: threads === 0 ? 'ordering thread' : `${threads} thread${threads > 1 ? 's' : ''}`,
    events_s: Math.round(median(measured.map(({ eventsPerSecond }) => eventsPerSecond))),
    ratio: rounded(median(ratios)),
    ordering_cpu_event_us: rounded(median(measured.map(({ cpuMicros }) => cpuMicros))),
  };
}

async function direct(engine: Engine, { batch, inFlight }: Load): Promise<Measured> {
  const shared = sharedWords();
  const load = { stream: 'direct', batch, inFlight, seed: ++seeds };
  const ended = appendUntil((request) => engine.append(request), load, shared);
  const measured = await measure([shared]);
  await ended;
  return measured;
}

async function fromThreads(engine: Engine, { batch, inFlight }: Load, count: number): Promise<Measured> {
  const port = openProducerPort(engine);
  const threads = Array.from({ length: count }, (_, index) => {
    const shared = sharedWords();
    const load = { stream: `thread-${index}`, batch, inFlight: inFlight / count, seed: ++seeds };
    const workerData: ProducersThreadData = { handle: port.handle(), load, shared };
    const worker = new Worker(new URL('./producers-thread.ts', import.meta.url), { workerData });
    const ended = new Promise<void>((resolve, reject) => {
      worker.once('error', reject);
      worker.once('exit', () => resolve());
    });
    return { worker, shared, ended };
  });
  const ready = threads.map(({ worker }) => new Promise((resolve) => worker.once('message', resolve)));
  const ended = Promise.all(threads.map((thread) => thread.ended));
  await Promise.race([Promise.all(ready), ended]);
  for (const { worker } of threads) worker.postMessage('go');
  const measured = await measure(threads.map(({ shared }) => shared));
  await ended;
  port.close();
  return measured;
}

function sharedWords(): Int32Array {
  const words = new Int32Array(new SharedArrayBuffer(8));
  words[0] = 1;
  return words;
}

/** Counts what is answered after the load has begun to flow, then lets it end. */
async function measure(shared: readonly Int32Array[]): Promise<Measured> {
  const answered = (): number => shared.reduce((sum, words) => sum + Atomics.load(words, 1), 0);
  await sleep(WARM_MILLIS);
  const began = { at: performance.now(), events: answered(), cpu: cpuMicros() };
  await sleep(MEASURED_MILLIS);
  const events = answered() - began.events;
  const measured = {
    eventsPerSecond: (events * 1000) / (performance.now() - began.at),
    cpuMicros: (cpuMicros() - began.cpu) / events,
  };
  for (const words of shared) Atomics.store(words, 0, 0);
  return measured;
}

function sleep(millis: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, millis));
}

function cpuMicros(): number {
  const { user, system } = process.threadCpuUsage();
  return user + system;
}
