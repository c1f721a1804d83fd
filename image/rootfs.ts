import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { DATABASE_ACCOUNT, writeAccounts } from './accounts.ts';
import { BuildError } from './exec.ts';
import { REMOVED_PACKAGES, REMOVED_PATHS, SET_ID_PROGRAMS } from './packages.ts';
import { readTar } from './tar.ts';
import { directory, file, link, put, type Tree } from './tree.ts';
import { clearSetId, missingLibraries, removeOrphans, removePackages, removePaths } from './trim.ts';
import { ENABLED_UNITS_DIRECTORY, enableUnits } from './units.ts';

/** The files laid over Debian's; their modes are in {@link MODES}, because git keeps only the executable bit. */
const OVERLAY = join(import.meta.dirname, 'rootfs');

const MODES: Readonly<Record<string, number>> = { 'etc/sudoers.d/appliance': 0o440 };

const BINARY_PATH = 'usr/lib/truthdb/truthdb';

export interface RootOptions {
  /** Archive of the installed packages. */
  readonly baseTar: string;
  /** The TruthDB executable. */
  readonly binary: Buffer;
  readonly version: string;
}

/** The tree of the root image: Debian's packages without what nobody needs, our files, the binary. */
export async function composeRoot(options: RootOptions): Promise<Tree> {
  const tree = readTar(await readFile(options.baseTar));
  removePackages(tree, REMOVED_PACKAGES);
  writeAccounts(tree);
  removePaths(tree, REMOVED_PATHS);
  await layOver(tree);
  placeBinary(tree, options.binary);
  makeMountPoints(tree);
  writeIdentity(tree, options.version);
  enableUnits(tree);
  clearSetId(tree, SET_ID_PROGRAMS);
  removeOrphans(tree);
  const missing = missingLibraries(tree);
  if (missing.length > 0) {
    throw new BuildError(
      `the image lacks libraries; keep the package that brings them (image/packages.ts):\n  ${missing.join('\n  ')}`,
    );
  }
  return tree;
}

async function layOver(tree: Tree): Promise<void> {
  const entries = await readdir(OVERLAY, { recursive: true, withFileTypes: true });
  for (const entry of entries.filter((candidate) => candidate.isFile())) {
    const path = join(entry.parentPath, entry.name);
    const name = relative(OVERLAY, path);
    const data = await readFile(path);
    const isScript = data[0] === 0x23 && data[1] === 0x21;
    put(tree, name, file(data, MODES[name] ?? (isScript ? 0o755 : 0o644)));
  }
}

/** One executable under three names; the name it is started under picks the program. */
function placeBinary(tree: Tree, binary: Buffer): void {
  put(tree, BINARY_PATH, file(binary, 0o755));
  for (const name of ['truthdb', 'truthdb-installer', 'truthdb-appliance']) {
    put(tree, `usr/bin/${name}`, link('../lib/truthdb/truthdb'));
  }
}

function makeMountPoints(tree: Tree): void {
  for (const path of ['dev', 'proc', 'sys', 'run', 'var', 'efi', 'state', 'mnt'])
    put(tree, path, directory());
  put(tree, 'tmp', directory(0o1777));
  put(tree, 'root', directory(0o700));
  put(tree, ENABLED_UNITS_DIRECTORY, directory());
}

function writeIdentity(tree: Tree, version: string): void {
  // Empty and not absent: the initramfs mounts the machine's own file over it.
  put(tree, 'etc/machine-id', file('', 0o444));
  put(tree, 'etc/resolv.conf', link('../run/systemd/resolve/stub-resolv.conf'));
  put(tree, 'etc/hostname', link('../run/appliance/hostname'));
  put(tree, 'usr/lib/os-release', file(osRelease(version)));
  put(tree, 'etc/os-release', link('../usr/lib/os-release'));
  // systemd starts the clock no earlier than this file says (systemd(1), clock-epoch).
  put(tree, 'usr/lib/clock-epoch', file(''));
  put(tree, 'var/lib', directory());
}

/** os-release(5). ID_LIKE names where the packages come from. */
export function osRelease(version: string): string {
  return [
    'NAME="TruthDB"',
    'ID=truthdb',
    'ID_LIKE=debian',
    `VERSION_ID=${version}`,
    `IMAGE_ID=truthdb`,
    `IMAGE_VERSION=${version}`,
    `PRETTY_NAME="TruthDB ${version}"`,
    `DEFAULT_HOSTNAME=${DATABASE_ACCOUNT.name}`,
    '',
  ].join('\n');
}
