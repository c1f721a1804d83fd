import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/**
 * Layers of the image by the content of their inputs: `<cache>/image/<layer>-<key>/`. A layer is complete or absent, since it is
 * made beside its place and renamed into it.
 */
export interface LayerCache {
  readonly directory: string;
}

/** Older results of one layer kept beside the newest: enough to go back and forth between two branches. */
const KEPT_PER_LAYER = 3;

/** Hash of named parts, order-independent; what goes in is everything that can change the layer's bytes. */
export function contentKey(parts: Readonly<Record<string, string | Buffer>>): string {
  const hash = createHash('sha256');
  for (const name of Object.keys(parts).sort()) {
    const part = createHash('sha256')
      .update(parts[name] as string | Buffer)
      .digest('hex');
    hash.update(`${name}\0${part}\0`);
  }
  return hash.digest('hex').slice(0, 32);
}

/**
 * Directory of the layer's files, made by `produce` (given an empty directory) unless an earlier build with the same key left it.
 */
export async function layer(
  cache: LayerCache,
  name: string,
  key: string,
  produce: (directory: string) => Promise<void>,
): Promise<string> {
  const place = join(cache.directory, `${name}-${key}`);
  if (existsSync(place)) {
    const now = new Date();
    await utimes(place, now, now);
    return place;
  }
  await mkdir(dirname(place), { recursive: true });
  const workplace = await mkdtemp(join(cache.directory, `.${name}-`));
  try {
    await produce(workplace);
    await rename(workplace, place);
  } catch (error) {
    await rm(workplace, { recursive: true, force: true });
    throw error;
  }
  await forgetOld(cache, name);
  return place;
}

async function forgetOld(cache: LayerCache, name: string): Promise<void> {
  const pattern = new RegExp(`^${name}-[0-9a-f]{32}$`);
  const found = (await readdir(cache.directory)).filter((entry) => pattern.test(entry));
  const dated = await Promise.all(
    found.map(async (entry) => ({ entry, time: (await stat(join(cache.directory, entry))).mtimeMs })),
  );
  dated.sort((a, b) => b.time - a.time);
  for (const { entry } of dated.slice(KEPT_PER_LAYER)) {
    await rm(join(cache.directory, entry), { recursive: true, force: true });
  }
}
