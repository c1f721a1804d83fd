/** `bench sizes`: what a person downloads and what a machine has to hold in memory. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Bench, BenchResult, BenchRow } from './bench.ts';
import { atMost } from './bench.ts';

const MEGABYTE = 1_000_000;
const ISO_MEGABYTES_MAX = 160;
const ISO = /^truthdb-[^-]+(-dev)?\.iso$/;
const WANTED: readonly (readonly [what: string, name: RegExp])[] = [
  ['iso', ISO],
  ['root image', /^root\.squashfs$/],
  ['verity tree', /^root\.verity$/],
  ['runtime UKI', /^truthdb_.+\.efi$/],
  ['binary', /^truthdb$/],
  ['installer kernel', /^vmlinuz-installer$/],
  ['runtime kernel', /^vmlinuz-runtime$/],
];

export const sizes: Bench = {
  name: 'sizes',
  summary: 'Bytes of what the build leaves in dist/.',
  run: async () => measureSizes(join(import.meta.dirname, '../../dist')),
};

/** Sizes of the artefacts in `dist`. Throws when one is missing: a table with a hole would look like a small one. */
function measureSizes(dist: string): BenchResult {
  const names = readdirSync(dist);
  const rows: BenchRow[] = WANTED.map(([what, pattern]) => {
    const name = names.find((candidate) => pattern.test(candidate));
    if (name === undefined)
      throw new Error(`${dist} holds no ${what} (${pattern}): run \`npm run build\` first`);
    const bytes = statSync(join(dist, name)).size;
    return { what, file: name, bytes, MB: Number((bytes / MEGABYTE).toFixed(1)) };
  });
  const isoMegabytes = statSync(join(dist, names.find((name) => ISO.test(name))!)).size / MEGABYTE;
  return { rows, aims: [atMost('ISO in MB', ISO_MEGABYTES_MAX, isoMegabytes)] };
}
