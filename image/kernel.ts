/**
 * The two kernels, from Debian's source package and the fragments in kernel-config/. They share one source tree, their
 * hardening and every driver; docs/kernel.md says how and why. Fragments and source tarball come in; `vmlinuz-*` and
 * `config-*` go out to dist/. Stands on the build room's own tools and touches nothing else of the image.
 *
 * `node image/kernel.ts` builds into dist/; `node image/kernel.ts --check` only configures and judges (seconds).
 */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type Progress, printProgress } from '../scripts/progress.ts';
import { BuildError, run } from './exec.ts';
import { type BuildRoom, compileKernels, configureKernels } from './kernel-build.ts';
import { type KernelChecks, parseChecks } from './kernel-checks.ts';
import {
  KERNEL_NAMES,
  type KernelConfig,
  type KernelName,
  mergeFragments,
  optionsOn,
  type PerKernel,
  parseConfig,
} from './kernel-config.ts';
import { cacheKey } from './kernel-recipe.ts';
import { buildingIn, prepareTree, withTreeLock } from './kernel-tree.ts';

/** Debian packages that the build host needs for this step. */
export const hostPackages = [
  'bc',
  'binutils',
  'bison',
  'flex',
  'gcc',
  'libc6-dev',
  'libelf-dev',
  'linux-source-6.12',
  'make',
  'xz-utils',
  'zstd',
];

export interface BuildKernelsOptions {
  /** Absolute path of dist/. */
  readonly dist: string;
  /** The project's cache folder; this step keeps to `kernel/` in it. */
  readonly cacheDir: string;
  /** Debian's linux-source tarball. */
  readonly sourceTarball: string;
  readonly progress: Progress;
  /** Seconds since 1970, for the time stamps of the files in dist/. The kernels do not contain it: see the recipe. */
  readonly sourceDateEpoch: number;
}

export interface BuiltKernels extends PerKernel<string> {
  /** As `uname -r` says it. */
  readonly version: string;
}

const CONFIG_FOLDER = resolve(import.meta.dirname, '..', 'kernel-config');
const CHECKS = 'checks.json';
const SHARED_FRAGMENTS = ['hardware.config', 'system.config', 'hardening.config'];
const DEFAULT_TARBALL = '/usr/src/linux-source-6.12.tar.xz';
const FILES = KERNEL_NAMES.flatMap((kernel) => [`vmlinuz-${kernel}`, `config-${kernel}`]);
/** Written last into a cache folder; says what a whole one holds. */
const RESULT = 'kernels.json';
/** Finished builds that the cache keeps, 20 MB each: switching between branches stays free. */
const RESULTS_KEPT = 6;

interface Result {
  readonly version: string;
  /** SHA-256 by file name, hex. */
  readonly hashes: Readonly<Record<string, string>>;
}

/** What kernel-config/ asks for. */
interface Wishes {
  readonly files: ReadonlyMap<string, string>;
  readonly wanted: PerKernel<KernelConfig>;
  readonly checks: KernelChecks;
}

/**
 * Puts both kernels and their configurations into dist/, from the cache when the inputs are known there.
 *
 * @returns paths of the two kernels, and their release.
 * @throws BuildError when an option asked for is not granted, a driver differs between the two, a check does not hold, or
 *   the compiler fails.
 */
export async function buildKernels(options: BuildKernelsOptions): Promise<BuiltKernels> {
  const { cacheDir, sourceTarball, progress } = options;
  const cache = join(cacheDir, 'kernel');
  const wishes = await readWishes();
  const sourceHash = await hashOfTarball(sourceTarball);
  const finished = join(cache, cacheKey({ files: wishes.files, sourceHash, tools: await toolVersions() }));
  const result =
    (await readResult(finished)) ??
    (await withTreeLock(
      cache,
      progress,
      async () =>
        // Whoever held the lock may have built just this.
        (await readResult(finished)) ??
        (await build({ cache, sourceTarball, sourceHash, progress }, wishes, finished)),
    ));
  return deliver(finished, result, options);
}

async function readWishes(): Promise<Wishes> {
  const names = (await readdir(CONFIG_FOLDER)).filter((name) => name.endsWith('.config') || name === CHECKS);
  const files = new Map<string, string>();
  for (const name of names) files.set(name, await readFile(join(CONFIG_FOLDER, name), 'utf8'));
  return {
    files,
    wanted: { installer: wantedBy('installer', files), runtime: wantedBy('runtime', files) },
    checks: parseChecks(textOf(files, CHECKS)),
  };
}

function wantedBy(kernel: KernelName, files: ReadonlyMap<string, string>): KernelConfig {
  return mergeFragments(
    [...SHARED_FRAGMENTS, `${kernel}.config`].map((file) => ({
      file: `kernel-config/${file}`,
      text: textOf(files, file),
    })),
  );
}

function textOf(files: ReadonlyMap<string, string>, name: string): string {
  const text = files.get(name);
  if (text === undefined) throw new BuildError(`${join(CONFIG_FOLDER, name)} is missing`);
  return text;
}

async function hashOfTarball(tarball: string): Promise<string> {
  if (!existsSync(tarball)) {
    throw new BuildError(`${tarball} is missing; install it with: apt-get install linux-source-6.12`);
  }
  return hashOfFile(tarball);
}

async function hashOfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
}

/** Compiler, linker and compressor: their output is in the kernels. */
async function toolVersions(): Promise<string[]> {
  const outputs = await Promise.all(['gcc', 'ld', 'zstd'].map((tool) => run(tool, ['--version'])));
  return outputs.map((output) => output.toString().split('\n')[0] ?? '');
}

/** The finished build in a cache folder; undefined when there is none, or when its files are not what they were. */
async function readResult(folder: string): Promise<Result | undefined> {
  if (!existsSync(join(folder, RESULT))) return undefined;
  const result: Result = JSON.parse(await readFile(join(folder, RESULT), 'utf8'));
  for (const name of FILES) {
    const path = join(folder, name);
    if (!existsSync(path) || (await hashOfFile(path)) !== result.hashes[name]) return undefined;
  }
  return result;
}

interface BuildContext {
  readonly cache: string;
  readonly sourceTarball: string;
  readonly sourceHash: string;
  readonly progress: Progress;
}

async function build(context: BuildContext, wishes: Wishes, finished: string): Promise<Result> {
  const { cache, progress } = context;
  const tree = await prepareTree(cache, context.sourceTarball, context.sourceHash, progress);
  return buildingIn(tree, progress, async () => {
    const room = { tree, cache, progress };
    const configs = await configureAndSay(room, wishes);
    const partial = `${finished}.partial`;
    await rm(partial, { recursive: true, force: true });
    await mkdir(partial, { recursive: true });
    const version = await compileKernels(room, configs, partial);
    const result = { version, hashes: await hashesIn(partial) };
    await writeFile(join(partial, RESULT), `${JSON.stringify(result, null, 2)}\n`);
    await rm(finished, { recursive: true, force: true });
    await rename(partial, finished);
    await removeOldResults(cache);
    return result;
  });
}

async function configureAndSay(room: BuildRoom, { wanted, checks }: Wishes): Promise<PerKernel<string>> {
  room.progress('configuring both kernels');
  const configs = await configureKernels(room, wanted, checks);
  const counts = KERNEL_NAMES.map((kernel) => `${kernel} ${optionsOn(parseConfig(configs[kernel]))} options`);
  room.progress(
    `${counts.join(', ')}; every wish granted, no driver differs, ${checks.checks.length} checks hold with ${checks.exceptions.length} exceptions`,
  );
  return configs;
}

async function removeOldResults(cache: string): Promise<void> {
  const keys = (await readdir(cache)).filter((name) => existsSync(join(cache, name, RESULT)));
  const made = await Promise.all(keys.map(async (key) => (await stat(join(cache, key))).mtimeMs));
  const oldestFirst = keys
    .map((key, index) => ({ key, at: made[index] ?? 0 }))
    .sort((a, b) => a.at - b.at)
    .slice(0, -RESULTS_KEPT);
  for (const { key } of oldestFirst) await rm(join(cache, key), { recursive: true });
}

async function hashesIn(folder: string): Promise<Record<string, string>> {
  const hashes = await Promise.all(FILES.map(async (name) => [name, await hashOfFile(join(folder, name))]));
  return Object.fromEntries(hashes);
}

/** Copies and renames, so that dist/ never holds half a kernel. */
async function deliver(
  finished: string,
  { version }: Result,
  { dist, sourceDateEpoch, progress }: BuildKernelsOptions,
): Promise<BuiltKernels> {
  await mkdir(dist, { recursive: true });
  for (const name of FILES) {
    const target = join(dist, name);
    await copyFile(join(finished, name), `${target}.tmp`);
    await utimes(`${target}.tmp`, sourceDateEpoch, sourceDateEpoch);
    await rename(`${target}.tmp`, target);
  }
  progress(`Linux ${version}: vmlinuz-installer and vmlinuz-runtime are in ${dist}`);
  return { installer: join(dist, 'vmlinuz-installer'), runtime: join(dist, 'vmlinuz-runtime'), version };
}

async function checkOnly(cacheDir: string, progress: Progress): Promise<void> {
  const cache = join(cacheDir, 'kernel');
  const wishes = await readWishes();
  const sourceHash = await hashOfTarball(DEFAULT_TARBALL);
  await withTreeLock(cache, progress, async () => {
    const tree = await prepareTree(cache, DEFAULT_TARBALL, sourceHash, progress);
    await configureAndSay({ tree, cache, progress }, wishes);
  });
}

async function commitTime(root: string): Promise<string> {
  return (await run('git', ['-C', root, 'log', '-1', '--format=%ct'])).toString();
}

async function main(args: readonly string[]): Promise<number> {
  const progress = printProgress('kernels');
  const cacheDir = join(homedir(), '.cache', 'truthdb');
  const root = resolve(import.meta.dirname, '..');
  const { SOURCE_DATE_EPOCH: epoch } = process.env;
  try {
    if (args.includes('--check')) {
      await checkOnly(cacheDir, progress);
    } else {
      await buildKernels({
        dist: join(root, 'dist'),
        cacheDir,
        sourceTarball: DEFAULT_TARBALL,
        progress,
        sourceDateEpoch: Number(epoch ?? (await commitTime(root))),
      });
    }
    return 0;
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 1;
  }
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
