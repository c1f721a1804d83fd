/** Reading around sectors that the disk cannot read: what is whole before them is given, they themselves are damage. */
import type { Disk, FileHandle } from '../io/index.ts';

/** What a file system reads at once, at least: a failure is no smaller than this. */
const PAGE_BYTES = 4096;

/**
 * As `pread`, but ends where a page cannot be read: fewer bytes than asked for before the end of the file mean that the next
 * one is unreadable. Throws only what is not a failure to read.
 */
export function preadUpToDamage(
  disk: Pick<Disk, 'pread'>,
  handle: FileHandle,
  target: Uint8Array,
  length: number,
  position: number,
): number {
  try {
    return disk.pread(handle, target, length, position);
  } catch (error) {
    if (!isReadFailure(error)) throw error;
  }
  let done = 0;
  while (done < length) {
    const step = Math.min(PAGE_BYTES - ((position + done) % PAGE_BYTES), length - done);
    try {
      const count = disk.pread(handle, target.subarray(done, done + step), step, position + done);
      if (count === 0) return done;
      done += count;
    } catch (error) {
      if (!isReadFailure(error)) throw error;
      return done;
    }
  }
  return done;
}

/** As `pread`, with zeros for what cannot be read; returns how many bytes the file has there. */
export function preadWithZeros(
  disk: Pick<Disk, 'pread' | 'size'>,
  handle: FileHandle,
  target: Uint8Array,
  length: number,
  position: number,
): number {
  const there = Math.max(Math.min(length, disk.size(handle) - position), 0);
  let done = 0;
  while (done < there) {
    done += preadUpToDamage(disk, handle, target.subarray(done, there), there - done, position + done);
    if (done >= there) break;
    const page = Math.min(PAGE_BYTES - ((position + done) % PAGE_BYTES), there - done);
    target.fill(0, done, done + page);
    done += page;
  }
  return there;
}

/** Start of the page after the one that holds `position`. */
export function nextPage(position: number): number {
  return position - (position % PAGE_BYTES) + PAGE_BYTES;
}

export function isReadFailure(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EIO';
}
