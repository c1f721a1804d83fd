import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { constants as zlibConstants, zstdCompressSync } from 'node:zlib';
import {
  DATA_TYPE_GUID,
  ESP_TYPE_GUID,
  ROOT_TYPE_GUID,
  STATE_TYPE_GUID,
  VERITY_TYPE_GUID,
} from '../installer/partition-types.ts';
import { writeCpio } from './cpio.ts';
import { elfNeeds, isElf } from './elf.ts';
import { BuildError } from './exec.ts';
import { directory, file, link, put, resolvePath, type Tree } from './tree.ts';
import { findLibrary } from './trim.ts';
import { ENABLED_UNITS_DIRECTORY } from './units.ts';

/**
 * The two initramfs archives. Their programs are taken from the root image's tree with whatever libraries those need; their
 * scripts lie in image/initrd, and every constant the scripts use is rendered here from the tables the rest of the code uses.
 */

const SCRIPTS = join(import.meta.dirname, 'initrd');

/** Busybox provides the shell and these; each is a link. */
const APPLETS = [
  'cat',
  'chmod',
  'chroot',
  'grep',
  'ln',
  'mkdir',
  'mount',
  'mv',
  'printf',
  'reboot',
  'rm',
  'sed',
  'sh',
  'sleep',
  'switch_root',
  'sync',
  'tail',
  'tr',
  'umount',
];

/** Programs of the runtime initramfs beside busybox. */
const RUNTIME_PROGRAMS = ['usr/bin/partx', 'usr/sbin/e2fsck', 'usr/sbin/veritysetup'];

const LIBRARY_FOLDER = 'usr/lib/x86_64-linux-gnu';
const LOADER = 'lib64/ld-linux-x86-64.so.2';

/** Shell variables of both initramfs; values are plain words. */
export function initConstants(): Readonly<Record<string, string>> {
  return {
    ESP_TYPE: ESP_TYPE_GUID.toLowerCase(),
    ROOT_TYPE: ROOT_TYPE_GUID.toLowerCase(),
    VERITY_TYPE: VERITY_TYPE_GUID.toLowerCase(),
    STATE_TYPE: STATE_TYPE_GUID.toLowerCase(),
    DATA_TYPE: DATA_TYPE_GUID.toLowerCase(),
    ENABLED_UNITS_DIRECTORY,
    // Large SAS and Fibre Channel controllers take their time.
    DISK_WAIT_TENTHS: '600',
    // Only where the firmware does not name the disk: no new disk for this long means all have come.
    SETTLE_TENTHS: '30',
    STOP_SECONDS: '120',
  };
}

export function renderConstants(constants: Readonly<Record<string, string>>): string {
  return Object.entries(constants)
    .map(([name, value]) => {
      if (!/^[A-Z_]+$/.test(name) || !/^[A-Za-z0-9./_-]+$/.test(value)) {
        throw new RangeError(`"${name}=${value}" is not a plain shell assignment`);
      }
      return `${name}=${value}\n`;
    })
    .join('');
}

/** The initramfs of the installed system, as a compressed archive. */
export async function runtimeInitrd(root: Tree): Promise<Buffer> {
  const tree = await commonTree(root, ['constants.sh', 'console.sh', 'boot-disk.sh'], 'init-runtime.sh');
  for (const program of RUNTIME_PROGRAMS) addProgram(tree, root, program);
  return compress(tree);
}

/**
 * The initramfs of the medium: an archive of the payload, uncompressed because its parts are compressed already, and unpacked by
 * the kernel with a plain copy.
 */
export async function installerInitrd(root: Tree, payload: ReadonlyMap<string, Buffer>): Promise<Buffer[]> {
  const tree = await commonTree(root, ['constants.sh', 'console.sh'], 'init-installer.sh');
  for (const path of ['lower', 'upper']) put(tree, path, directory());
  for (const [name, data] of payload) put(tree, `payload/${name}`, file(data, 0o444));
  return [...writeCpio(tree)];
}

async function commonTree(root: Tree, libraries: readonly string[], init: string): Promise<Tree> {
  const tree: Tree = new Map();
  for (const path of ['dev', 'proc', 'sys', 'run', 'sysroot', 'tmp']) put(tree, path, directory());
  put(tree, 'etc/mtab', link('/proc/self/mounts'));
  put(tree, 'bin/busybox', program(root, 'usr/bin/busybox'));
  for (const applet of APPLETS) put(tree, `bin/${applet}`, link('busybox'));
  for (const name of libraries) {
    const text =
      name === 'constants.sh'
        ? renderConstants(initConstants())
        : await readFile(join(SCRIPTS, name), 'utf8');
    put(tree, `lib/${name}`, file(text));
  }
  put(tree, 'init', file(await readFile(join(SCRIPTS, init)), 0o755));
  return tree;
}

/** Copies a program and, transitively, the libraries it is linked with. */
function addProgram(tree: Tree, root: Tree, path: string): void {
  put(tree, `bin/${path.split('/').at(-1)}`, program(root, path));
  put(tree, LOADER, program(root, `usr/${LOADER}`));
  const pending = [path];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const entry = root.get(next);
    if (entry?.type !== 'file' || !isElf(entry.data)) continue;
    for (const library of elfNeeds(entry.data).libraries) {
      const target = `${LIBRARY_FOLDER}/${library}`;
      const source = findLibrary(root, next, library);
      if (source === undefined) throw new BuildError(`${next} needs ${library}, which the image lacks`);
      if (tree.has(target)) continue;
      put(tree, target, program(root, source));
      pending.push(source);
    }
  }
}

function program(root: Tree, path: string) {
  const entry = root.get(resolvePath(root, path) ?? path);
  if (entry?.type !== 'file') throw new BuildError(`the image has no ${path}`);
  return file(entry.data, 0o755);
}

function compress(tree: Tree): Buffer {
  return zstdCompressSync(Buffer.concat([...writeCpio(tree)]), {
    params: { [zlibConstants.ZSTD_c_compressionLevel]: 19, [zlibConstants.ZSTD_c_checksumFlag]: 1 },
  });
}
