/**
 * Views that know more than the log. What a view holds was stable once, so a view ahead of the log, or one whose log went
 * on differently, is evidence that durable commits are missing. It is moved to `views/set-aside/`, never deleted, and as
 * long as it lies there ahead of the log nothing is written: an operator brings the commits back from a copy, or accepts
 * the loss by taking the folder away.
 */
import { join } from 'node:path';
import { type Disk, isNotFound, writeSmallFile } from '../io/index.ts';
import type { Sequence } from '../types.ts';
import { listIfThere } from './files.ts';
import { SET_ASIDE, type ViewRecord } from './manifest.ts';

const AHEAD = /^(.+)-ahead-(\d+)$/;

export type SetAsideReason = 'ahead' | 'branch';

/**
 * Moves the files of a view's checkpoint to a folder of their own, with the record that explains them. May be repeated
 * after a crash in the middle. Returns the folder.
 */
export function setAside(disk: Disk, views: string, record: ViewRecord, reason: SetAsideReason): string {
  const parent = join(views, SET_ASIDE);
  const folder = join(parent, `${record.name}-${reason}-${record.applied}`);
  disk.mkdir(parent);
  disk.mkdir(folder);
  disk.fsyncDirectory(views);
  disk.fsyncDirectory(parent);
  writeSmallFile(disk, join(folder, 'record.json'), Buffer.from(`${JSON.stringify(record, null, 2)}\n`));
  for (const part of record.parts) {
    try {
      disk.rename(join(views, record.name, part.name), join(folder, part.name));
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
  disk.fsyncDirectory(folder);
  return folder;
}

export interface ViewAhead {
  readonly view: string;
  readonly applied: number;
  readonly folder: string;
}

/** Views set aside that are still ahead of the log. */
export function viewsAhead(disk: Disk, views: string, stable: Sequence): ViewAhead[] {
  const ahead: ViewAhead[] = [];
  for (const name of listIfThere(disk, join(views, SET_ASIDE))) {
    const match = AHEAD.exec(name);
    if (match === null || Number(match[2]) <= stable) continue;
    ahead.push({ view: match[1]!, applied: Number(match[2]), folder: join(views, SET_ASIDE, name) });
  }
  return ahead;
}
