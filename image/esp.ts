import { copyFile, mkdir, mkdtemp, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { run } from './exec.ts';

const SECTOR_BYTES = 512;

/** FAT32 is FAT32 only from this many clusters on (Microsoft's FAT specification); with fewer, firmware reads it as FAT16. */
const FAT32_CLUSTERS_MIN = 65_525;

/** Firmware reads cluster by cluster: larger ones boot faster. FAT32 allows up to 32 KiB here. */
const CLUSTER_SECTORS = [64, 32, 16, 8, 4, 2, 1] as const;

const RESERVED_SECTORS = 32;

export interface EspGeometry {
  /** Sectors of 512 bytes per cluster. */
  readonly clusterSectors: number;
  /** Size of the file system, a multiple of 1 MiB. */
  readonly bytes: number;
}

/** The smallest FAT32 that holds the files and has the largest clusters which still make it FAT32. */
export function espGeometry(fileBytes: readonly number[]): EspGeometry {
  for (const clusterSectors of CLUSTER_SECTORS) {
    const clusterBytes = clusterSectors * SECTOR_BYTES;
    const used = fileBytes.reduce((sum, size) => sum + Math.ceil(size / clusterBytes), 0);
    const clusters = used + 16; // directories, and a little air
    if (clusters >= FAT32_CLUSTERS_MIN + 16 || clusterSectors === 1) {
      return { clusterSectors, bytes: sizeFor(Math.max(clusters, FAT32_CLUSTERS_MIN + 16), clusterBytes) };
    }
  }
  throw new RangeError('no cluster size fits');
}

function sizeFor(clusters: number, clusterBytes: number): number {
  const tables = 2 * Math.ceil(((clusters + 2) * 4) / SECTOR_BYTES) * SECTOR_BYTES;
  const mebibyte = 1024 * 1024;
  return (
    Math.ceil((clusters * clusterBytes + tables + RESERVED_SECTORS * SECTOR_BYTES) / mebibyte) * mebibyte
  );
}

export interface EspFile {
  /** Path on the file system, with slashes. */
  readonly path: string;
  readonly source: string;
}

/** Writes a FAT32 image with the given files; same files and epoch, same bytes. */
export async function buildEsp(
  target: string,
  label: string,
  files: readonly EspFile[],
  epoch: number,
): Promise<void> {
  const sizes = await Promise.all(files.map(async ({ source }) => (await stat(source)).size));
  const geometry = espGeometry(sizes);
  await writeFile(target, '');
  await truncate(target, geometry.bytes);
  const format = ['-F', '32', '-s', String(geometry.clusterSectors), '-n', label];
  // --invariant: no volume id and no times taken from the clock.
  await run('mkfs.vfat', ['--invariant', ...format, target]);
  const stage = await mkdtemp(join(tmpdir(), 'truthdb-esp-'));
  try {
    await stageFiles(stage, files, epoch);
    const tops = [...new Set(files.map(({ path }) => path.split('/')[0] as string))].sort();
    await run('mcopy', ['-spQm', '-i', target, ...tops.map((top) => join(stage, top)), '::/'], { epoch });
  } finally {
    await rm(stage, { recursive: true, force: true });
  }
}

/** mcopy takes times from the files it copies, and from SOURCE_DATE_EPOCH for the directories it makes. */
async function stageFiles(stage: string, files: readonly EspFile[], epoch: number): Promise<void> {
  for (const { path, source } of files) {
    const target = join(stage, path);
    await mkdir(dirname(target), { recursive: true });
    await copyFile(source, target);
    await utimes(target, epoch, epoch);
  }
  for (const { path } of files) {
    for (let folder = dirname(path); folder !== '.'; folder = dirname(folder)) {
      await utimes(join(stage, folder), epoch, epoch);
    }
  }
}
