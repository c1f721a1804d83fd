/** The peers of `bench ranking`: whether they are here, and how they get here. A comparison without its peer is none, so it is refused. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { installPackages, NEEDED } from '../peers/debian.ts';

const USEARCH_VERSION = '2.26.2';
const USEARCH_PLACE = join(homedir(), '.cache', 'truthdb', 'peers', `usearch-${USEARCH_VERSION}`);

/** Debian's package, installed when it is missing. Errors: it is still not there. */
export function needPackage(name: 'redis-server' | 'postgresql-15', progress: (line: string) => void): void {
  const program = NEEDED.find((needed) => needed.package === name)!.program;
  if (!existsSync(program)) installPackages([name], progress);
  if (existsSync(program)) return;
  throw new Error(
    `${program} is not here, and without it there is nothing to compare with: install Debian's package ${name} ` +
      `(apt-get update && apt-get install ${name}), or leave the part out with --part`,
  );
}

/** As much of the package as is used here. */
export interface UsearchIndex {
  add(keys: BigUint64Array, vectors: Float32Array, threads: number): void;
  save(path: string): void;
  load(path: string): void;
  search(vector: Float32Array, count: number, threads: number): { readonly keys: BigUint64Array };
}
export interface Usearch {
  Index: new (options: {
    dimensions: number;
    metric: 'cos';
    quantization: 'f32';
    connectivity: number;
    expansion_add: number;
    expansion_search: number;
  }) => UsearchIndex;
}

/** The npm package, whose programs lie in it ready made. Errors: it cannot be had or loaded. */
export function needUsearch(progress: (line: string) => void): Usearch {
  if (!existsSync(join(USEARCH_PLACE, 'node_modules', 'usearch'))) {
    progress(`installing the npm package usearch ${USEARCH_VERSION}`);
    mkdirSync(USEARCH_PLACE, { recursive: true });
    const args = ['install', '--prefix', USEARCH_PLACE, '--ignore-scripts', '--no-audit', '--no-fund'];
    spawnSync('npm', [...args, `usearch@${USEARCH_VERSION}`], { encoding: 'utf8' });
  }
  try {
    return createRequire(join(USEARCH_PLACE, 'package.json'))('usearch') as Usearch;
  } catch (cause) {
    throw new Error(
      `the npm package usearch ${USEARCH_VERSION} cannot be loaded, and without it there is nothing to compare vectors with: ` +
        `${(cause as Error).message.split('\n')[0]}`,
      { cause },
    );
  }
}
