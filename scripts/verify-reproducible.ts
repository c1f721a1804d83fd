/**
 * `npm run verify-reproducible`: builds the committed HEAD twice, in two clean clones at different paths, under
 * different time zones, masks and locales, and compares binary, root image and ISOs byte for byte.
 *
 * The two clones share what is pinned by hash anyway (the kernels, keyed by their inputs, and the Debian packages,
 * keyed by their digest) and nothing else. `--kernels` builds the kernels twice as well (about 20 minutes more).
 */

import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { printProgress } from './progress.ts';
import { runScript } from './run.ts';
import { buildCommit, repositoryRoot } from './version.ts';
import { visibly } from './visibly.ts';

interface Surroundings {
  readonly name: string;
  readonly umask: string;
  readonly env: Readonly<Record<string, string>>;
}

const SURROUNDINGS: readonly Surroundings[] = [
  { name: 'first', umask: '022', env: { TZ: 'UTC', LC_ALL: 'C' } },
  { name: 'second/below', umask: '077', env: { TZ: 'Asia/Kathmandu', LC_ALL: 'C.UTF-8' } },
];

/** What must be equal: everything made except logs of how it was made. */
const COMPARED = /^(truthdb|.*\.(iso|efi|squashfs|verity)|root\.json|vmlinuz-.*|manifest\.json)$/;

const progress = printProgress('reproducible');

async function main(args: readonly string[]): Promise<number> {
  const shared = args.includes('--kernels') ? ['debs'] : ['debs', 'kernel'];
  const work = mkdtempSync(join(repositoryRoot, 'dist', 'reproducible-'));
  try {
    // Named once: somebody may commit while the first one is being built.
    const commit = buildCommit().replace(/-dirty$/, '');
    const built: string[] = [];
    for (const surroundings of SURROUNDINGS) built.push(await buildClone(work, commit, surroundings, shared));
    return await compare(built);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** The clone's dist folder. */
async function buildClone(
  work: string,
  commit: string,
  { name, umask, env }: Surroundings,
  shared: readonly string[],
): Promise<string> {
  const clone = join(work, name, 'truthdb');
  const home = join(work, name, 'home');
  const cache = join(home, '.cache', 'truthdb');
  mkdirSync(cache, { recursive: true });
  for (const kind of shared) {
    const real = join(homedir(), '.cache', 'truthdb', kind);
    mkdirSync(real, { recursive: true });
    symlinkSync(real, join(cache, kind));
  }
  await visibly()`git clone --quiet --no-checkout ${repositoryRoot} ${clone}`;
  await visibly({ cwd: clone })`git checkout --quiet --detach ${commit}`;
  symlinkSync(join(repositoryRoot, 'node_modules'), join(clone, 'node_modules'));
  progress(`building in ${name} (umask ${umask}, TZ ${env['TZ']})`);
  const surroundings = visibly({ cwd: clone, env: { ...process.env, ...env, HOME: home } });
  await surroundings`umask ${umask}; exec ${process.execPath} scripts/build.ts`;
  return join(clone, 'dist');
}

async function compare([first, second]: readonly string[]): Promise<number> {
  if (first === undefined || second === undefined) throw new Error('two builds are needed to compare');
  const names = [...new Set([...(await readdir(first)), ...(await readdir(second))])].filter((name) =>
    COMPARED.test(name),
  );
  let equal = 0;
  for (const name of names.sort()) {
    const [one, two] = [await digest(join(first, name)), await digest(join(second, name))];
    if (one === two) equal += 1;
    process.stdout.write(
      `${one === two ? 'identical' : 'DIFFERENT'} ${name} ${one === two ? one : `${one} and ${two}`}\n`,
    );
  }
  process.stdout.write(`${equal} of ${names.length} files are bit-identical\n`);
  return equal === names.length && names.includes('truthdb') && names.some((name) => name.endsWith('.iso'))
    ? 0
    : 1;
}

async function digest(file: string): Promise<string> {
  if (!existsSync(file)) return 'missing';
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

await runScript('verify-reproducible', main);
