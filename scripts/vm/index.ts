/**
 * Virtual machines for tests, the appliance script and benchmarks: QEMU with UEFI firmware, one virtual CPU, serial
 * lines read through a terminal emulator, the screen through screendumps.
 *
 * This room imports nothing of the product. In: disk images, media and answers as files. Out: what the machine shows
 * on its consoles, answers on forwarded ports and writes to its disks. command-line.ts, keys.ts, png.ts, log-writes.ts
 * and crash-disk.ts are pure; vm.ts, process.ts, disk.ts and acceleration.ts touch the host.
 */
export { chooseAcceleration } from './acceleration.ts';
export type { VmDisk, VmForward, VmMedium, VmNetwork } from './command-line.ts';
export {
  allocatedBytes,
  copySparse,
  createOverlay,
  createRawDisk,
  flattenToRaw,
  sameContent,
} from './disk.ts';
export { DIST, REPOSITORY, VM_FOLDERS } from './folders.ts';
export type { KeyName } from './keys.ts';
export { freePort, freePortFrom } from './ports.ts';
export type { VmOptions } from './vm.ts';
export { startVm, Vm, VmFailure } from './vm.ts';

/** Debian packages of the host that machines and their tests need. */
export const hostPackages = ['qemu-system-x86', 'qemu-utils', 'ovmf', 'util-linux'] as const;
