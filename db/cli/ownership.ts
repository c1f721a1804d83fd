/**
 * Files made in a data directory belong to whoever owns it, also when an administrator makes them: the server must be able
 * to read what `sudo truthdb …` left there.
 */
import { existsSync, lchownSync, lstatSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Whose the directory is, or would be by the one around it; null when what is made here is theirs anyway. */
export function ownerOf(directory: string): Owner | null {
  if (process.getuid?.() !== 0) return null;
  const nearest = existsSync(directory) ? directory : dirname(directory);
  const { uid, gid } = lstatSync(nearest);
  return uid === 0 ? null : { uid, gid };
}

/** Hands over what root has made in there. */
export function giveTo(owner: Owner | null, directory: string): void {
  if (owner === null) return;
  const { uid } = lstatSync(directory);
  if (uid === 0) lchownSync(directory, owner.uid, owner.gid);
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) giveTo(owner, path);
    else if (lstatSync(path).uid === 0) lchownSync(path, owner.uid, owner.gid);
  }
}

/** The same of one file, which may lie anywhere. */
export function giveFileTo(owner: Owner | null, path: string): void {
  if (owner !== null && lstatSync(path).uid === 0) lchownSync(path, owner.uid, owner.gid);
}
