/** The machine's own file system. Stateless: handles are file descriptors, so they mean the same in every thread. */
import fs from 'node:fs';
import type { Disk, DiskLock, FileHandle } from './disk.ts';
import { allocateSpace, lockExclusively } from './libc.ts';

const FLAGS = {
  read: fs.constants.O_RDONLY,
  write: fs.constants.O_RDWR,
  create: fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_EXCL,
} as const;

/** Data belongs to the database's own user alone: events may be anything. */
const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;

export class RealDisk implements Disk {
  open(path: string, mode: keyof typeof FLAGS): FileHandle {
    return fs.openSync(path, FLAGS[mode], FILE_MODE) as FileHandle;
  }

  close(handle: FileHandle): void {
    fs.closeSync(handle);
  }

  pread(handle: FileHandle, target: Uint8Array, length: number, position: number): number {
    let done = 0;
    while (done < length) {
      const count = fs.readSync(handle, target, done, length - done, position + done);
      if (count === 0) break;
      done += count;
    }
    return done;
  }

  pwrite(handle: FileHandle, source: Uint8Array, position: number): void {
    let done = 0;
    while (done < source.length)
      done += fs.writeSync(handle, source, done, source.length - done, position + done);
  }

  fdatasync(handle: FileHandle): void {
    fs.fdatasyncSync(handle);
  }

  fsync(handle: FileHandle): void {
    fs.fsyncSync(handle);
  }

  fsyncDirectory(path: string): void {
    const fd = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
    try {
      fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
  }

  allocate(handle: FileHandle, length: number): void {
    allocateSpace(handle, length);
  }

  size(handle: FileHandle): number {
    return fs.fstatSync(handle).size;
  }

  truncate(handle: FileHandle, length: number): void {
    fs.ftruncateSync(handle, length);
  }

  rename(from: string, to: string): void {
    fs.renameSync(from, to);
  }

  unlink(path: string): void {
    fs.unlinkSync(path);
  }

  list(path: string): string[] {
    return fs.readdirSync(path);
  }

  mkdir(path: string): void {
    fs.mkdirSync(path, { recursive: true, mode: DIRECTORY_MODE });
  }

  /** flock(2) on the directory itself: no file to leave behind, dropped by the kernel when the process dies, closed on exec. */
  lock(path: string): DiskLock | null {
    const fd = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
    try {
      if (lockExclusively(fd)) return { release: () => fs.closeSync(fd) };
    } catch (error) {
      fs.closeSync(fd);
      throw error;
    }
    fs.closeSync(fd);
    return null;
  }
}
