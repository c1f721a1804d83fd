import { elfNeeds, isElf } from './elf.ts';
import { BuildError } from './exec.ts';
import type { RemovedPath, WantedPackage } from './packages.ts';
import { remove, resolvePath, type Tree, type TreeFile } from './tree.ts';

/** Debian's tables name /bin, /lib and /sbin; in the merged tree those are links into /usr. */
const MERGED = /^\/(bin|sbin|lib|lib32|lib64|libx32)\//;

/** Where dpkg lists the files of each package. Read before `var` is removed. */
const DPKG_INFO = 'var/lib/dpkg/info';

const LIBRARY_PATHS = ['usr/lib/x86_64-linux-gnu', 'usr/lib'];

/**
 * Removes the files of whole packages; a directory goes when nothing is left in it. Files that another, kept package also lists
 * stay.
 *
 * @throws BuildError when a package to remove was never installed: the table and the lock no longer belong together.
 */
export function removePackages(tree: Tree, packages: readonly WantedPackage[]): void {
  const lists = packageLists(tree);
  const unknown = packages.filter(({ name }) => !lists.has(name));
  if (unknown.length > 0) {
    throw new BuildError(
      `not installed, so they cannot be removed: ${unknown.map(({ name }) => name).join(', ')}; correct REMOVED_PACKAGES`,
    );
  }
  const gone = new Set(packages.map(({ name }) => name));
  const kept = new Set([...lists].filter(([name]) => !gone.has(name)).flatMap(([, paths]) => paths));
  const directories = new Set<string>();
  for (const path of [...gone].flatMap((name) => lists.get(name) ?? [])) {
    if (kept.has(path)) continue;
    if (tree.get(path)?.type === 'directory') directories.add(path);
    else tree.delete(path);
  }
  removeEmpty(tree, directories);
}

export function removePaths(tree: Tree, removed: readonly RemovedPath[]): void {
  for (const { path } of removed) {
    if (!path.includes('*')) {
      remove(tree, path);
      continue;
    }
    const pattern = new RegExp(`^${path.replace(/[.+]/g, '\\$&').replaceAll('*', '[^/]*')}$`);
    for (const match of [...tree.keys()].filter((candidate) => pattern.test(candidate))) remove(tree, match);
  }
}

/** Clears set-user-id and set-group-id bits of all programs but the named ones. */
export function clearSetId(tree: Tree, kept: readonly WantedPackage[]): void {
  const names = new Set(kept.map(({ name }) => name));
  for (const [path, entry] of tree) {
    if (entry.type === 'file' && (entry.mode & 0o6000) !== 0 && !names.has(path)) {
      tree.set(path, { ...entry, mode: entry.mode & 0o777 });
    }
  }
}

/** Removes scripts whose interpreter is gone, and then links that lead nowhere. @returns what was removed. */
export function removeOrphans(tree: Tree): string[] {
  const scripts = [...tree].filter(([, entry]) => entry.type === 'file' && lacksInterpreter(tree, entry));
  for (const [path] of scripts) tree.delete(path);
  const links = [...tree].filter(
    ([path, entry]) => entry.type === 'link' && isBroken(tree, path, entry.target),
  );
  for (const [path] of links) tree.delete(path);
  return [...scripts, ...links].map(([path]) => path);
}

/** What an ELF file cannot find in the tree: "usr/bin/x needs liby.so.1". An empty list is the proof that trimming broke nothing. */
export function missingLibraries(tree: Tree): string[] {
  const missing: string[] = [];
  for (const [path, entry] of tree) {
    if (entry.type !== 'file' || !isElf(entry.data)) continue;
    for (const library of elfNeeds(entry.data).libraries) {
      if (findLibrary(tree, path, library) === undefined) missing.push(`${path} needs ${library}`);
    }
  }
  return missing;
}

/** Path of the library an ELF file at `path` loads under this name, as ld.so would find it. */
export function findLibrary(tree: Tree, path: string, library: string): string | undefined {
  const entry = tree.get(path);
  const runPath = entry?.type === 'file' ? elfNeeds(entry.data).runPath : [];
  const origin = path.split('/').slice(0, -1).join('/');
  // Its own folder last: a private library is loaded by a program that has loaded its neighbours already.
  const folders = [
    ...runPath.map((folder) => folder.replace('$ORIGIN', `/${origin}`)),
    ...LIBRARY_PATHS,
    origin,
  ];
  for (const folder of folders) {
    const found = resolvePath(tree, `${folder}/${library}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

function packageLists(tree: Tree): Map<string, string[]> {
  const lists = new Map<string, string[]>();
  for (const [path, entry] of tree) {
    const name = new RegExp(`^${DPKG_INFO}/([^/:]+)(?::amd64)?\\.list$`).exec(path)?.[1];
    if (name === undefined || entry.type !== 'file') continue;
    const lines = entry.data.toString().split('\n');
    lists.set(
      name,
      lines.filter((line) => line.length > 2).map((line) => line.replace(MERGED, '/usr/$1/').slice(1)),
    );
  }
  return lists;
}

/** Deepest first, so that a directory emptied by its last child goes as well. */
function removeEmpty(tree: Tree, directories: ReadonlySet<string>): void {
  const children = new Map<string, number>();
  const parentOf = (path: string) => path.slice(0, Math.max(0, path.lastIndexOf('/')));
  for (const path of tree.keys()) children.set(parentOf(path), (children.get(parentOf(path)) ?? 0) + 1);
  for (const path of [...directories].sort((a, b) => b.length - a.length)) {
    if ((children.get(path) ?? 0) > 0) continue;
    tree.delete(path);
    children.set(parentOf(path), (children.get(parentOf(path)) ?? 1) - 1);
  }
}

function lacksInterpreter(tree: Tree, { data, mode }: TreeFile): boolean {
  if ((mode & 0o111) === 0 || data[0] !== 0x23 || data[1] !== 0x21) return false;
  const line = data.toString('latin1', 2, 200).split('\n')[0]?.trim() ?? '';
  const [program = '', argument] = line.split(/\s+/);
  const name = program.endsWith('/env') && argument !== undefined ? `usr/bin/${argument}` : program;
  return resolvePath(tree, name) === undefined;
}

function isBroken(tree: Tree, path: string, target: string): boolean {
  // What is rendered or mounted at run time exists only there.
  if (/^(\.\.\/)*\/?(run|proc|dev|sys|var|tmp)\//.test(target) || target === '/dev/null') return false;
  if (target.startsWith('/dev') || target.startsWith('/proc')) return false;
  return resolvePath(tree, path) === undefined;
}
