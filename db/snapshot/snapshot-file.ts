/** Reads a snapshot: its manifest, a part of a view, or every byte to see whether it is the one written. */
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { TruthError } from '../errors.ts';
import type { Disk, FileHandle } from '../io/index.ts';
import type { CheckpointReader } from '../materializer/index.ts';
import {
  damaged,
  decodeEnd,
  decodeTrailer,
  encodeFront,
  FRONT_BYTES,
  parseSnapshotFile,
  type SnapshotManifest,
  type SnapshotPart,
  type SnapshotView,
  snapshotName,
  TRAILER_BYTES,
} from './format.ts';

const BLOCK_BYTES = 1024 * 1024;

export interface SnapshotFile {
  readonly manifest: SnapshotManifest;
  readonly bytes: number;
}

/** Errors: CORRUPT naming the file, UNSUPPORTED_VERSION, those of the disk. */
export function readSnapshot(disk: Disk, path: string): SnapshotFile {
  return opened(disk, path, (handle) => {
    const size = disk.size(handle);
    const trailer = read(disk, handle, Math.max(size - TRAILER_BYTES, 0), Math.min(size, TRAILER_BYTES));
    const { offset } = decodeTrailer(trailer, size);
    const manifest = decodeEnd(read(disk, handle, offset, size - offset));
    if (parseSnapshotFile(basename(path))?.name !== snapshotName(manifest)) {
      throw damaged(`it is the snapshot ${snapshotName(manifest)} under another name`);
    }
    return { manifest, bytes: size };
  });
}

/** Parts of one view; each is checked when it is read. */
export function viewReader(disk: Disk, path: string, view: SnapshotView): CheckpointReader {
  const partOf = (name: string): SnapshotPart => {
    const part = view.parts.find((candidate) => candidate.name === name);
    if (part === undefined) throw new TruthError('CORRUPT', `view "${view.name}" has no part ${name}`);
    return part;
  };
  return {
    parts: view.parts.map(({ name }) => name),
    read: (name) => opened(disk, path, (handle) => readPart(disk, handle, view.name, partOf(name))),
    chunks: (name) => readInBlocks(disk, path, view.name, partOf(name)),
  };
}

/** Reads everything, the zeros between the parts too. Errors: CORRUPT naming the file and the place. */
export function checkBytes(disk: Disk, path: string, { views }: SnapshotManifest): void {
  opened(disk, path, (handle) => {
    if (!read(disk, handle, 0, FRONT_BYTES).every((byte, at) => byte === encodeFront()[at]))
      throw damaged('its first bytes are not a snapshot’s');
    const { offset } = decodeTrailer(
      read(disk, handle, disk.size(handle) - TRAILER_BYTES, TRAILER_BYTES),
      disk.size(handle),
    );
    let end = FRONT_BYTES;
    for (const { name, parts } of views) {
      for (const part of parts) {
        checkZeros(disk, handle, end, part.offset);
        checkPart(disk, handle, name, part);
        end = part.offset + part.bytes;
      }
    }
    checkZeros(disk, handle, end, offset);
  });
}

function readPart(disk: Disk, handle: FileHandle, view: string, part: SnapshotPart): Uint8Array {
  const bytes = read(disk, handle, part.offset, part.bytes);
  if (createHash('sha256').update(bytes).digest('hex') !== part.sha256) throw damagedPart(view, part);
  return bytes;
}

/** Whether it is the part that was written is known behind the last block. */
function* readInBlocks(disk: Disk, path: string, view: string, part: SnapshotPart): Generator<Uint8Array> {
  const hash = createHash('sha256');
  for (let at = 0; at < part.bytes; at += BLOCK_BYTES) {
    const length = Math.min(BLOCK_BYTES, part.bytes - at);
    const block = opened(disk, path, (handle) => read(disk, handle, part.offset + at, length));
    hash.update(block);
    yield block;
  }
  if (hash.digest('hex') === part.sha256) return;
  opened(disk, path, () => {
    throw damagedPart(view, part);
  });
}

function checkPart(disk: Disk, handle: FileHandle, view: string, part: SnapshotPart): void {
  const hash = createHash('sha256');
  for (let at = 0; at < part.bytes; at += BLOCK_BYTES) {
    hash.update(read(disk, handle, part.offset + at, Math.min(BLOCK_BYTES, part.bytes - at)));
  }
  if (hash.digest('hex') !== part.sha256) throw damagedPart(view, part);
}

function checkZeros(disk: Disk, handle: FileHandle, from: number, to: number): void {
  if (to - from < 0 || to - from > 7) throw damaged(`its parts do not follow each other at ${from}`);
  const stray = read(disk, handle, from, to - from).findIndex((byte) => byte !== 0);
  if (stray >= 0) throw damaged(`byte ${from + stray} between its parts is not zero`);
}

function damagedPart(view: string, { name, offset, bytes }: SnapshotPart): TruthError {
  return damaged(`part ${name} of view "${view}" (${bytes} bytes at ${offset}) is not what was written`);
}

function read(disk: Disk, handle: FileHandle, position: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  if (disk.pread(handle, bytes, length, position) !== length) throw damaged('it is cut short');
  return bytes;
}

/** What is thrown inside names the file. */
function opened<T>(disk: Disk, path: string, use: (handle: FileHandle) => T): T {
  const handle = disk.open(path, 'read');
  try {
    return use(handle);
  } catch (error) {
    if (!(error instanceof TruthError)) throw error;
    throw new TruthError(error.code, `snapshot ${basename(path)} cannot be used: ${error.message}`, {
      snapshot: basename(path),
    });
  } finally {
    disk.close(handle);
  }
}
