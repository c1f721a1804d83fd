/** Builds the TypeScript SDK into `dist/client`: one ES module and its declarations, what package.json exports. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { type Progress, printProgress } from './progress.ts';
import { repositoryRoot } from './version.ts';

export async function buildClient({ dist, progress }: { dist: string; progress: Progress }): Promise<void> {
  const output = join(dist, 'client');
  rmSync(output, { recursive: true, force: true });
  mkdirSync(output, { recursive: true });
  await build({
    entryPoints: [join(repositoryRoot, 'db', 'client', 'index.ts')],
    outfile: join(output, 'index.js'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node22',
    packages: 'external',
    absWorkingDir: repositoryRoot,
    logLevel: 'warning',
  });
  execFileSync(join(repositoryRoot, 'node_modules', '.bin', 'tsc'), [
    ...['--project', join(repositoryRoot, 'tsconfig.client.json')],
    ...['--outDir', join(output, 'types')],
  ]);
  progress('dist/client');
}

if (import.meta.main)
  await buildClient({ dist: join(repositoryRoot, 'dist'), progress: printProgress('client') });
