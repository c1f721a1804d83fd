import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, copyFile, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Progress } from '../scripts/progress.ts';
import { contentKey, type LayerCache, layer } from './cache.ts';
import { debPath } from './debs.ts';
import { BuildError, run } from './exec.ts';
import type { InputsLock, LockedPackage } from './lock.ts';

/** Raise when this file makes another archive from the same packages. */
const RECIPE = 1;

/** Makes /bin, /lib and /sbin links into /usr before anything is unpacked. */
const MERGED_USR_HOOK = '/usr/share/mmdebstrap/hooks/merged-usr/setup00.sh';

export interface BaseOptions {
  readonly cache: LayerCache;
  readonly cacheDir: string;
  readonly progress: Progress;
}

/**
 * The locked packages, installed by mmdebstrap into an archive: still with everything Debian puts there.
 *
 * @returns path of the tar file.
 */
export async function buildBase(lock: InputsLock, options: BaseOptions): Promise<string> {
  const key = contentKey({
    recipe: String(RECIPE),
    epoch: String(lock.epoch),
    packages: lock.packages.map((entry) => entry.sha256).join('\n'),
  });
  const place = await layer(options.cache, 'base', key, async (directory) => {
    options.progress(`installing ${lock.packages.length} packages with mmdebstrap (about a minute)`);
    // Not in the cache: without root, mmdebstrap reads it as another user, to whom a home directory may be closed.
    const repository = await mkdtemp(join(tmpdir(), 'truthdb-packages-'));
    try {
      await makeRepository(lock.packages, repository, options.cacheDir);
      await mmdebstrap(lock, repository, join(directory, 'base.tar'), options.progress);
    } finally {
      await rm(repository, { recursive: true, force: true });
    }
  });
  return join(place, 'base.tar');
}

/** A flat apt repository of exactly the locked packages: apt can choose nothing else. */
async function makeRepository(
  packages: readonly LockedPackage[],
  repository: string,
  cacheDir: string,
): Promise<void> {
  await chmod(repository, 0o755);
  const stanzas: string[] = [];
  for (const entry of packages) {
    const name = `${entry.sha256}.deb`;
    await copyFile(debPath(cacheDir, entry), join(repository, name), constants.COPYFILE_FICLONE);
    await chmod(join(repository, name), 0o644);
    const control = (await run('dpkg-deb', ['--field', join(repository, name)])).toString().trimEnd();
    stanzas.push(`${control}\nFilename: ./${name}\nSize: ${entry.size}\nSHA256: ${entry.sha256}\n`);
  }
  const index = stanzas.join('\n');
  await writeFile(join(repository, 'Packages'), index);
  await writeFile(join(repository, 'Release'), releaseFile(index));
}

/** mmdebstrap picks the Essential packages of the archive called bookworm, so the repository says that it is one. */
function releaseFile(index: string): string {
  const digest = createHash('sha256').update(index).digest('hex');
  return `Suite: bookworm\nCodename: bookworm\nArchitectures: amd64\nSHA256:\n ${digest} ${Buffer.byteLength(index)} Packages\n`;
}

async function mmdebstrap(
  lock: InputsLock,
  repository: string,
  target: string,
  progress: Progress,
): Promise<void> {
  const isRoot = process.getuid?.() === 0;
  let seen = 0;
  await run(
    'mmdebstrap',
    [
      `--mode=${isRoot ? 'root' : 'unshare'}`,
      '--variant=essential',
      '--format=tar',
      `--include=${lock.packages.map((entry) => entry.name).join(',')}`,
      `--setup-hook=${MERGED_USR_HOOK} "$1"`,
      'bookworm',
      target,
      `deb [trusted=yes] copy:${repository} ./`,
    ],
    {
      epoch: lock.epoch,
      onLine: (line) => {
        // One line for every fortieth package: a sign of life that does not drown the rest.
        if (line.startsWith('Setting up ') && ++seen % 40 === 0) progress(`configured ${seen} packages`);
      },
    },
  );
  if ((await stat(target)).size === 0) throw new BuildError(`mmdebstrap left ${target} empty`);
}
