/** Boots the installed disk and waits until its database answers on the network. */
import { copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from '../../db/client/index.ts';
import type { Vm } from '../vm/index.ts';
import { freePortFrom, startVm } from '../vm/index.ts';
import { connectionString, connectWhenReady, HTTP_PORT, WIRE_PORT } from './database.ts';
import { installedDisk, installedVariables } from './disk.ts';
import type { InstalledState } from './state.ts';

/** Under emulation the database answers about 20 s after power-on; a slow, busy machine may need much longer. */
const READY_SECONDS_MAX = 300;

export interface RunningAppliance {
  readonly vm: Vm;
  readonly client: Client;
  readonly connection: string;
  /** Port on 127.0.0.1 that leads to the machine's HTTPS. */
  readonly httpPort: number;
}

export interface BootOptions {
  readonly folder: string;
  readonly state: InstalledState;
  readonly progress: (line: string) => void;
}

/** The caller powers the machine down or kills it. */
export async function bootAppliance({ folder, state, progress }: BootOptions): Promise<RunningAppliance> {
  const port = await freePortFrom(WIRE_PORT);
  const httpPort = await freePortFrom(Math.max(HTTP_PORT, port + 1));
  const firmwareVariables = join(folder, 'running-variables.fd');
  if (!existsSync(firmwareVariables)) copyFileSync(installedVariables(folder), firmwareVariables);
  progress(`booting the installed disk; its database will be on 127.0.0.1:${port}, HTTPS on ${httpPort}`);
  const vm = await startVm({
    name: 'appliance',
    folder,
    disks: [{ ...installedDisk(folder), durable: true }],
    firmwareVariables,
    network: {
      isolated: false,
      forwards: [
        { hostPort: port, guestPort: WIRE_PORT },
        { hostPort: httpPort, guestPort: HTTP_PORT },
      ],
    },
  });
  try {
    const connection = connectionString(state.secrets.adminToken, port, state.installed.fingerprint);
    const client = await connectWhenReady(vm, connection, READY_SECONDS_MAX);
    progress(`the database answers, ${vm.seconds().toFixed(1)} s after power-on`);
    return { vm, client, connection, httpPort };
  } catch (error) {
    await vm.kill();
    throw error;
  }
}
