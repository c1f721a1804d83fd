/** The database of a running appliance, as a client on the network sees it. */
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '../../db/client/index.ts';
import { connect, TruthError } from '../../db/client/index.ts';
import type { ComparedCounts } from '../sample/compare.ts';
import { compareWithSample } from '../sample/compare.ts';
import type { Sample } from '../sample/index.ts';
import type { Vm } from '../vm/index.ts';

/** The appliance's ports: wire protocol with TLS, HTTPS. */
export const WIRE_PORT = 9650;
export const HTTP_PORT = 9651;

const RETRY_MS = 100;
/** Errors that go away while the machine is still starting. */
const NOT_YET = new Set(['CONNECTION', 'TIMEOUT', 'BUSY', 'CLOSED']);

export function connectionString(token: string, port: number, fingerprint: string): string {
  return `truthdb://${token}@127.0.0.1:${port}?fp=${fingerprint}`;
}

/** Connects as soon as the database answers. Throws VmFailure when it does not within `seconds`; other refusals at once. */
export async function connectWhenReady(vm: Vm, connection: string, seconds: number): Promise<Client> {
  const end = performance.now() + seconds * 1000;
  let last = '';
  while (performance.now() < end && vm.running) {
    try {
      return await connect(connection, { connectMillis: 2000 });
    } catch (error) {
      if (!(error instanceof TruthError) || !NOT_YET.has(error.code)) throw error;
      last = error.message;
    }
    await sleep(RETRY_MS);
  }
  throw await vm.failure(`the database did not answer within ${seconds} s: ${last}`);
}

/** Runs `truthdb import` of the built binary; its messages go to standard error. */
export async function importSample(binary: string, connection: string, sample: Sample): Promise<void> {
  const child = spawn(binary, ['import', ...sample.importArguments], {
    stdio: ['ignore', 2, 2],
    // The connection string holds the token: others can see a program's arguments, not its environment.
    env: { ...process.env, TRUTHDB_URL: connection },
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
  if (code !== 0) throw new Error(`truthdb import ended with status ${code}; its own message is above`);
}

/** Reads everything back and compares it with what was imported. Throws at the first difference. */
export async function readSampleBack(client: Client, sample: Sample): Promise<ComparedCounts> {
  return compareWithSample(client.readAll(), sample.events);
}
