/** Configures and compiles in the source tree. Everything that is decided rather than done lies in the files beside it. */
import { createWriteStream } from 'node:fs';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Progress } from '../scripts/progress.ts';
import { BuildError, run } from './exec.ts';
import { judgeKernels, type KernelChecks } from './kernel-checks.ts';
import {
  formatConfig,
  KERNEL_NAMES,
  type KernelConfig,
  type KernelName,
  type PerKernel,
  parseConfig,
} from './kernel-config.ts';
import { buildMeter, duration } from './kernel-meter.ts';
import { COLD_OBJECTS, makeArguments } from './kernel-recipe.ts';
import { hardwareSymbols, objectsSoFar, type SourceTree } from './kernel-tree.ts';

export interface BuildRoom {
  readonly tree: SourceTree;
  /** Where wish lists and the log of make may be left. */
  readonly cache: string;
  readonly progress: Progress;
}

/** Final configurations, as text: they are shipped beside the kernels. */
export type ConfigTexts = PerKernel<string>;

/**
 * Lets kconfig turn both wish lists into configurations and judges them.
 *
 * @throws BuildError listing every wish not granted, driver that differs and check that does not hold.
 */
export async function configureKernels(
  room: BuildRoom,
  wanted: PerKernel<KernelConfig>,
  checks: KernelChecks,
): Promise<ConfigTexts> {
  const texts = {
    installer: await configure(room, 'installer', wanted.installer),
    runtime: await configure(room, 'runtime', wanted.runtime),
  };
  const problems = judgeKernels({
    wanted,
    final: { installer: parseConfig(texts.installer), runtime: parseConfig(texts.runtime) },
    hardware: await hardwareSymbols(room.tree),
    checks,
  });
  if (problems.length > 0) {
    throw new BuildError(
      `the kernel configuration does not hold in ${problems.length} points:\n- ${problems.join('\n- ')}`,
    );
  }
  return texts;
}

/** allnoconfig: what the wish list does not name is off unless something named selects it. */
async function configure(room: BuildRoom, kernel: KernelName, wanted: KernelConfig): Promise<string> {
  const wishes = join(room.cache, `wanted-${kernel}.config`);
  await writeFile(wishes, formatConfig(wanted));
  await make(room.tree, [`KCONFIG_ALLCONFIG=${wishes}`, 'allnoconfig']);
  return readFile(join(room.tree.path, '.config'), 'utf8');
}

/**
 * Compiles both kernels one after the other; the second costs only what differs.
 *
 * @returns the kernel's release, as `uname -r` will say it.
 */
export async function compileKernels(room: BuildRoom, configs: ConfigTexts, into: string): Promise<string> {
  for (const kernel of KERNEL_NAMES) {
    await compile(room, kernel, configs[kernel]);
    await copyFile(join(room.tree.path, 'arch', 'x86', 'boot', 'bzImage'), join(into, `vmlinuz-${kernel}`));
    await writeFile(join(into, `config-${kernel}`), configs[kernel]);
  }
  return (await readFile(join(room.tree.path, 'include', 'config', 'kernel.release'), 'utf8')).trim();
}

async function compile(room: BuildRoom, kernel: KernelName, config: string): Promise<void> {
  const { tree, cache, progress } = room;
  const dotConfig = join(tree.path, '.config');
  const start = performance.now();
  const already = await objectsSoFar(tree);
  const meter = buildMeter({
    name: kernel,
    expected: already === undefined ? undefined : COLD_OBJECTS,
    already: already ?? 0,
    now: () => performance.now(),
    progress,
  });
  const logFile = join(cache, `build-${kernel}.log`);
  const log = createWriteStream(logFile);
  progress(`${kernel}: compiling on ${availableParallelism()} processors`);
  await writeFile(dotConfig, config);
  try {
    await make(tree, [`-j${availableParallelism()}`, 'bzImage'], (line) => {
      log.write(`${line}\n`);
      meter.line(line);
    });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new BuildError(
      `the ${kernel} kernel does not compile; all of make's output is in ${logFile}\n${why}`,
      {
        cause: error,
      },
    );
  } finally {
    log.end();
  }
  if ((await readFile(dotConfig, 'utf8')) !== config) {
    throw new BuildError(`make changed the ${kernel} kernel's configuration after it was judged`);
  }
  progress(`${kernel}: done, ${meter.compiled()} objects compiled in ${duration(performance.now() - start)}`);
}

function make(tree: SourceTree, args: readonly string[], onLine?: (line: string) => void): Promise<Buffer> {
  return run('nice', ['make', ...makeArguments(tree.path, tree.date), ...args], {
    cwd: tree.path,
    ...(onLine === undefined ? {} : { onLine }),
  });
}
