/** Redis with an append-only file synced before each reply: XADD to one stream, driven by redis-benchmark. */
import { mkdirSync } from 'node:fs';
import { eventsInFlight, type Peer, payload, type Shape } from './peer.ts';
import {
  freePort,
  listens,
  missingProgram,
  runProgram,
  startProcess,
  untilReady,
  versionLine,
} from './processes.ts';

const SERVER = '/usr/bin/redis-server';
const BENCHMARK = '/usr/bin/redis-benchmark';
const PIPELINE = 16;
const CLIENTS = 64;
/** Requests of the first, uncounted run, from which the length of the others is estimated. */
const FIRST_REQUESTS = 2000;

export const REDIS = 'redis';
export const REDIS_P16 = `redis -P ${PIPELINE}`;

export const redis: Peer = {
  name: REDIS,
  setting: 'appendonly yes, appendfsync always',
  durable: true,
  checksums: 'none in the append-only file',
  load: 'redis-benchmark XADD',
  absent: () => missingProgram(SERVER, 'redis-server') ?? missingProgram(BENCHMARK, 'redis-tools'),
  version: () => versionLine(SERVER, ['--version']),
  entrants: (shape) =>
    drives(shape).map(({ name, clients, pipeline }) => ({
      name,
      open: (directory) => openRedis(directory, { clients, pipeline, bytes: shape.bytes }),
    })),
};

interface Drive {
  readonly name: string;
  readonly clients: number;
  readonly pipeline: number;
}

/** Redis has no batches: pipelines stand in, as the aims name them and as long as a batch. */
function drives({ clients, inFlight, batch }: Shape): Drive[] {
  if (batch > 1) {
    return [
      { name: REDIS_P16, clients: CLIENTS, pipeline: PIPELINE },
      { name: `redis -P ${batch}`, clients, pipeline: batch },
    ];
  }
  const name = inFlight === 1 ? REDIS : `redis -P ${inFlight}`;
  return [{ name, clients, pipeline: inFlight }];
}

/** A server of its own in a directory that is not there yet: every acknowledged write is on the disk. */
export async function startRedis(
  directory: string,
): Promise<{ readonly pid: number; readonly port: number; readonly stop: () => Promise<void> }> {
  mkdirSync(directory);
  const port = await freePort();
  const settings = {
    port: String(port),
    bind: '127.0.0.1',
    dir: directory,
    appendonly: 'yes',
    appendfsync: 'always',
    'auto-aof-rewrite-percentage': '0',
    save: '',
    daemonize: 'no',
  };
  const server = startProcess(
    SERVER,
    Object.entries(settings).flatMap(([key, value]) => [`--${key}`, value]),
  );
  await untilReady(server, 'redis-server', () => listens(port));
  return { pid: server.pid, port, stop: server.stop };
}

async function openRedis(
  directory: string,
  { clients, pipeline, bytes }: Omit<Drive, 'name'> & { readonly bytes: number },
) {
  const { port, stop } = await startRedis(directory);
  const drive = async (requests: number): Promise<number> => {
    const shape = ['-c', String(clients), '-P', String(pipeline), '-n', String(requests)];
    const command = ['XADD', 'log', '*', 'd', payload(bytes).toString()];
    return parseRate(await runProgram(BENCHMARK, ['-p', String(port), ...shape, '--csv', ...command]));
  };
  let rate = await drive(
    Math.max(FIRST_REQUESTS, 2 * eventsInFlight({ name: '', clients, inFlight: pipeline, batch: 1, bytes })),
  );
  return {
    run: async (seconds: number) => {
      const counted = await drive(Math.max(Math.round(rate * seconds), 2 * clients * pipeline));
      rate = counted;
      return counted;
    },
    close: stop,
  };
}

/** Requests per second from the CSV of redis-benchmark, whose second column it is. */
export function parseRate(csv: string): number {
  const last = csv.trim().split('\n').at(-1) ?? '';
  const rate = Number(/","([\d.]+)"/.exec(last)?.[1]);
  if (!(rate > 0)) throw new Error(`redis-benchmark printed no rate: ${csv.slice(0, 300)}`);
  return rate;
}
