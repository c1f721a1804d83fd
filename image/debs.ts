import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Progress } from '../scripts/progress.ts';
import { findMirror, type Mirror, mirrorUrl, resolvePackages } from './debian.ts';
import { BuildError, run } from './exec.ts';
import { findInputs, wantedPackages } from './inputs.ts';
import { describeDrift, findDrift, type InputsLock, type LockedPackage } from './lock.ts';

const APT_HELPER = '/usr/lib/apt/apt-helper';
const DOWNLOADS_AT_ONCE = 12;

export interface Debs {
  readonly cacheDir: string;
  /** Fails instead of warning when anything differs from the lock. */
  readonly strict: boolean;
  readonly progress: Progress;
}

/**
 * Makes sure every locked package lies in the cache, by its hash, and says what has drifted. The network is used only when a
 * package is missing.
 *
 * @returns the lock that was followed: the given one, or — in development, when the mirror no longer has a locked package — the
 * same with the mirror's present packages.
 */
export async function ensureDebs(lock: InputsLock, options: Debs): Promise<InputsLock> {
  await mkdir(debsDirectory(options.cacheDir), { recursive: true });
  const missing = await missingDebs(lock, options.cacheDir);
  if (missing.length === 0) {
    report(await hostDrift(lock), options);
    return lock;
  }
  const megabytes = Math.round(missing.reduce((sum, deb) => sum + deb.size, 0) / 1e6);
  options.progress(`fetching ${missing.length} Debian packages (${megabytes} MB)`);
  const gone = await download(missing, options);
  if (gone.length === 0) {
    report(await hostDrift(lock), options);
    return lock;
  }
  return followMirror(lock, gone, options);
}

export function debPath(cacheDir: string, deb: LockedPackage): string {
  return join(debsDirectory(cacheDir), `${deb.sha256}.deb`);
}

async function followMirror(
  lock: InputsLock,
  gone: readonly LockedPackage[],
  options: Debs,
): Promise<InputsLock> {
  const resolved = await resolvePackages(wantedPackages());
  const found = await findInputs([...resolved.packages, ...resolved.buildPackages]);
  report(findDrift(lock, found).map(describeDrift), options);
  const names = gone.map((deb) => `${deb.name} ${deb.version}`).join(', ');
  options.progress(
    `warning: the mirror no longer has ${names}; this build takes the mirror's packages, not the lock's`,
  );
  const present: InputsLock = {
    ...lock,
    packages: [...resolved.packages],
    buildPackages: [...resolved.buildPackages],
  };
  const stillMissing = await download(await missingDebs(present, options.cacheDir), options);
  if (stillMissing.length > 0) {
    throw new BuildError(
      `these packages cannot be fetched: ${stillMissing.map((deb) => deb.pool).join(' ')}`,
    );
  }
  return present;
}

async function hostDrift(lock: InputsLock): Promise<string[]> {
  return findDrift(lock, await findInputs()).map(describeDrift);
}

function report(drift: readonly string[], { strict, progress }: Debs): void {
  if (drift.length === 0) return;
  if (strict) {
    throw new BuildError(
      `inputs differ from image/inputs.lock.json:\n  ${drift.join('\n  ')}\n\`npm run lock\` accepts what is there now`,
    );
  }
  for (const line of drift) progress(`drift: ${line}`);
}

function debsDirectory(cacheDir: string): string {
  return join(cacheDir, 'debs');
}

async function missingDebs(lock: InputsLock, cacheDir: string): Promise<LockedPackage[]> {
  return [...lock.packages, ...lock.buildPackages].filter((deb) => !existsSync(debPath(cacheDir, deb)));
}

/** @returns the packages the mirror did not give. */
async function download(
  debs: readonly LockedPackage[],
  { cacheDir, progress }: Debs,
): Promise<LockedPackage[]> {
  const mirror = await findMirror();
  const gone: LockedPackage[] = [];
  for (let done = 0; done < debs.length; done += DOWNLOADS_AT_ONCE) {
    const batch = debs.slice(done, done + DOWNLOADS_AT_ONCE);
    const results = await Promise.all(batch.map((deb) => downloadOne(deb, mirror, cacheDir)));
    gone.push(...batch.filter((_, index) => !results[index]));
    progress(`fetched ${Math.min(done + DOWNLOADS_AT_ONCE, debs.length)} of ${debs.length} packages`);
  }
  return gone;
}

/** apt's own downloader, because it knows the proxies apt on this host is told to use. */
async function downloadOne(deb: LockedPackage, mirror: Mirror, cacheDir: string): Promise<boolean> {
  const target = debPath(cacheDir, deb);
  const partial = `${target}.${process.pid}.part`;
  try {
    await run(
      APT_HELPER,
      ['-o', 'Acquire::Retries=3', 'download-file', mirrorUrl(mirror, deb), partial, `SHA256:${deb.sha256}`],
      {
        env: proxies(),
      },
    );
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    await rm(partial, { force: true });
    return false;
  }
  const digest = createHash('sha256')
    .update(await readFile(partial))
    .digest('hex');
  if (digest !== deb.sha256)
    throw new BuildError(`${deb.pool} has sha256 ${digest}, the lock says ${deb.sha256}`);
  await rename(partial, target);
  return true;
}

function proxies(): Record<string, string> {
  const names = ['http_proxy', 'https_proxy', 'no_proxy'];
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
