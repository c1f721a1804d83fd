/**
 * Builds the database as a library into `dist/embedded`: one ES module and its declarations, what package.json exports as
 * `truthdb/embedded`. Its worker threads are carried as text, as in the single-file binary.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { bundleThreads } from './build-db.ts';
import { esbuildGrammar } from './esbuild-grammar.ts';
import { type Progress, printProgress } from './progress.ts';
import { buildCommit, packageVersion, repositoryRoot } from './version.ts';

export async function buildEmbedded({ dist, progress }: { dist: string; progress: Progress }): Promise<void> {
  const output = join(dist, 'embedded');
  rmSync(output, { recursive: true, force: true });
  mkdirSync(output, { recursive: true });
  await bundleEmbedded(join(output, 'index.js'));
  execFileSync(join(repositoryRoot, 'node_modules', '.bin', 'tsc'), [
    ...['--project', join(repositoryRoot, 'tsconfig.embedded.json')],
    ...['--outDir', join(output, 'types')],
  ]);
  progress('dist/embedded');
}

/** The module alone, without declarations. */
export async function bundleEmbedded(outfile: string): Promise<void> {
  await build({
    entryPoints: [join(repositoryRoot, 'db', 'embedded.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node26',
    absWorkingDir: repositoryRoot,
    banner: { js: `globalThis.__TRUTHDB_THREADS__ ??= ${JSON.stringify(await bundleThreads())};` },
    define: {
      __TRUTHDB_VERSION__: JSON.stringify(packageVersion()),
      __TRUTHDB_COMMIT__: JSON.stringify(buildCommit()),
    },
    plugins: [esbuildGrammar()],
    logLevel: 'warning',
  });
}

if (import.meta.main)
  await buildEmbedded({ dist: join(repositoryRoot, 'dist'), progress: printProgress('embedded') });
