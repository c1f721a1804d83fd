/** What the build leaves in dist/, by what it is for. */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

export interface Artefacts {
  readonly dist: string;
  readonly iso: string;
  readonly unattendedIso: string;
  readonly binary: string;
  readonly rootImage: string;
  readonly runtimeKernel: string;
  /** Unified kernel image of the installed system. */
  readonly runtimeImage: string;
}

/** Finds the newest build's files. Throws with the way out when one is missing. */
export function findArtefacts(dist: string): Artefacts {
  const names = existsSync(dist) ? readdirSync(dist) : [];
  const find = (pattern: RegExp): string => {
    const found = names.filter((name) => pattern.test(name));
    if (found.length === 1) return join(dist, found[0]!);
    const what = found.length === 0 ? 'holds no' : `holds several (${found.join(', ')})`;
    throw new Error(`${dist} ${what} ${pattern.source}: run \`npm run build\``);
  };
  return {
    dist,
    iso: find(/^truthdb-\d[^/]*(?<!-unattended)\.iso$/),
    unattendedIso: find(/^truthdb-\d.*-unattended\.iso$/),
    binary: find(/^truthdb$/),
    rootImage: find(/^root\.squashfs$/),
    runtimeKernel: find(/^vmlinuz-runtime$/),
    runtimeImage: find(/^truthdb_.+\.efi$/),
  };
}

/** SHA-256 of a file in hexadecimal. */
export async function fileDigest(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
