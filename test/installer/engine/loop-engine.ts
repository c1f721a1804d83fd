/** An engine on a loop machine, and the walk to the first write: what every test of a whole installation starts with. */

import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll } from 'vitest';
import { type Engine, type EngineOptions, startEngine } from '../../../installer/engine/index.ts';
import { createHost } from '../../../installer/host.ts';
import { facts, SSH_KEY } from '../examples.ts';
import { attach, type TestClient } from './client.ts';
import { createLoopMachine, DISK_BYTES, type LoopMachine, loopMachinePossible, run } from './loop-machine.ts';

export const PASSWORD = 'correct horse battery staple';

const MIB = 1024 * 1024;

interface TablePartition {
  readonly type: string;
  readonly uuid: string;
  readonly name: string;
}

export interface LoopEngine {
  readonly machine: LoopMachine;
  /** Starts the engine and attaches a console to it. */
  start(changes?: Partial<EngineOptions>): Promise<TestClient>;
  /** Attaches another console. */
  another(console: string): Promise<TestClient>;
  stop(): Promise<void>;
  readTable(): { readonly sectorsize: number; readonly partitions: readonly TablePartition[] };
  /** Neither GPT nor protective MBR: both ends of the disk are zeros. */
  hasNoTable(): boolean;
  /** Whether no byte was ever written to the disk: a sparse file says so by its blocks. */
  isUntouched(): boolean;
}

/** Makes a loop machine for the tests of this file, and removes it after them. */
export function useLoopEngine(options: { readonly sectorBytes?: number } = {}): LoopEngine {
  let machine: LoopMachine | undefined;
  let engine: Engine | undefined;
  const clients: TestClient[] = [];
  const there = (): LoopMachine => {
    if (machine === undefined) throw new Error('the loop machine is made before the first test, not earlier');
    return machine;
  };
  const socketPath = () => join(there().folder, 'engine.sock');
  const another = async (console: string) => {
    const client = await attach(socketPath(), console);
    clients.push(client);
    return client;
  };
  // No skipping: where this cannot run, the suite says what is missing.
  beforeAll(() => {
    if (!loopMachinePossible()) {
      throw new Error('this test needs root, loop devices, sfdisk, mkfs, mksquashfs, veritysetup and mtools');
    }
    machine = createLoopMachine(options);
  });
  afterAll(() => machine?.remove());
  return {
    get machine() {
      return there();
    },
    another,
    start: async (changes = {}) => {
      const on = there();
      engine = await startEngine({
        socketPath: socketPath(),
        payloadFolder: on.payload,
        mountRoot: join(on.folder, 'mounts'),
        logFile: join(on.folder, 'install.log'),
        createHost: (log) => createHost({ path: on.path, log }),
        readDisks: on.readDisks,
        readFacts: async () => facts,
        unattendedAllowed: async () => false,
        findAnswer: async () => ({ source: 'nowhere', text: '' }),
        random: (count) => new Uint8Array(count).fill(7),
        // The guard of the confirm page is tested with the dialogue; here its second passes in a hundredth.
        nowMs: () => performance.now() * 100,
        ...changes,
      });
      return another('ttyS0');
    },
    stop: async () => {
      for (const client of clients.splice(0)) client.close();
      await engine?.close();
      engine = undefined;
    },
    readTable: () => JSON.parse(run('sfdisk', ['--json', there().device])).partitiontable,
    hasNoTable: () => {
      const file = openSync(there().image, 'r');
      const edges = [0, DISK_BYTES - MIB].map((position) => {
        const bytes = Buffer.alloc(MIB);
        readSync(file, bytes, 0, MIB, position);
        return bytes.every((byte) => byte === 0);
      });
      closeSync(file);
      return edges.every((zero) => zero);
    },
    isUntouched: () => statSync(there().image).blocks === 0,
  };
}

/** Leads from the menu to the confirm page and past its guard. */
export async function walkToConfirm(client: TestClient): Promise<void> {
  await client.page('menu');
  client.act('install');
  await client.until('checked medium', () =>
    client.view.actions.some(({ name, enabled }) => name === 'next' && enabled) ? true : undefined,
  );
  client.act('next');
  const row = await client.until('disk', () => client.view.list?.rows[0]);
  client.act('next', {}, row.key);
  await client.page('contents');
  client.act('next');
  await client.page('network');
  client.act('next', {
    hostname: 'db1',
    mode: 'static',
    address: '192.0.2.10/24',
    gateway: '192.0.2.1',
    dns: '192.0.2.53',
  });
  await client.page('access');
  client.act('next', { password: PASSWORD, repeat: PASSWORD, key: SSH_KEY });
  await client.page('review');
  client.act('next');
  await client.page('confirm');
  await sleep(20);
}

export function confirm(
  client: TestClient,
  typed: Partial<{ token: string; array: string; data: string }> = {},
): void {
  client.send({
    type: 'install',
    planHash: client.view.planHash ?? '',
    typed: { token: '0042', array: '', data: '', ...typed },
  });
}

export function ended(client: TestClient): Promise<string> {
  return client.until('end', () =>
    ['done', 'error'].includes(client.view.page) ? client.view.page : undefined,
  );
}
