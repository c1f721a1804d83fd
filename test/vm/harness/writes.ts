/** Has anything been written to a disk? Asked of QEMU and of the overlay file. */
import { expect } from 'vitest';
import {
  allocatedBytes,
  createOverlay,
  createRawDisk,
  type Vm,
  type VmDisk,
} from '../../../scripts/vm/index.ts';

/** An overlay in which even written zeros would be allocated, over `base`. */
export async function watchedOverlay(
  path: string,
  base: { readonly path: string; readonly format: 'raw' | 'qcow2' },
  disk: Omit<VmDisk, 'path' | 'format' | 'sparse'>,
): Promise<VmDisk> {
  await createOverlay(path, base.path, base.format);
  return { ...disk, path, format: 'qcow2', sparse: false };
}

/** As `watchedOverlay`, over an empty disk of that size. */
export async function watchedEmptyDisk(
  path: string,
  bytes: number,
  disk: Omit<VmDisk, 'path' | 'format' | 'sparse'>,
): Promise<VmDisk> {
  createRawDisk(`${path}.base`, bytes);
  return watchedOverlay(path, { path: `${path}.base`, format: 'raw' }, disk);
}

/** Fails unless the guest has written to none of these disks (made by the functions above), discarded nothing and zeroed nothing. */
export async function expectUntouched(vm: Vm, disks: readonly VmDisk[]): Promise<void> {
  const statistics = await vm.qmp.execute('query-blockstats', {});
  for (const disk of disks) {
    const device = statistics.find(({ qdev }) => qdev?.split('/').includes(disk.id));
    if (device === undefined)
      throw new Error(`QEMU counts nothing for ${disk.id}: ${JSON.stringify(statistics)}`);
    const { wr_operations: writes, unmap_operations: discards } = device.stats;
    expect({ disk: disk.id, writes, discards }).toEqual({ disk: disk.id, writes: 0, discards: 0 });
  }
  await vm.quit();
  for (const disk of disks) {
    expect({ disk: disk.id, allocated: await allocatedBytes(disk.path) }).toEqual({
      disk: disk.id,
      allocated: 0,
    });
  }
}
