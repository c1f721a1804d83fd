/** Disk images on the host: made, layered, compared. */
import { execFile } from 'node:child_process';
import { closeSync, copyFileSync, constants as fs, ftruncateSync, openSync } from 'node:fs';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A raw disk of zeros that takes no space until written. `bytes` replaces what was there. */
export function createRawDisk(path: string, bytes: number): void {
  const fd = openSync(path, 'w');
  ftruncateSync(fd, bytes);
  closeSync(fd);
}

/** A qcow2 overlay: reads fall through to `base`, writes stay here. `base` must not change any more. */
export async function createOverlay(path: string, base: string, baseFormat: 'raw' | 'qcow2'): Promise<void> {
  await run('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', base, '-F', baseFormat, path]);
}

/** Bytes of clusters an overlay holds itself: 0 as long as nothing was ever written to it. */
export async function allocatedBytes(overlay: string): Promise<number> {
  const { stdout } = await run('qemu-img', ['map', '--output=json', overlay], { maxBuffer: 1 << 28 });
  const extents = JSON.parse(stdout) as { length: number; depth: number; present: boolean }[];
  return extents
    .filter((extent) => extent.depth === 0 && extent.present)
    .reduce((sum, extent) => sum + extent.length, 0);
}

/** True when two images hold the same bytes, whatever their formats. */
export async function sameContent(a: string, b: string): Promise<boolean> {
  try {
    await run('qemu-img', ['compare', '-q', a, b]);
    return true;
  } catch (error) {
    if ((error as { code?: unknown }).code === 1) return false;
    throw error;
  }
}

/** Flattens an image with all its backing files into a sparse raw file, for tools that know only raw disks. */
export async function flattenToRaw(image: string, raw: string): Promise<void> {
  await run('qemu-img', ['convert', '-O', 'raw', '-S', '4k', image, raw]);
}

/** A copy that shares blocks where the file system can, and keeps holes. */
export async function copySparse(from: string, to: string): Promise<void> {
  try {
    copyFileSync(from, to, fs.COPYFILE_FICLONE_FORCE);
  } catch {
    await run('cp', ['--sparse=always', from, to]);
  }
}
