/** TruthDB as a server over plain TCP on the loopback, driven by the load generator that the other servers get. */
import { join } from 'node:path';
import { type Client, connect } from '../../../db/client/index.ts';
import { type Address, parseConnectionString } from '../../../db/protocol/index.ts';
import { VERSION } from '../../../db/version.ts';
import { type Peer, payload, type Shape } from './peer.ts';
import { type Started, startProcess, untilReady } from './processes.ts';
import { TruthdbDialect } from './truthdb-dialect.ts';
import { WireLoad } from './wire-load.ts';

const BINARY = join(import.meta.dirname, '../../../db/bin.ts');

export const TRUTHDB = 'TruthDB';

export const truthdb: Peer = {
  name: TRUTHDB,
  setting: 'group_sync: fdatasync before each acknowledgement, shared by what arrived meanwhile',
  durable: true,
  checksums: 'xxHash64 an entry, SHA-256 chain a commit, xxHash64 a frame',
  load: 'own client, APPEND frames',
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
  const { port, token } = parseConnectionString(url) as Extract<Address, { kind: 'tcp' }>;
  let streams = 0;
  const dialect = () =>
    new TruthdbDialect({
      token,
      stream: `load-${streams++}`,
      data: payload(shape.bytes),
      batch: shape.batch,
    });
  const load = await WireLoad.open(port, shape.clients, dialect);
  return {
    run: async (seconds: number) => (await load.run(seconds, shape.inFlight)) * shape.batch,
    close: async () => {
      load.close();
      await started.stop();
    },
  };
}

export function connectAll(url: string, clients: number): Promise<Client[]> {
  const address = parseConnectionString(url);
  // A server that is gone must be noticed, not waited for.
  return Promise.all(Array.from({ length: clients }, () => connect(address, { reconnect: false })));
}
