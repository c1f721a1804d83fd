/**
 * The name of a copy, by which its source keeps the log for it, in `metadata/follower-name.json`. Made once, before the first
 * connection, and never changed by itself: a copy that has another name is another follower.
 *
 *     { "format": 1, "name": "copy-3f9c01d2a47be680" }
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { TruthError } from '../errors.ts';
import { type Disk, readSmallFile, writeSmallFile } from '../io/index.ts';
import { isFollowerName } from '../protocol/index.ts';
import { metadataDirectory } from '../wal/metadata.ts';

const FORMAT = 1;
const RANDOM_BYTES = 8;

/** Reads the copy's name, or gives it one: `wanted`, which is one that can be typed, or a random one. Errors: INVALID_ARGUMENT (it has another), CORRUPT. */
export function copyName(disk: Disk, directory: string, wanted: string | null): string {
  const known = readName(disk, directory);
  if (known !== null && wanted !== null && known !== wanted) {
    throw new TruthError(
      'INVALID_ARGUMENT',
      `the copy in ${directory} is called ${known}, not ${wanted}. To rename it remove ${pathIn(directory)}, and drop ${known} at the source`,
    );
  }
  return known ?? writeName(disk, directory, wanted ?? `copy-${randomBytes(RANDOM_BYTES).toString('hex')}`);
}

function writeName(disk: Disk, directory: string, name: string): string {
  disk.mkdir(metadataDirectory(directory));
  disk.fsyncDirectory(directory);
  writeSmallFile(disk, pathIn(directory), Buffer.from(`${JSON.stringify({ format: FORMAT, name })}\n`));
  return name;
}

function readName(disk: Disk, directory: string): string | null {
  const bytes = readSmallFile(disk, pathIn(directory));
  if (bytes === null) return null;
  const name = nameIn(bytes);
  if (name !== null) return name;
  throw new TruthError(
    'CORRUPT',
    `${pathIn(directory)} is not what a follower writes there; remove it, and the copy gets another name`,
    { file: pathIn(directory) },
  );
}

function nameIn(bytes: Uint8Array): string | null {
  try {
    const { format, name } = JSON.parse(Buffer.from(bytes).toString()) as Record<string, unknown>;
    return format === FORMAT && typeof name === 'string' && isFollowerName(name) ? name : null;
  } catch {
    return null;
  }
}

function pathIn(directory: string): string {
  return join(metadataDirectory(directory), 'follower-name.json');
}
