/** TruthDB as a server, driven by its own SDK over plain TCP on the loopback. */
import { join } from 'node:path';
import { type Client, connect } from '../../../db/client/index.ts';
import { newUuid, parseConnectionString } from '../../../db/protocol/index.ts';
import type { EventDraft, StreamName } from '../../../db/streams/event.ts';
import { VERSION } from '../../../db/version.ts';
import { type Peer, payload, type Shape } from './peer.ts';
import { type Started, startProcess, untilReady } from './processes.ts';

const BINARY = join(import.meta.dirname, '../../../db/bin.ts');
const NOTHING = new Uint8Array(0);

export const TRUTHDB = 'TruthDB';

export const truthdb: Peer = {
  name: TRUTHDB,
  setting: 'group_sync: fdatasync before each acknowledgement, shared by what arrived meanwhile',
  durable: true,
  checksums: 'xxHash64 an entry, SHA-256 chain a commit, xxHash64 a frame',
  load: 'SDK, one Node process',
  absent: () => null,
  version: () => VERSION,
  entrants: (shape) => [{ name: TRUTHDB, open: (directory) => openTruthdb(directory, shape) }],
};

interface TruthdbServer {
  readonly started: Started;
  readonly url: string;
}

/** What `serve --json` prints once it serves. */
interface ServingLine {
  readonly serving: boolean;
  readonly connection: string | null;
}

/** Starts a server; on a new directory its URL is with it, on one that was served before it is empty. */
export async function startTruthdb(directory: string): Promise<TruthdbServer> {
  const flags = ['--host', '127.0.0.1', '--port', '0', '--http', 'off', '--socket', 'off', '--tls', 'off'];
  const started = startProcess(process.execPath, [BINARY, 'serve', '--data', directory, ...flags, '--json']);
  let serving: ServingLine | null = null;
  started.onLine((line) => {
    const said = line.startsWith('{') ? (JSON.parse(line) as ServingLine) : null;
    if (said?.serving) serving = said;
  });
  await untilReady(started, 'truthdb serve', async () => serving !== null);
  return { started, url: (serving as ServingLine | null)?.connection ?? '' };
}

async function openTruthdb(directory: string, shape: Shape) {
  const { started, url } = await startTruthdb(directory);
  const clients = await connectAll(url, shape.clients);
  return {
    run: (seconds: number) => appendFor(clients, shape, seconds),
    close: async () => {
      await Promise.all(clients.map((client) => client.close()));
      await started.stop();
    },
  };
}

export function connectAll(url: string, clients: number): Promise<Client[]> {
  const address = parseConnectionString(url);
  // A server that is gone must be noticed, not waited for.
  return Promise.all(Array.from({ length: clients }, () => connect(address, { reconnect: false })));
}

/** Events acknowledged per second. */
async function appendFor(clients: readonly Client[], shape: Shape, seconds: number): Promise<number> {
  const data = payload(shape.bytes);
  const began = performance.now();
  const until = began + seconds * 1000;
  let appended = 0;
  const work = async (client: Client, stream: StreamName): Promise<void> => {
    while (performance.now() < until) {
      const events: EventDraft[] = [];
      for (let index = 0; index < shape.batch; index++)
        events.push({ id: newUuid(), type: 'load', contentType: 'binary', data, metadata: NOTHING });
      await client.appendDrafts({ stream, expected: 'any', events, ack: 'durable' });
      appended += shape.batch;
    }
  };
  await Promise.all(
    clients.flatMap((client, index) =>
      Array.from({ length: shape.inFlight }, () => work(client, `load-${index}` as StreamName)),
    ),
  );
  return (appended / (performance.now() - began)) * 1000;
}
