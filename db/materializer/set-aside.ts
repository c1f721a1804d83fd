/**
 * Views that know more than the log. What a view holds was stable once, so a view ahead of the log, or one whose log went
 * on differently, is evidence that durable commits are missing. Its checkpoint is moved to `views/set-aside/`, never
 * deleted, and as long as it lies there ahead of the log nothing is written: an operator brings the commits back from a
 * copy, or accepts the loss by moving the files away.
 *
 *     views/set-aside/<view>-<ahead|branch>-<position>.json       the checkpoint's record
 *     views/set-aside/<view>-<ahead|branch>-<position>.<part>     its parts
 */
import { join } from 'node:path';
import { type Disk, isNotFound, writeSmallFile } from '../io/index.ts';
import type { Sequence } from '../types.ts';
import { listIfThere } from './files.ts';
import { SET_ASIDE, type ViewRecord } from './manifest.ts';

const AHEAD = /^(.+)-ahead-(\d+)\.json$/;

export type SetAsideReason = 'ahead' | 'branch';

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
