/** The disk's share of saving a checkpoint or snapshot, as data: the same steps run on this thread or on one of their own. */
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type Disk, type FileHandle, isNotFound, writeSmallFile } from '../io/index.ts';
import { removeIfThere } from './files.ts';

const TEMPORARY = '.tmp';

export type SaveStep =
  /** Makes a folder, durably. */
  | { readonly kind: 'folder'; readonly path: string }
  /** A part: whole under its name or not there. Its folder is synced by a step of its own, once for all parts. */
  | { readonly kind: 'part'; readonly path: string; readonly bytes: Uint8Array }
  | { readonly kind: 'sync folder'; readonly path: string }
  /** Makes a file durable that others write; nothing where there is none. */
  | { readonly kind: 'sync file'; readonly path: string }
  /** Moves what SQLite's log of a database holds into the database, as far as no reader needs it there, durably. */
  | { readonly kind: 'move wal'; readonly path: string }
  /** Replaces a small file: the old one or the new one after any crash. */
  | { readonly kind: 'replace'; readonly path: string; readonly bytes: Uint8Array }
  | { readonly kind: 'remove'; readonly path: string }
  /** An empty file for appending to, in place of what a crash may have left under the name. */
  | { readonly kind: 'begin'; readonly path: string }
  | { readonly kind: 'append'; readonly path: string; readonly position: number; readonly bytes: Uint8Array }
  /** Gives a file that is complete its name: whole and durable under it, or not there. */
  | { readonly kind: 'publish'; readonly from: string; readonly to: string };

/** Does steps one after the other; the next begins when the promise of the one before has settled. */
export interface SaveRunner {
  run(step: SaveStep): Promise<void>;
  /** Gives back what it holds; a step under way fails. */
  close(): Promise<void>;
}

export function runSaveStep(disk: Disk, step: SaveStep): void {
  switch (step.kind) {
    case 'folder':
      disk.mkdir(step.path);
      disk.fsyncDirectory(dirname(step.path));
      return;
    case 'part':
      writePart(disk, step.path, step.bytes);
      return;
    case 'sync folder':
      disk.fsyncDirectory(step.path);
      return;
    case 'sync file':
      syncIfThere(disk, step.path);
      return;
    case 'move wal':
      moveWal(step.path);
      return;
    case 'replace':
      writeSmallFile(disk, step.path, step.bytes);
      return;
    case 'remove':
      removeIfThere(disk, step.path);
      return;
    case 'begin':
      removeIfThere(disk, step.path);
      disk.close(disk.open(step.path, 'create'));
      return;
    case 'append':
      withFile(disk, step.path, (handle) => disk.pwrite(handle, step.bytes, step.position));
      return;
    case 'publish':
      withFile(disk, step.from, (handle) => disk.fsync(handle));
      disk.rename(step.from, step.to);
      disk.fsyncDirectory(dirname(step.to));
  }
}

/** What a step works on, for messages. */
export function pathOf(step: SaveStep): string {
  return step.kind === 'publish' ? step.to : step.path;
}

/** Runs the steps where it is called, and lets other work of the thread run between them. */
export function inlineRunner(disk: Disk, pause: () => Promise<void>): SaveRunner {
  return {
    run: async (step) => {
      runSaveStep(disk, step);
      await pause();
    },
    close: async () => {},
  };
}

function withFile(disk: Disk, path: string, use: (handle: FileHandle) => void): void {
  const handle = disk.open(path, 'write');
  try {
    use(handle);
  } finally {
    disk.close(handle);
  }
}

function syncIfThere(disk: Disk, path: string): void {
  try {
    withFile(disk, path, (handle) => disk.fsync(handle));
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

function moveWal(path: string): void {
  const database = new DatabaseSync(path);
  try {
    database.exec('PRAGMA wal_checkpoint(PASSIVE)');
  } finally {
    database.close();
  }
}

function writePart(disk: Disk, path: string, bytes: Uint8Array): void {
  removeIfThere(disk, path + TEMPORARY);
  const handle = disk.open(path + TEMPORARY, 'create');
  try {
    disk.pwrite(handle, bytes, 0);
    disk.fsync(handle);
  } finally {
    disk.close(handle);
  }
  disk.rename(path + TEMPORARY, path);
}
