/**
 * Processes that read the log's files beside its server, such as a backup, and need them until they are done: each takes the
 * lock of a folder `metadata/readers/<n>` and says there what it needs. The lock goes with the process, so nothing is held for
 * one that died; folders stay and are used again.
 *
 *     metadata/readers/1/hold.json   { "name": "backup to /mnt/monday", "from": 812 }
 */
import { join } from 'node:path';
import { type Disk, type DiskLock, isNotFound, readSmallFile, writeSmallFile } from '../io/index.ts';
import type { Sequence } from '../types.ts';
import { metadataDirectory } from './metadata.ts';
import type { Hold } from './retention.ts';

const FOLDER = 'readers';
const FILE = 'hold.json';
const READERS_MAX = 1000;

/** Keeps the files from `from` on; throws what the disk throws where nothing can be written. `made` hears of what is made. */
export function holdFiles(
  disk: Disk,
  directory: string,
  hold: { readonly name: string; readonly from: Sequence },
  made: (path: string) => void,
): DiskLock {
  const folder = join(metadataDirectory(directory), FOLDER);
  disk.mkdir(folder);
  for (let number = 1; number <= READERS_MAX; number++) {
    const place = join(folder, `${number}`);
    disk.mkdir(place);
    const lock = disk.lock(place);
    if (lock === null) continue;
    try {
      writeSmallFile(disk, join(place, FILE), new TextEncoder().encode(`${JSON.stringify(hold)}\n`));
      made(folder);
      return lock;
    } catch (error) {
      lock.release();
      throw error;
    }
  }
  throw new Error(`more than ${READERS_MAX} processes read the files of ${directory}`);
}

/** What such processes need now. Whatever cannot be made out is needed. */
export function fileHolds(disk: Disk, directory: string): Hold[] {
  const holds: Hold[] = [];
  // Folders are made one after the other and never removed.
  for (let number = 1; ; number++) {
    const place = join(metadataDirectory(directory), FOLDER, `${number}`);
    const state = stateOf(disk, place);
    if (state === 'absent') return holds;
    if (state === 'unknown') return [{ kind: 'backup', name: `in ${place}`, from: 1 as Sequence }];
    if (state === 'free') continue;
    const { name, from } = holdIn(disk, place) ?? { name: `in ${place}`, from: 1 as Sequence };
    holds.push({ kind: 'backup', name, from });
  }
}

function stateOf(disk: Disk, place: string): 'absent' | 'free' | 'held' | 'unknown' {
  try {
    const lock = disk.lock(place);
    lock?.release();
    return lock === null ? 'held' : 'free';
  } catch (error) {
    // Another user's, perhaps: it may be in use.
    return isNotFound(error) ? 'absent' : 'unknown';
  }
}

function holdIn(disk: Disk, place: string): { readonly name: string; readonly from: Sequence } | null {
  try {
    const bytes = readSmallFile(disk, join(place, FILE));
    const { name, from } = JSON.parse(new TextDecoder().decode(bytes ?? new Uint8Array())) as Record<
      string,
      unknown
    >;
    if (typeof name !== 'string' || !Number.isSafeInteger(from)) return null;
    return { name, from: from as Sequence };
  } catch {
    return null;
  }
}
