/** A software TPM of the test's own, ended when the test is over. */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { openChannel } from '../../../db/io/index.ts';
import { TpmWriter } from '../../../db/tenancy/keys/tpm/tpm-bytes.ts';
import { EMPTY_PASSWORD, TpmDevice } from '../../../db/tenancy/keys/tpm/tpm-device.ts';
import { parseTpmAddress, type TpmPlace } from '../../../db/tenancy/keys/tpm/tpm-seal.ts';
import { installPackages } from '../../../scripts/bench/peers/debian.ts';
import {
  freePort,
  listens,
  type Started,
  startProcess,
  untilReady,
} from '../../../scripts/bench/peers/processes.ts';

const SWTPM = '/usr/bin/swtpm';
const PCR_EXTEND = 0x182;
const SHA256 = 0x000b;

/** Installs it where it is missing and this is root on Debian. */
export function isSwtpmThere(): boolean {
  if (!existsSync(SWTPM)) installPackages(['swtpm'], (line) => process.stderr.write(`${line}\n`));
  return existsSync(SWTPM);
}

export class Swtpm {
  readonly folder: string;
  readonly place: TpmPlace;
  readonly #server: string;
  #process: Started | null = null;

  private constructor(folder: string, address: string, server: string) {
    this.folder = folder;
    this.place = parseTpmAddress(address);
    this.#server = server;
  }

  static async start(kind: 'unix' | 'tcp' = 'unix'): Promise<Swtpm> {
    const folder = mkdtempSync(join(tmpdir(), 'truthdb-swtpm-'));
    mkdirSync(join(folder, 'state'));
    const socket = join(folder, 'socket');
    const port = await freePort();
    const tpm =
      kind === 'unix'
        ? new Swtpm(folder, `unix:${socket}`, `type=unixio,path=${socket}`)
        : new Swtpm(folder, `tcp:${port}`, `type=tcp,port=${port},bindaddr=127.0.0.1`);
    onTestFinished(async () => {
      await tpm.off();
      rmSync(folder, { recursive: true, force: true });
    });
    await tpm.on();
    return tpm;
  }

  /** Switches it on: PCRs begin from zero, what it keeps is there. */
  async on(): Promise<void> {
    const { address } = this.place;
    if (address.kind === 'unix') rmSync(address.path, { force: true });
    const started = startProcess(SWTPM, [
      ...['socket', '--tpm2', '--tpmstate', `dir=${join(this.folder, 'state')}`],
      ...['--server', this.#server, '--flags', 'not-need-init,startup-clear'],
      // It tells of each connection, and a test that never waits would not empty the pipe.
      ...['--log', `file=${join(this.folder, 'log')}`],
    ]);
    this.#process = started;
    await untilReady(started, 'swtpm', async () =>
      address.kind === 'tcp' ? listens(address.port) : existsSync(address.path),
    );
  }

  async off(): Promise<void> {
    await this.#process?.stop();
    this.#process = null;
  }

  /** As if something else had been measured. */
  extend(pcr: number): void {
    const device = new TpmDevice(openChannel(this.place.address, 5000), this.place.name);
    device.ask({
      ...{ code: PCR_EXTEND, doing: 'extend a PCR', handles: [pcr], authorization: EMPTY_PASSWORD },
      givesHandle: false,
      parameters: new TpmWriter().u32(1).u16(SHA256).raw(new Uint8Array(32).fill(5)).bytes(),
    });
    device.close();
  }
}
