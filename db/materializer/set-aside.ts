/**
 * Views that know more than the log. What a view holds was stable once, so a view ahead of the log, or one whose log went
 * on differently, is evidence that durable commits are missing. Its checkpoint is moved to `views/set-aside/`, never
 * deleted, and as long as it lies there ahead of the log nothing is written: an operator brings the commits back from a
 * copy, or accepts the loss by moving the files away.
 *
 *     views/set-aside/<view>-<ahead|branch>-<position>.json       the checkpoint's record
 *     views/set-aside/<view>-<ahead|branch>-<position>.<part>     its parts
 *     views/set-aside/<view>-<ahead|branch|damaged>-<position>.files     the folder of a view with files of its own
 */
import { basename, join } from 'node:path';
import { type Disk, isNotFound, writeSmallFile } from '../io/index.ts';
import type { Sequence } from '../types.ts';
import { listIfThere } from './files.ts';
import { SET_ASIDE, type ViewRecord } from './manifest.ts';

const FILES = '.files';
const AHEAD = /^(.+)-ahead-(\d+)\.json$/;

export type SetAsideReason = 'ahead' | 'branch' | 'damaged';

/** Moves a checkpoint aside; may be repeated after a crash in the middle. Returns the path its files begin with. */
export function setAside(disk: Disk, views: string, record: ViewRecord, reason: SetAsideReason): string {
  const folder = join(views, SET_ASIDE);
  const path = join(folder, `${record.name}-${reason}-${record.applied}`);
  disk.mkdir(folder);
  disk.fsyncDirectory(views);
  writeSmallFile(disk, `${path}.json`, Buffer.from(`${JSON.stringify(record, null, 2)}\n`));
  for (const part of record.parts) {
    try {
      disk.rename(join(views, record.name, part.name), `${path}.${part.name}`);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
  disk.fsyncDirectory(folder);
  return path;
}

/** Moves the folder of a view with files of its own, which must not be open; may be repeated after a crash in the middle. */
export function setAsideFolder(
  disk: Disk,
  views: string,
  view: string,
  applied: number,
  reason: SetAsideReason,
): string {
  const folder = join(views, SET_ASIDE);
  const path = join(folder, `${view}-${reason}-${applied}`);
  disk.mkdir(folder);
  disk.fsyncDirectory(views);
  writeSmallFile(disk, `${path}.json`, Buffer.from(`${JSON.stringify({ name: view, applied }, null, 2)}\n`));
  const taken = new Set(listIfThere(disk, folder));
  let target = `${path}${FILES}`;
  for (let copy = 2; taken.has(basename(target)); copy += 1) target = `${path}-${copy}${FILES}`;
  try {
    disk.rename(join(views, view), target);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  disk.fsyncDirectory(folder);
  disk.fsyncDirectory(views);
  return path;
}

/** Removes what was ever set aside; of folders their empty shells stay. */
export function removeSetAside(disk: Disk, views: string): void {
  const folder = join(views, SET_ASIDE);
  for (const name of listIfThere(disk, folder)) {
    const path = join(folder, name);
    if (!name.endsWith(FILES)) disk.unlink(path);
    else for (const file of listIfThere(disk, path)) disk.unlink(join(path, file));
  }
}

export interface ViewAhead {
  readonly view: string;
  readonly applied: number;
  /** What the paths of its files begin with. */
  readonly path: string;
}

/** Views set aside that are still ahead of the log. */
export function viewsAhead(disk: Disk, views: string, stable: Sequence): ViewAhead[] {
  const folder = join(views, SET_ASIDE);
  const ahead: ViewAhead[] = [];
  for (const name of listIfThere(disk, folder)) {
    const match = AHEAD.exec(name);
    if (match === null || Number(match[2]) <= stable) continue;
    ahead.push({
      view: match[1]!,
      applied: Number(match[2]),
      path: join(folder, name.replace(/\.json$/, '')),
    });
  }
  return ahead;
}
