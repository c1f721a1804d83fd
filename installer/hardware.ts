/** The machine beside its disks: firmware, memory, clock, network interfaces, and whether an installation can succeed on it. */

import { access, constants, readdir, readFile, readlink } from 'node:fs/promises';
import { basename } from 'node:path';
import { printable } from './disks/disk.ts';

export interface NetworkInterface {
  readonly name: string;
  /** Lower case. */
  readonly mac: string;
  readonly driver: string;
  /** `unknown` while the interface is down: then the kernel does not look at the cable. */
  readonly link: 'up' | 'down' | 'unknown';
}

export interface HardwareFacts {
  readonly uefi: boolean;
  /** EFI variables can be written: needed for a boot entry, not for booting. */
  readonly efiVariables: boolean;
  readonly memoryBytes: number;
  readonly year: number;
  readonly interfaces: readonly NetworkInterface[];
}

export interface HardwareCheck {
  readonly name: 'firmware' | 'memory' | 'clock' | 'network';
  readonly level: 'good' | 'warning' | 'failure';
  readonly text: string;
}

const MIB = 1024 * 1024;
/** Below this the installer's own root and the payload do not fit beside a running Node. */
const MEMORY_BYTES_MIN = 640 * MIB;
/** Below this a database of any size is slow. The kernel keeps some of a 2 GiB machine to itself. */
const MEMORY_BYTES_COMFORTABLE = 1800 * MIB;
/** A certificate made with a clock in the past or far future is refused by clients. */
const YEARS = { first: 2025, last: 2099 };

const EFI_VARIABLES = '/sys/firmware/efi/efivars';
/** Ethernet in /sys/class/net/<name>/type, see if_arp.h. */
const ARPHRD_ETHER = '1';

export function checkHardware(facts: HardwareFacts): readonly HardwareCheck[] {
  const mebibytes = Math.round(facts.memoryBytes / MIB);
  return [
    !facts.uefi
      ? {
          name: 'firmware',
          level: 'failure',
          text: 'Started without UEFI. Switch the firmware to UEFI and start again.',
        }
      : facts.efiVariables
        ? { name: 'firmware', level: 'good', text: 'UEFI' }
        : {
            name: 'firmware',
            level: 'warning',
            text: 'UEFI, but its variables cannot be written: no boot entry will be made.',
          },
    facts.memoryBytes < MEMORY_BYTES_MIN
      ? {
          name: 'memory',
          level: 'failure',
          text: `${mebibytes} MiB of memory; the installation needs ${MEMORY_BYTES_MIN / MIB}.`,
        }
      : facts.memoryBytes < MEMORY_BYTES_COMFORTABLE
        ? {
            name: 'memory',
            level: 'warning',
            text: `${mebibytes} MiB of memory: enough to install, little for a database.`,
          }
        : { name: 'memory', level: 'good', text: `${mebibytes} MiB of memory` },
    facts.year < YEARS.first || facts.year > YEARS.last
      ? {
          name: 'clock',
          level: 'warning',
          text: `The clock says ${facts.year}. Set it in the firmware, or clients refuse the certificate.`,
        }
      : { name: 'clock', level: 'good', text: `Clock in ${facts.year}` },
    facts.interfaces.length === 0
      ? {
          name: 'network',
          level: 'warning',
          text: 'No network interface was found: the database will not be reachable.',
        }
      : {
          name: 'network',
          level: 'good',
          text: facts.interfaces.map(({ name, driver }) => `${name} (${driver})`).join(', '),
        },
  ];
}

export async function readHardwareFacts(now: Date): Promise<HardwareFacts> {
  const exists = (path: string, mode: number) =>
    access(path, mode).then(
      () => true,
      () => false,
    );
  const meminfo = await readFile('/proc/meminfo', 'utf8');
  const variables = await readdir(EFI_VARIABLES).catch(() => []);
  return {
    uefi: await exists('/sys/firmware/efi', constants.F_OK),
    efiVariables: variables.length > 0 && (await exists(EFI_VARIABLES, constants.W_OK)),
    memoryBytes: Number(/^MemTotal:\s+(\d+) kB/m.exec(meminfo)?.[1] ?? 0) * 1024,
    year: now.getUTCFullYear(),
    interfaces: await readInterfaces(),
  };
}

/** Interfaces with a device behind them: no bridges, tunnels or loopback. */
async function readInterfaces(): Promise<readonly NetworkInterface[]> {
  const interfaces: NetworkInterface[] = [];
  for (const name of (await readdir('/sys/class/net').catch(() => [])).sort()) {
    const read = (file: string) =>
      readFile(`/sys/class/net/${name}/${file}`, 'utf8').then(
        (text) => text.trim(),
        () => '',
      );
    const driver = await readlink(`/sys/class/net/${name}/device/driver`).catch(() => '');
    if (driver === '' || (await read('type')) !== ARPHRD_ETHER) continue;
    const carrier = await read('carrier');
    interfaces.push({
      name: printable(name),
      mac: (await read('address')).toLowerCase(),
      driver: basename(driver),
      link: carrier === '1' ? 'up' : carrier === '0' ? 'down' : 'unknown',
    });
  }
  return interfaces;
}
