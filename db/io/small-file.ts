/**
 * Small files that are either the old or the new one after any crash: temporary file, fsync, rename, fsync of the
 * directory (Pillai et al., OSDI'14: leaving out any of the four loses data on some file system).
 */
import { basename, dirname, join } from 'node:path';
import { type Disk, isNotFound } from './disk.ts';

export function writeSmallFile(disk: Disk, path: string, content: Uint8Array): void {
  const temporary = join(dirname(path), `.${basename(path)}.tmp`);
  try {
    disk.unlink(temporary);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  const handle = disk.open(temporary, 'create');
  try {
    disk.pwrite(handle, content, 0);
    disk.fsync(handle);
  } finally {
    disk.close(handle);
  }
  disk.rename(temporary, path);
  disk.fsyncDirectory(dirname(path));
}

/** The file's bytes, or null when there is none. */
export function readSmallFile(disk: Disk, path: string): Uint8Array | null {
  const handle = openIfThere(disk, path);
  if (handle === null) return null;
  try {
    const content = new Uint8Array(disk.size(handle));
    return content.subarray(0, disk.pread(handle, content, content.length, 0));
  } finally {
    disk.close(handle);
  }
}

function openIfThere(disk: Disk, path: string) {
  try {
    return disk.open(path, 'read');
  } catch (error) {
    if (isNotFound(error)) return null;
    throw error;
  }
}
