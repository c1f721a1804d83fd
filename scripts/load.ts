/**
 * A quick load on a server of its own: appends from many clients at once, each with so many requests in flight, for a
 * few seconds each, and prints throughput, latency and CPU time. For looking and profiling; comparisons are the benchmarks' job.
 *
 *     npm exec -- node scripts/load.ts [--seconds 3] [--bytes 256] [--batch 1] [--tls off|on] [--only 64x16] [--profile DIR]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Client, connect } from '../db/client/index.ts';
import { newUuid, parseConnectionString } from '../db/protocol/index.ts';
import type { AppendRequest, EventDraft, StreamName } from '../db/streams/event.ts';
import { startServing } from './bench/serving.ts';

interface Shape {
  readonly clients: number;
  readonly inFlight: number;
}

interface Load {
  readonly seconds: number;
  readonly bytes: number;
  readonly batch: number;
}

const SHAPES: readonly Shape[] = [
  { clients: 1, inFlight: 1 },
  { clients: 1, inFlight: 64 },
  { clients: 64, inFlight: 1 },
  { clients: 64, inFlight: 16 },
];

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '3' },
    bytes: { type: 'string', default: '256' },
    batch: { type: 'string', default: '1' },
    tls: { type: 'string', default: 'off' },
    only: { type: 'string' },
    profile: { type: 'string' },
    data: { type: 'string', default: tmpdir() },
  },
});

const load: Load = {
  seconds: Number(values.seconds),
  bytes: Number(values.bytes),
  batch: Number(values.batch),
};
const shapes = values.only === undefined ? SHAPES : [shapeFrom(values.only)];
const directory = mkdtempSync(join(values.data, 'truthdb-load-'));
const server = await startServing({
  data: directory,
  tls: values.tls === 'on' ? 'on' : 'off',
  nodeOptions: values.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${values.profile}`],
});
try {
  const { url } = server;
  console.log(`${load.bytes} B events, batches of ${load.batch}, TLS ${values.tls}`);
  for (const shape of shapes) console.log(await run(url, shape, () => server.cpuMicros()));
} finally {
  await server.stop();
  rmSync(directory, { recursive: true, force: true });
}

function shapeFrom(text: string): Shape {
  const [, clients, inFlight] = /^([1-9]\d*)x([1-9]\d*)$/.exec(text) ?? [];
  if (clients === undefined)
    throw new Error(`--only ${text}: wanted is CLIENTSxIN-FLIGHT, for example 64x16`);
  return { clients: Number(clients), inFlight: Number(inFlight) };
}

async function run(url: string, { clients, inFlight }: Shape, serverCpu: () => number): Promise<string> {
  const address = parseConnectionString(url);
  const connections = await Promise.all(Array.from({ length: clients }, () => connect(address)));
  const latencies: number[] = [];
  const until = performance.now() + load.seconds * 1000;
  const startedAt = performance.now();
  const cpuBefore = serverCpu();
  const workers = connections.flatMap((client, index) =>
    Array.from({ length: inFlight }, () => work(client, `load-${index}` as StreamName, until, latencies)),
  );
  await Promise.all(workers);
  const seconds = (performance.now() - startedAt) / 1000;
  const cpu = serverCpu() - cpuBefore;
  await Promise.all(connections.map((client) => client.close()));
  latencies.sort((left, right) => left - right);
  const events = latencies.length * load.batch;
  return (
    `${`${clients} × ${inFlight}`.padStart(8)}: ${Math.round(events / seconds)
      .toLocaleString('en')
      .padStart(9)} events/s` +
    `  p50 ${at(latencies, 0.5)} ms  p99 ${at(latencies, 0.99)} ms` +
    `  server CPU ${(cpu / events).toFixed(1)} µs an event`
  );
}

async function work(client: Client, stream: StreamName, until: number, latencies: number[]): Promise<void> {
  const data = new Uint8Array(load.bytes).fill(66);
  const metadata = new Uint8Array(0);
  while (true) {
    const startedAt = performance.now();
    if (startedAt > until) return;
    const events: EventDraft[] = [];
    for (let index = 0; index < load.batch; index++) {
      events.push({ id: newUuid(), type: 'load', contentType: 'binary', data, metadata });
    }
    const append: AppendRequest = { stream, expected: 'any', events, ack: 'durable' };
    await client.appendDrafts(append);
    latencies.push(performance.now() - startedAt);
  }
}

function at(sorted: readonly number[], fraction: number): string {
  return (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))] ?? 0).toFixed(2);
}
