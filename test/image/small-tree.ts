/** A tree with one of each kind of thing a root image holds. As a program: packs it into the cache directory it is given. */
import { buildRootImage, type RootImage } from '../../image/squashfs.ts';
import { directory, file, link, put, type Tree } from '../../image/tree.ts';

export const EPOCH = 1_760_000_000;

export function buildSmallImage(cacheDirectory: string): Promise<RootImage> {
  const options = { cache: { directory: cacheDirectory }, epoch: EPOCH, progress: () => {} };
  return buildRootImage(smallTree(), options);
}

function smallTree(): Tree {
  const made: Tree = new Map();
  put(made, 'usr/bin/tool', file(Buffer.alloc(300_000, 7), 0o755));
  put(made, 'usr/bin/sudo', file('x', 0o4755));
  put(made, 'bin', link('usr/bin'));
  put(made, 'root', directory(0o700));
  return made;
}

if (import.meta.main) {
  if (process.getuid?.() === 0) throw new Error('this is to be run as an ordinary user');
  console.log((await buildSmallImage(process.argv[2] ?? '')).directory);
}
