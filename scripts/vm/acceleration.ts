/**
 * KVM or emulation? Decided by trying: there are machines where /dev/kvm exists and opens and every guest hangs, so
 * the firmware has to show a sign of life under KVM within a few seconds. The answer is kept per boot of the host.
 */
import {
  accessSync,
  constants,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import { dirname, join } from 'node:path';
import type { Duplex } from 'node:stream';
import type { Acceleration } from './command-line.ts';
import { qemuArguments } from './command-line.ts';
import { copyFirmwareVariables, FIRMWARE_CODE } from './firmware.ts';
import { cacheDirectory } from './folders.ts';
import { spawnBound } from './process.ts';

/** With working KVM the firmware's first words come after about two seconds. */
const PROBE_SECONDS = 15;

export interface AccelerationChoice {
  readonly acceleration: Acceleration;
  /** One sentence for people: why. */
  readonly reason: string;
}

/** The choice for this machine: from the cache, else by a probe of at most 15 s. */
export async function chooseAcceleration(): Promise<AccelerationChoice> {
  const cached = readChoice();
  if (cached !== undefined) return cached;
  const choice = await probe();
  keepChoice(choice);
  return choice;
}

async function probe(): Promise<AccelerationChoice> {
  try {
    accessSync('/dev/kvm', constants.R_OK | constants.W_OK);
  } catch {
    return { acceleration: 'tcg', reason: 'no usable /dev/kvm: emulating (TCG)' };
  }
  const alive = await firmwareSpeaks('kvm');
  return alive
    ? { acceleration: 'kvm', reason: 'KVM works: a guest started under it' }
    : {
        acceleration: 'tcg',
        reason: `/dev/kvm exists, but no guest came up under it: emulating (TCG)`,
      };
}

/** Starts a machine without any disk ; the firmware then says on the serial line that it found nothing to boot. */
async function firmwareSpeaks(acceleration: Acceleration): Promise<boolean> {
  const folder = mkdtempSync(join(os.tmpdir(), 'truthdb-kvm-'));
  try {
    const variables = join(folder, 'vars.fd');
    copyFirmwareVariables(variables);
    const child = spawnBound(
      'qemu-system-x86_64',
      qemuArguments({
        name: 'kvm-probe',
        acceleration,
        memoryMiB: 256,
        cpus: 1,
        disks: [],
        fwCfg: {},
        serialPorts: 1,
        extraArgs: [],
        firmware: { code: FIRMWARE_CODE, variables },
      }),
      { sockets: 2 },
    );
    return await new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => finish(false), PROBE_SECONDS * 1000);
      const finish = (alive: boolean): void => {
        clearTimeout(timer);
        child.process.kill('SIGKILL');
        resolve(alive);
      };
      let heard = '';
      (child.sockets[1] as Duplex).on('data', (bytes: Buffer) => {
        heard += bytes.toString('latin1');
        if (/BdsDxe|UEFI|Shell/.test(heard)) finish(true);
      });
      child.process.once('error', () => finish(false));
      child.process.once('exit', () => finish(false));
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readChoice(): AccelerationChoice | undefined {
  const { TRUTHDB_VM_ACCELERATION: forced } = process.env;
  if (forced === 'kvm' || forced === 'tcg') {
    return { acceleration: forced, reason: `TRUTHDB_VM_ACCELERATION=${forced}` };
  }
  try {
    return JSON.parse(readFileSync(choiceFile(), 'utf8')) as AccelerationChoice;
  } catch {
    return undefined;
  }
}

function keepChoice(choice: AccelerationChoice): void {
  const file = choiceFile();
  mkdirSync(dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}`;
  writeFileSync(temporary, JSON.stringify(choice));
  renameSync(temporary, file);
}

function choiceFile(): string {
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return join(cacheDirectory('acceleration'), `${boot}.json`);
}
