/**
 * The disk as the database sees it: synchronous calls, because storage I/O has threads of its own. Paths are absolute.
 * Every method throws the system's error as it is (an Error with `code`, such as ENOSPC); what a failure means is the
 * caller's decision. Nothing is durable before `fdatasync`, `fsync` or `fsyncDirectory` has returned.
 */

declare const handleBrand: unique symbol;

/** An open file. Only the disk that gave it knows what it is. */
export type FileHandle = number & { readonly [handleBrand]: true };

/** Holds the directory for one owner. Freed by `release` and by the death of the process, whatever its cause. */
export interface DiskLock {
  release(): void;
}

export interface Disk {
  /** `read` and `write` want an existing file; `create` makes one that must not exist yet, opened for writing. */
  open(path: string, mode: 'read' | 'write' | 'create'): FileHandle;
  close(handle: FileHandle): void;
  /** Reads until `length` bytes are there or the file ends; returns how many. */
  pread(handle: FileHandle, target: Uint8Array, length: number, position: number): number;
  /** Writes all of `source` or throws; after a throw any part of it may have been written. */
  pwrite(handle: FileHandle, source: Uint8Array, position: number): void;
  /** Makes content and size durable. */
  fdatasync(handle: FileHandle): void;
  fsync(handle: FileHandle): void;
  /** Makes creations, renames and removals in the directory durable. */
  fsyncDirectory(path: string): void;
  /** Takes space for the first `length` bytes, which then read as zeros where nothing was written. Throws ENOSPC if there is none. */
  allocate(handle: FileHandle, length: number): void;
  size(handle: FileHandle): number;
  truncate(handle: FileHandle, length: number): void;
  rename(from: string, to: string): void;
  unlink(path: string): void;
  /** Names in the directory, in no particular order. */
  list(path: string): string[];
  /** Makes one directory; fine when it is there already. */
  mkdir(path: string): void;
  /** Takes the directory for this owner alone, or returns null when another owner has it. */
  lock(path: string): DiskLock | null;
}

export function isNotFound(error: unknown): boolean {
  return errorCode(error) === 'ENOENT';
}

/** Out of space, of quota or of file size: what an operator can give back. */
export function isNoSpace(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT', 'EFBIG'].includes(errorCode(error) ?? '');
}

function errorCode(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;
}
