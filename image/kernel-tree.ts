/**
 * The unpacked kernel source in the cache. It outlives builds so that kbuild compiles only what a changed option touches,
 * and so that an interrupted build goes on where it stopped.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Progress } from '../scripts/progress.ts';
import { BuildError, run } from './exec.ts';
import { declaredSymbols } from './kernel-config.ts';

export interface SourceTree {
  readonly path: string;
  /** When Debian made the source package: the time stamp of its Makefile in the tarball. */
  readonly date: Date;
}

const TREE_PREFIX = 'tree-';
/** Lies in the tree while make runs. Found at the start of a build, it says that the last one was cut off. */
const BUILDING = '.truthdb-building';
/** Folders whose Kconfig files are "the hardware": drivers, and what concerns processor and platform. */
const HARDWARE_FOLDERS = ['drivers', 'sound', 'arch/x86'];

/** Unpacks the tarball unless that was done before; removes the trees of other source packages (2 GB each). */
export async function prepareTree(
  cache: string,
  tarball: string,
  sourceHash: string,
  progress: Progress,
): Promise<SourceTree> {
  const path = join(cache, `${TREE_PREFIX}${sourceHash.slice(0, 16)}`);
  if (!existsSync(path)) {
    await removeOtherTrees(cache, path);
    await unpack(tarball, path, progress);
  }
  const { mtime } = await stat(join(path, 'Makefile'));
  return { path, date: mtime };
}

async function removeOtherTrees(cache: string, keep: string): Promise<void> {
  for (const name of await readdir(cache)) {
    if (name.startsWith(TREE_PREFIX) && name !== basename(keep)) {
      await rm(join(cache, name), { recursive: true, force: true });
    }
  }
}

/** Renaming last makes a half-unpacked tree impossible to mistake for a whole one. */
async function unpack(tarball: string, path: string, progress: Progress): Promise<void> {
  const partial = `${path}.partial`;
  progress(`unpacking ${basename(tarball)}`);
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { recursive: true });
  await run('tar', ['-xf', tarball, '-C', partial, '--strip-components=1', '--no-same-owner']);
  await rename(partial, path);
}

/**
 * Objects that an interrupted first build left behind, 0 in a tree that was just unpacked; undefined once a kernel was
 * linked, because then only make knows how many of them a change touches.
 */
export async function objectsSoFar(tree: SourceTree): Promise<number | undefined> {
  if (existsSync(join(tree.path, 'vmlinux'))) return undefined;
  const names = await readdir(tree.path, { recursive: true });
  return names.filter((name) => name.endsWith('.o')).length;
}

/** The symbols that the tree's hardware menus declare. */
export async function hardwareSymbols(tree: SourceTree): Promise<Set<string>> {
  const files = await Promise.all(HARDWARE_FOLDERS.map((folder) => kconfigFiles(join(tree.path, folder))));
  return declaredSymbols(await Promise.all(files.flat().map((file) => readFile(file, 'utf8'))));
}

async function kconfigFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile() && entry.name.startsWith('Kconfig'))
    .map((entry) => join(entry.parentPath, entry.name));
}

/**
 * Runs a build in the tree between two marks.
 *
 * make removes what it was writing when it is told to stop, but not when it is killed or the power goes: then a truncated
 * object with a fresh time stamp would pass for a finished one. Such leftovers are removed first.
 */
export async function buildingIn<T>(
  tree: SourceTree,
  progress: Progress,
  build: () => Promise<T>,
): Promise<T> {
  const mark = join(tree.path, BUILDING);
  if (existsSync(mark)) {
    const removed = await removeUnfinished(tree.path);
    progress(`the last build was cut off; going on from it (${removed} unfinished files removed)`);
  }
  await writeFile(mark, '');
  try {
    return await build();
  } finally {
    await rm(mark, { force: true });
  }
}

/**
 * kbuild writes `.name.cmd` when `name` is done, so a target newer than that is unfinished, and so is an object without
 * one. Other files without one are left alone: all objects depend on some of them and would be compiled again.
 *
 * @returns how many files were removed.
 */
export async function removeUnfinished(root: string): Promise<number> {
  const entries = await readdir(root, { withFileTypes: true, recursive: true });
  const targets = entries
    .filter((entry) => entry.isFile())
    .map((entry) => ({ folder: entry.parentPath, target: targetOf(entry.name) }))
    .flatMap(({ folder, target }) => (target === undefined ? [] : [join(folder, target)]));
  let removed = 0;
  for (const target of new Set(targets)) {
    if (!(await isUnfinished(target))) continue;
    await rm(target);
    removed += 1;
  }
  return removed;
}

/** The target that a file of the tree is, or is the note about. */
function targetOf(name: string): string | undefined {
  if (name.endsWith('.o')) return name;
  return /^\.(.+)\.cmd$/.exec(name)?.[1];
}

async function isUnfinished(target: string): Promise<boolean> {
  const command = join(dirname(target), `.${basename(target)}.cmd`);
  const [made, noted] = await Promise.all([modified(target), modified(command)]);
  return made !== undefined && (noted === undefined || noted < made);
}

async function modified(path: string): Promise<number | undefined> {
  try {
    const stats = await stat(path);
    return stats.isFile() ? stats.mtimeMs : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Holds the cache's lock while `work` runs, so that two builds never share the tree. The lock belongs to a child process
 * that ends when our end of its input closes: whatever becomes of us, the lock is let go.
 */
export async function withTreeLock<T>(cache: string, progress: Progress, work: () => Promise<T>): Promise<T> {
  await mkdir(cache, { recursive: true });
  const holder = spawn('flock', [join(cache, 'lock'), 'sh', '-c', 'echo held; exec cat'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const waiting = setTimeout(() => progress('waiting for another kernel build to end'), 2000);
  try {
    await new Promise<void>((resolve, reject) => {
      holder.stdout.once('data', () => resolve());
      holder.once('error', (error) =>
        reject(new BuildError(`flock cannot be started: ${error.message}; install util-linux`)),
      );
      holder.once('exit', (code) => reject(new BuildError(`flock ended with ${code} instead of waiting`)));
    });
    clearTimeout(waiting);
    return await work();
  } finally {
    clearTimeout(waiting);
    holder.stdin.destroy();
  }
}
