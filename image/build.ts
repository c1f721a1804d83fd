/**
 * The room where TruthDB becomes a machine: from Debian packages, two kernels and one binary to a medium that boots.
 *
 * Data come in from image/inputs.lock.json, dist/truthdb and dist/vmlinuz-*, and go out as the fixed names in dist/. Everything
 * between is values (trees, archives, tables) worked on by small pure files; this file and the few it calls with a cache are the
 * only ones that start programs. Each phase keys its result by the content that went in, so a build without changes takes
 * seconds and a build of the same inputs gives the same bytes.
 *
 * The room may import installer/ (the disk's partitions and the settings' schema are shared) and nothing of db/.
 */
import { constants, existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { type Progress, printProgress } from '../scripts/progress.ts';
import { buildBase } from './base.ts';
import type { LayerCache } from './cache.ts';
import { installerCommandLine, runtimeCommandLine } from './command-line.ts';
import { debPath, ensureDebs } from './debs.ts';
import { BuildError, run } from './exec.ts';
import { installerInitrd, runtimeInitrd } from './initrd.ts';
import { readLock } from './inputs.ts';
import { buildIso } from './iso.ts';
import type { InputsLock } from './lock.ts';
import { describeFile, formatManifest, payloadIndex } from './manifest.ts';
import { composeRoot, osRelease } from './rootfs.ts';
import { drawSplash } from './splash.ts';
import { buildRootImage, type RootImage } from './squashfs.ts';
import { readTar } from './tar.ts';
import { buildUki } from './uki.ts';

export interface ImageOptions {
  readonly dist: string;
  /** Root of all caches, `~/.cache/truthdb`. */
  readonly cacheDir: string;
  readonly version: string;
  readonly commit: string;
  /** Seconds since 1970: date of the commit, stamped on the media and in the manifest. */
  readonly sourceDateEpoch: number;
  readonly progress: Progress;
  /** A release follows the lock or fails; a development build warns. */
  readonly strict?: boolean;
}

/** Everything of dist/ that is not the binary or a kernel. Those must lie there already. */
export async function buildImage(options: ImageOptions): Promise<void> {
  const umask = process.umask(0o022);
  try {
    await build(options);
  } finally {
    process.umask(umask);
  }
}

async function build(options: ImageOptions): Promise<void> {
  const { dist, cacheDir, version, progress } = options;
  const inputs = await readInputs(dist);
  const cache: LayerCache = { directory: join(cacheDir, 'image') };
  const lock = await ensureDebs(await readLock(), { cacheDir, strict: options.strict ?? false, progress });
  const baseTar = await buildBase(lock, { cache, cacheDir, progress });
  const tree = await composeRoot({ baseTar, binary: inputs.binary, version });
  const root = await buildRootImage(tree, { cache, epoch: lock.epoch, progress });
  const efi = await efiPrograms(lock, cacheDir);

  progress('building the kernel images');
  const common = { stub: efi.stub, osRelease: osRelease(version), splash: drawSplash() };
  const runtimeUki = await buildUki(cache, 'runtime', {
    ...common,
    commandLine: runtimeCommandLine({ rootHash: root.rootHash, version }),
    initrd: [await runtimeInitrd(tree)],
    kernel: inputs.runtimeKernel,
  });
  const payload = await collectPayload(root, runtimeUki, efi.bootLoader, version);
  const initrd = await installerInitrd(tree, payload);
  await copyRootFiles(root, dist, version);
  await place(runtimeUki, join(dist, `truthdb_${version}.efi`));
  for (const mode of ['interactive', 'unattended'] as const) {
    const suffix = mode === 'unattended' ? '-unattended' : '';
    const uki = await buildUki(cache, `installer${suffix}`, {
      ...common,
      commandLine: installerCommandLine(mode, version),
      initrd,
      kernel: inputs.installerKernel,
    });
    progress(`building the medium truthdb-${version}${suffix}.iso`);
    const key = dirname(uki);
    const iso = await buildIso({
      cache,
      uki: { path: uki, key },
      name: mode,
      epoch: options.sourceDateEpoch,
    });
    await place(iso, join(dist, `truthdb-${version}${suffix}.iso`));
  }
  await writeManifest(options);
}

interface Inputs {
  readonly binary: Buffer;
  readonly installerKernel: Buffer;
  readonly runtimeKernel: Buffer;
}

async function readInputs(dist: string): Promise<Inputs> {
  const need = async (name: string, maker: string) => {
    const path = join(dist, name);
    if (!existsSync(path)) throw new BuildError(`${path} is missing; \`npm run build -- ${maker}\` makes it`);
    return readFile(path);
  };
  return {
    binary: await need('truthdb', 'binary'),
    installerKernel: await need('vmlinuz-installer', 'kernels'),
    runtimeKernel: await need('vmlinuz-runtime', 'kernels'),
  };
}

/** systemd's EFI programs, out of the locked package and not of whatever this host has installed. */
async function efiPrograms(
  lock: InputsLock,
  cacheDir: string,
): Promise<{ stub: Buffer; bootLoader: Buffer }> {
  const deb = lock.buildPackages.find((entry) => entry.name === 'systemd-boot-efi');
  if (deb === undefined) throw new BuildError('the lock has no systemd-boot-efi; run `npm run lock`');
  const tree = readTar(await run('dpkg-deb', ['--fsys-tarfile', debPath(cacheDir, deb)]));
  const take = (path: string) => {
    const entry = tree.get(path);
    if (entry?.type !== 'file') throw new BuildError(`systemd-boot-efi ${deb.version} has no ${path}`);
    return entry.data;
  };
  return {
    stub: take('usr/lib/systemd/boot/efi/linuxx64.efi.stub'),
    bootLoader: take('usr/lib/systemd/boot/efi/systemd-bootx64.efi'),
  };
}

async function collectPayload(
  root: RootImage,
  runtimeUki: string,
  bootLoader: Buffer,
  version: string,
): Promise<Map<string, Buffer>> {
  const payload = new Map<string, Buffer>([
    ['root.squashfs', await readFile(join(root.directory, 'root.squashfs'))],
    ['root.verity', await readFile(join(root.directory, 'root.verity'))],
    [`truthdb_${version}.efi`, await readFile(runtimeUki)],
    ['systemd-bootx64.efi', bootLoader],
  ]);
  const index = payloadIndex(version, root.rootHash, payload);
  return payload.set('payload.json', Buffer.from(`${JSON.stringify(index, undefined, 2)}\n`));
}

async function copyRootFiles(root: RootImage, dist: string, version: string): Promise<void> {
  for (const name of ['root.squashfs', 'root.verity'])
    await place(join(root.directory, name), join(dist, name));
  const { rootHash, dataBytes, hashBytes } = root;
  const facts = { version, rootHash, dataBytes, hashBytes };
  await writeFile(join(dist, 'root.json'), `${JSON.stringify(facts, undefined, 2)}\n`);
}

/** Appears whole or not at all; shares blocks with the cache where the file system can. */
async function place(source: string, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  const partial = `${target}.part`;
  await copyFile(source, partial, constants.COPYFILE_FICLONE);
  await rename(partial, target);
}

async function writeManifest({
  dist,
  version,
  commit,
  sourceDateEpoch,
  progress,
}: ImageOptions): Promise<void> {
  const iso = `truthdb-${version}.iso`;
  const names = [
    'truthdb',
    'vmlinuz-installer',
    'vmlinuz-runtime',
    'root.squashfs',
    'root.verity',
    'root.json',
    `truthdb_${version}.efi`,
    iso,
    `truthdb-${version}-unattended.iso`,
  ];
  const files = [];
  for (const name of names) files.push(describeFile(name, await readFile(join(dist, name))));
  await writeFile(join(dist, 'manifest.json'), formatManifest({ version, commit, sourceDateEpoch, files }));
  const megabytes = ((await stat(join(dist, iso))).size / 1e6).toFixed(1);
  progress(`done: ${iso} has ${megabytes} MB`);
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === import.meta.filename) {
  const { packageVersion, buildCommit, sourceDateEpoch, repositoryRoot } = await import(
    '../scripts/version.ts'
  );
  await buildImage({
    dist: join(repositoryRoot, 'dist'),
    cacheDir: join(homedir(), '.cache', 'truthdb'),
    version: packageVersion(),
    commit: buildCommit(),
    sourceDateEpoch: sourceDateEpoch(),
    progress: printProgress('image'),
  });
}
