/** The guest's disks: device-mapper tables that change under a mounted file system, and XFS as the installer makes it. */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';

const run = promisify(execFile);
/** As in installer/engine/actions.ts. */
const MKFS_OPTIONS = ['-q', '-f', '-K', '-m', 'crc=1,reflink=1,bigtime=1', '-d', 'agcount=4'];
/** As image/initrd/init-runtime.sh has it written into the unit. */
const MOUNT_OPTIONS = 'nosuid,nodev,noexec,noatime';
/** Longer than any test. */
const DOWN_SECONDS = 100_000;
/** There is no udev in the guest to wait for. */
const NO_UDEV = ['--noudevrules', '--noudevsync'];

/** A device-mapper table without its length. */
export type Target = (sectors: number) => string;

/** Path of the disk that the host gave this serial number. */
export function diskWithSerial(serial: string): string {
  for (const name of readdirSync('/sys/block')) {
    if (name.startsWith('vd') && readFileSync(`/sys/block/${name}/serial`, 'utf8').trim() === serial)
      return `/dev/${name}`;
  }
  throw new Error(`the machine has no disk with the serial ${serial}`);
}

export function linear(disk: string): Target {
  return (sectors) => `0 ${sectors} linear ${disk} 0`;
}

/** From the first moment on all writes are dropped, or refused; reads give what was written before. */
export function flakey(disk: string, feature: 'drop_writes' | 'error_writes'): Target {
  return (sectors) => `0 ${sectors} flakey ${disk} 0 0 ${DOWN_SECONDS} 1 ${feature}`;
}

export function logWrites(disk: string, recording: string): Target {
  return (sectors) => `0 ${sectors} log-writes ${disk} ${recording}`;
}

export class MappedDevice {
  readonly path: string;
  readonly #name: string;
  readonly #sectors: number;

  private constructor(name: string, sectors: number, path: string) {
    this.#name = name;
    this.#sectors = sectors;
    this.path = path;
  }

  /** A device as large as `disk`, which `target` is about. */
  static async create(name: string, disk: string, target: Target): Promise<MappedDevice> {
    const sectors = sectorsOf(disk);
    await dmsetup('create', name, ...NO_UDEV, '--table', target(sectors));
    return new MappedDevice(name, sectors, nodeOf(name));
  }

  /** Gets the next table ready, so that the device stands still no longer than it must. */
  async prepare(target: Target): Promise<void> {
    await dmsetup('load', this.#name, '--table', target(this.#sectors));
  }

  /** Writes under way end, and no others begin. Nothing is synced for the sake of it, neither by the file system. */
  async suspend(): Promise<void> {
    await dmsetup('suspend', '--nolockfs', this.#name);
  }

  /** Goes on under the table got ready. */
  async resume(): Promise<void> {
    await dmsetup('resume', ...NO_UDEV, this.#name);
  }

  async change(target: Target): Promise<void> {
    await this.prepare(target);
    await this.suspend();
    await this.resume();
  }

  /** Places a mark in the recording. */
  async mark(text: string): Promise<void> {
    await dmsetup('message', this.#name, '0', 'mark', text);
  }

  async remove(): Promise<void> {
    await dmsetup('remove', ...NO_UDEV, this.#name);
  }
}

export async function makeXfs(device: string): Promise<void> {
  await run('mkfs.xfs', [...MKFS_OPTIONS, device]);
}

/** Mounting replays the file system's journal. */
export async function mountXfs(device: string, at: string): Promise<void> {
  await run('mount', ['-t', 'xfs', '-o', MOUNT_OPTIONS, device, at]);
}

/** What is in memory of the file system is gone afterwards, written or not. */
export async function unmount(at: string): Promise<void> {
  await run('umount', [at]);
}

/** True when the file system has given up because a write of its own failed. */
export function isShutDown(mountPoint: string): boolean {
  try {
    readdirSync(mountPoint);
    return false;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EIO') return true;
    throw error;
  }
}

/** All zeros again, as far as anybody who reads can tell. */
export async function zero(disk: string): Promise<void> {
  await run('blkdiscard', ['-z', disk]);
}

/** Size of a disk in sectors of 512 bytes. */
export function sectorsOf(disk: string): number {
  return Number(readFileSync(`/sys/block/${disk.split('/').at(-1)}/size`, 'utf8'));
}

/** The node that the kernel itself made. */
function nodeOf(name: string): string {
  for (const block of readdirSync('/sys/block')) {
    if (block.startsWith('dm-') && readFileSync(`/sys/block/${block}/dm/name`, 'utf8').trim() === name)
      return `/dev/${block}`;
  }
  throw new Error(`device-mapper knows no device ${name}`);
}

async function dmsetup(...args: string[]): Promise<void> {
  await run('dmsetup', args);
}
