/**
 * `npm run build [-- binary|kernels|image]`: everything in dist/ from source, each part only when its inputs changed.
 * The image stands on the other two.
 */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { buildImage } from '../image/build.ts';
import { buildKernels } from '../image/kernel.ts';
import { imagePreflight } from '../image/preflight.ts';
import { buildClient } from './build-client.ts';
import { buildBinary } from './build-db.ts';
import { buildEmbedded } from './build-embedded.ts';
import { type Progress, printProgress } from './progress.ts';
import { runScript } from './run.ts';
import { buildCommit, packageVersion, repositoryRoot, sourceDateEpoch } from './version.ts';

export const cacheRoot = join(homedir(), '.cache', 'truthdb');

const SOURCE_TARBALL = '/usr/src/linux-source-6.12.tar.xz';

export interface BuildOptions {
  readonly dist: string;
  readonly cacheDir: string;
  readonly progress: (name: string) => Progress;
  /** A release follows the lock or fails; a development build warns of what drifted. */
  readonly strict?: boolean;
}

export async function buildAll(options: BuildOptions): Promise<void> {
  refuseUnfitHost();
  await buildClient({ dist: options.dist, progress: options.progress('client') });
  await buildEmbedded({ dist: options.dist, progress: options.progress('embedded') });
  await buildBinary({ dist: options.dist, progress: options.progress('binary') });
  await kernels(options);
  await image(options);
}

/** Before minutes of work: what is missing on this host, all of it at once. */
function refuseUnfitHost(): void {
  const unmet = imagePreflight().filter(({ met }) => !met);
  if (unmet.length === 0) return;
  const lines = unmet.map(({ need, remedy }) => `  - needed: ${need}\n    way out: ${remedy}`);
  throw new Error(`the image cannot be built on this host:\n${lines.join('\n')}`);
}

async function kernels({ dist, cacheDir, progress }: BuildOptions): Promise<void> {
  await buildKernels({
    dist,
    cacheDir,
    sourceTarball: SOURCE_TARBALL,
    progress: progress('kernels'),
    sourceDateEpoch: sourceDateEpoch(),
  });
}

async function image({ dist, cacheDir, progress, strict = false }: BuildOptions): Promise<void> {
  await buildImage({
    dist,
    cacheDir,
    version: packageVersion(),
    commit: buildCommit(),
    sourceDateEpoch: sourceDateEpoch(),
    progress: progress('image'),
    strict,
  });
}

async function main([part]: readonly string[]): Promise<number> {
  const options: BuildOptions = {
    dist: join(repositoryRoot, 'dist'),
    cacheDir: cacheRoot,
    progress: printProgress,
    strict: false,
  };
  switch (part) {
    case undefined:
      await buildAll(options);
      return 0;
    case 'binary':
      await buildClient({ dist: options.dist, progress: options.progress('client') });
      await buildEmbedded({ dist: options.dist, progress: options.progress('embedded') });
      await buildBinary({ dist: options.dist, progress: options.progress('binary') });
      return 0;
    case 'kernels':
      await kernels(options);
      return 0;
    case 'image':
      await image(options);
      return 0;
    default:
      process.stderr.write(
        `build: "${part}" is not a part; known are binary, kernels, image, or none for all\n`,
      );
      return 64;
  }
}

if (import.meta.main) await runScript('build', main);
