/** The virtual disk that `npm run appliance` installs on and boots. */
import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { VmDisk } from '../vm/index.ts';
import { createRawDisk } from '../vm/index.ts';

export const DISK_BYTES = 20 * 2 ** 30;
export const DISK_SERIAL = 'TRUTHDB-APPLIANCE';

/** The disk as the machine sees it: first in the boot order, with a serial to name it by. */
export function installedDisk(folder: string): VmDisk {
  return {
    id: 'disk0',
    path: diskPath(folder),
    format: 'raw',
    bus: 'virtio',
    serial: DISK_SERIAL,
    bootIndex: 0,
  };
}

/** A new, empty one; it takes space only as it fills. */
export function newDisk(folder: string): VmDisk {
  rmSync(join(folder, 'running-variables.fd'), { force: true });
  createRawDisk(diskPath(folder), DISK_BYTES);
  return installedDisk(folder);
}

/** EFI variables as the installer left them, with its boot entry. */
export function installedVariables(folder: string): string {
  return join(folder, 'installed-variables.fd');
}

/** Moves a disk that was in use out of the way, replacing the one put aside before. Gives its new path. */
export function putDiskAside(folder: string): string | undefined {
  const aside = `${diskPath(folder)}.previous`;
  if (!existsSync(diskPath(folder))) return undefined;
  renameSync(diskPath(folder), aside);
  return aside;
}

function diskPath(folder: string): string {
  return join(folder, 'disk.raw');
}
