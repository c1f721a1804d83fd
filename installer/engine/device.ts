/** Reading and writing block devices: zeroing, copying, flushing, hashing what really is on the medium. */

import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { withDeadline } from '../deadline.ts';
import { asInstallError, InstallError } from '../errors.ts';
import type { ByteRange } from '../layout.ts';
import type { PayloadFile } from '../payload.ts';

const CHUNK_BYTES = 4 * 1024 * 1024;
/** A chunk takes a hundredth of a second; a disk that remaps sectors or spins up may take several. */
const CHUNK_TIMEOUT_MS = 60_000;
/** Slow flash behind a large page cache. */
const FLUSH_TIMEOUT_MS = 300_000;

export type Progress = (fraction: number) => void;

async function withDevice<T>(path: string, flags: number, use: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await withDeadline(`opening ${path}`, CHUNK_TIMEOUT_MS, open(path, flags));
  try {
    return await use(file);
  } finally {
    await withDeadline(`closing ${path}`, FLUSH_TIMEOUT_MS, file.close());
  }
}

/**
 * The kernel grants an exclusive open of a block device only when neither it nor any of its partitions is mounted, swapped on or
 * part of an assembled array: the last word on whether somebody uses the disk.
 *
 * @throws InstallError DISK_BUSY.
 */
export async function checkUnused(path: string): Promise<void> {
  try {
    await withDevice(path, constants.O_RDWR | constants.O_EXCL, async () => undefined);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EBUSY') throw error;
    throw new InstallError(
      'DISK_BUSY',
      `${path} is in use by the running system; nothing was written, rescan and choose again`,
    );
  }
}

export async function zero(path: string, ranges: readonly ByteRange[], progress: Progress): Promise<void> {
  const zeros = new Uint8Array(CHUNK_BYTES);
  const total = ranges.reduce((sum, { bytes }) => sum + bytes, 0);
  let done = 0;
  await withDevice(path, constants.O_RDWR, async (file) => {
    for (const { startBytes, bytes } of ranges) {
      for (let offset = 0; offset < bytes; offset += CHUNK_BYTES) {
        const length = Math.min(CHUNK_BYTES, bytes - offset);
        await writeAll(path, file, zeros.subarray(0, length), startBytes + offset);
        done += length;
        progress(done / total);
      }
    }
  });
}

/** Waits until everything written through this node is on the medium. Page caches of a disk and of its partitions are separate. */
export async function flush(path: string): Promise<void> {
  await withDevice(path, constants.O_RDONLY, (file) =>
    withDeadline(`flushing ${path}`, FLUSH_TIMEOUT_MS, file.sync()),
  );
}

/** @throws InstallError VERIFY_FAILED when the source is not what its manifest says any more. */
export async function copyFile(source: PayloadFile, path: string, progress: Progress): Promise<void> {
  const hash = createHash('sha256');
  let position = 0;
  await withDevice(source.path, constants.O_RDONLY, async (from) => {
    await withDevice(path, constants.O_RDWR, async (to) => {
      const buffer = new Uint8Array(CHUNK_BYTES);
      while (position < source.bytes) {
        const { bytesRead } = await from.read(
          buffer,
          0,
          Math.min(CHUNK_BYTES, source.bytes - position),
          position,
        );
        if (bytesRead === 0) break;
        hash.update(buffer.subarray(0, bytesRead));
        await writeAll(path, to, buffer.subarray(0, bytesRead), position);
        position += bytesRead;
        progress(position / source.bytes);
      }
      await withDeadline(`flushing ${path}`, FLUSH_TIMEOUT_MS, to.sync());
    });
  });
  if (hash.digest('hex') !== source.sha256) {
    throw new InstallError(
      'VERIFY_FAILED',
      `${source.name} changed while it was copied; is the memory of this machine sound?`,
    );
  }
}

/**
 * Hashes the first bytes of a device. The caller has dropped the page cache, which would otherwise answer with what was written
 * instead of with what arrived.
 *
 * @throws InstallError VERIFY_FAILED when they are not the file's.
 */
export async function compareFile(source: PayloadFile, path: string, progress: Progress): Promise<void> {
  const digest = await withDevice(path, constants.O_RDONLY, async (file) => {
    const buffer = new Uint8Array(CHUNK_BYTES);
    const hash = createHash('sha256');
    let position = 0;
    while (position < source.bytes) {
      const read = file.read(buffer, 0, Math.min(CHUNK_BYTES, source.bytes - position), position);
      const { bytesRead } = await withDeadline(`reading ${path}`, CHUNK_TIMEOUT_MS, read);
      if (bytesRead === 0) break;
      hash.update(buffer.subarray(0, bytesRead));
      position += bytesRead;
      progress(position / source.bytes);
    }
    return hash.digest('hex');
  });
  if (digest !== source.sha256) {
    throw new InstallError(
      'VERIFY_FAILED',
      `${path} reads back as ${digest}, ${source.name} is ${source.sha256}; the disk does not keep what is written`,
    );
  }
}

async function writeAll(path: string, file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let offset = 0; offset < bytes.length; ) {
    const write = file.write(bytes, offset, bytes.length - offset, position + offset);
    const { bytesWritten } = await withDeadline(`writing ${path}`, CHUNK_TIMEOUT_MS, write).catch(
      (error: unknown) => {
        throw new InstallError(
          asInstallError(error).code,
          `writing ${path}: ${asInstallError(error).message}`,
          { cause: error },
        );
      },
    );
    offset += bytesWritten;
  }
}
