/**
 * A file system as a value: what a tar archive, a cpio archive or the root image holds, in memory. Everything between
 * mmdebstrap and mksquashfs works on this, so it needs no root, no mounts and no clean-up, and is tested without a disk.
 */

export interface TreeFile {
  readonly type: 'file';
  readonly data: Buffer;
  /** Permission bits, set-id bits included. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

export interface TreeDirectory {
  readonly type: 'directory';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

export interface TreeLink {
  readonly type: 'link';
  /** What the symbolic link says, absolute or relative. */
  readonly target: string;
}

export type TreeEntry = TreeFile | TreeDirectory | TreeLink;

/** Path without leading slash ("usr/bin/sh") → entry. The root itself is not listed. */
export type Tree = Map<string, TreeEntry>;

export function file(data: Buffer | string, mode = 0o644): TreeFile {
  return { type: 'file', data: Buffer.isBuffer(data) ? data : Buffer.from(data), mode, uid: 0, gid: 0 };
}

export function directory(mode = 0o755): TreeDirectory {
  return { type: 'directory', mode, uid: 0, gid: 0 };
}

export function link(target: string): TreeLink {
  return { type: 'link', target };
}

/** Adds an entry and whichever of its parent directories are missing. */
export function put(tree: Tree, path: string, entry: TreeEntry): void {
  for (const parent of parents(path)) {
    if (!tree.has(parent)) tree.set(parent, directory());
  }
  tree.set(path, entry);
}

/** Removes an entry with everything below it. */
export function remove(tree: Tree, path: string): void {
  tree.delete(path);
  for (const other of [...tree.keys()]) {
    if (other.startsWith(`${path}/`)) tree.delete(other);
  }
}

/** Paths in byte order: parents come before their children, and the order never depends on how the tree was made. */
export function sortedPaths(tree: ReadonlyMap<string, TreeEntry>): string[] {
  return [...tree.keys()].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

const LINKS_FOLLOWED_MAX = 40;

/** The path a name stands for after following every symbolic link on the way; undefined when it leads nowhere. */
export function resolvePath(tree: ReadonlyMap<string, TreeEntry>, path: string): string | undefined {
  let pending = path.split('/').filter((part) => part !== '' && part !== '.');
  let done: string[] = [];
  for (let followed = 0; pending.length > 0; ) {
    const part = pending.shift() as string;
    if (part === '..') {
      done.pop();
      continue;
    }
    const here = [...done, part].join('/');
    const entry = tree.get(here);
    if (entry === undefined) return undefined;
    if (entry.type !== 'link') {
      done.push(part);
      continue;
    }
    followed += 1;
    if (followed > LINKS_FOLLOWED_MAX) return undefined;
    if (entry.target.startsWith('/')) done = [];
    pending = [...entry.target.split('/').filter((step) => step !== '' && step !== '.'), ...pending];
  }
  return done.join('/');
}

function parents(path: string): string[] {
  const parts = path.split('/');
  return parts.slice(0, -1).map((_, index) => parts.slice(0, index + 1).join('/'));
}
