import { createHash } from 'node:crypto';
import { chmod, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Progress } from '../scripts/progress.ts';
import { contentKey, type LayerCache, layer } from './cache.ts';
import { BuildError, run } from './exec.ts';
import { writeTar } from './tar.ts';
import type { Tree } from './tree.ts';

/** Larger blocks compress better; a page fault then unpacks more than it needs. 128 KiB is squashfs' own default. */
const BLOCK_KIB = 128;
const ZSTD_LEVEL = 19;

/** dm-verity's block size; the kernel maps pages of the same size. */
const VERITY_BLOCK_BYTES = 4096;

export interface RootImage {
  /** Directory with root.squashfs and root.verity. */
  readonly directory: string;
  /** 64 hexadecimal digits: hash of the hash tree's root. Everything on the root partition hangs on it. */
  readonly rootHash: string;
  /** Bytes of root.squashfs, a multiple of 4096. */
  readonly dataBytes: number;
  /** Bytes of root.verity. */
  readonly hashBytes: number;
}

export interface RootImageOptions {
  readonly cache: LayerCache;
  readonly epoch: number;
  readonly progress: Progress;
}

/** Packs the tree and makes its dm-verity hash tree. Same tree, same bytes. */
export async function buildRootImage(tree: Tree, options: RootImageOptions): Promise<RootImage> {
  const digest = createHash('sha256');
  for (const chunk of writeTar(tree, options.epoch)) digest.update(chunk);
  const key = contentKey({
    tree: digest.digest('hex'),
    squashfs: `zstd ${ZSTD_LEVEL} ${BLOCK_KIB}`,
    verity: String(VERITY_BLOCK_BYTES),
  });
  const directory = await layer(options.cache, 'root', key, async (place) => {
    options.progress('packing the root image (squashfs, about a minute)');
    await packSquashfs(tree, join(place, 'root.squashfs'), options.epoch);
    options.progress('hashing the root image (dm-verity)');
    const rootHash = await formatVerity(place);
    await writeFile(join(place, 'root.hash'), rootHash);
  });
  return {
    directory,
    rootHash: await readFile(join(directory, 'root.hash'), 'utf8'),
    dataBytes: (await stat(join(directory, 'root.squashfs'))).size,
    hashBytes: (await stat(join(directory, 'root.verity'))).size,
  };
}

async function packSquashfs(tree: Tree, target: string, epoch: number): Promise<void> {
  const options = [
    ...['-tar', '-comp', 'zstd', '-Xcompression-level', String(ZSTD_LEVEL), '-b', `${BLOCK_KIB}K`],
    ...['-root-mode', '755', '-root-uid', '0', '-root-gid', '0', '-root-time', String(epoch)],
    ...['-no-xattrs', '-quiet', '-no-progress'],
  ];
  const [program = '', ...prefix] = [...asRoot(), 'mksquashfs'];
  // SOURCE_DATE_EPOCH fixes the image's own time; the times of its files are in the archive.
  await run(program, [...prefix, '-', target, ...options], { input: writeTar(tree, epoch), epoch });
}

/** mksquashfs 4.5 gives the top directory of an archive to whoever runs it, whatever -root-uid says. */
function asRoot(): readonly string[] {
  return process.getuid?.() === 0 ? [] : ['unshare', '--user', '--map-root-user'];
}

/**
 * Salt and UUID are derived from the data: random ones would make every build another image. The salt only keeps two images from
 * sharing hashes; it is no secret.
 */
async function formatVerity(place: string): Promise<string> {
  const squashfs = join(place, 'root.squashfs');
  const digest = createHash('sha256')
    .update(await readFile(squashfs))
    .digest('hex');
  const output = await run('veritysetup', [
    'format',
    `--salt=${digest}`,
    `--uuid=${uuidFrom(digest)}`,
    `--data-block-size=${VERITY_BLOCK_BYTES}`,
    `--hash-block-size=${VERITY_BLOCK_BYTES}`,
    squashfs,
    join(place, 'root.verity'),
  ]);
  await chmod(join(place, 'root.verity'), 0o644);
  const rootHash = /^Root hash:\s+([0-9a-f]{64})$/m.exec(output.toString())?.[1];
  if (rootHash === undefined) throw new BuildError('veritysetup printed no root hash');
  return rootHash;
}

function uuidFrom(hex: string): string {
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
    '-',
  );
}
