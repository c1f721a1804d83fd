/** A backup with those it builds on, the full one first. */
import { dirname, join, resolve } from 'node:path';
import { TruthError } from '../errors.ts';
import { type Disk, isNotFound } from '../io/index.ts';
import { sequence } from '../types.ts';
import { type Gap, lostSegment, restOf } from '../wal/gaps.ts';
import { type BackupManifest, readManifest } from './manifest.ts';

export interface ChainedBackup {
  readonly directory: string;
  readonly manifest: BackupManifest;
}

/**
 * A base is looked for where it was when the backup was made, then beside the backup. `base`: where the base of this very
 * backup is now, or null. Errors: NOT_FOUND naming the base that is missing, CORRUPT.
 */
export function readChain(disk: Disk, directory: string, base: string | null): ChainedBackup[] {
  const chain: ChainedBackup[] = [{ directory, manifest: readManifest(disk, directory) }];
  for (
    let first = chain[0] as ChainedBackup;
    first.manifest.base !== null;
    first = chain[0] as ChainedBackup
  ) {
    const places = chain.length === 1 && base !== null ? [base] : placesOf(disk, first);
    chain.unshift(findBase(disk, first, places));
  }
  checkPieces(chain);
  return chain;
}

function placesOf(disk: Disk, { directory, manifest }: ChainedBackup): string[] {
  const parent = dirname(resolve(directory));
  return [manifest.base?.directory ?? '', ...listIfThere(disk, parent).map((name) => join(parent, name))];
}

function findBase(
  disk: Disk,
  { directory, manifest }: ChainedBackup,
  places: readonly string[],
): ChainedBackup {
  const { id, end } = manifest.base as NonNullable<BackupManifest['base']>;
  for (const place of places) {
    const found = manifestIfThere(disk, place);
    if (found?.id !== id) continue;
    if (JSON.stringify(found.end) === JSON.stringify(end) && found.logId === manifest.logId) {
      return { directory: place, manifest: found };
    }
    throw new TruthError('CORRUPT', `${directory} and its base ${place} do not fit each other`);
  }
  throw new TruthError(
    'NOT_FOUND',
    `${directory} continues backup ${id}, which is neither in ${manifest.base?.directory} nor beside it; say where it is with --base DIR`,
    { base: id },
  );
}

/** Each segment's pieces must follow each other from its first byte, and each segment the one before, but for what was declared lost. */
function checkPieces(chain: readonly ChainedBackup[]): void {
  const { gaps, segmentBytes } = (chain.at(-1) as ChainedBackup).manifest;
  const lost: readonly Gap[] = gaps.map((gap) => ({
    ...gap,
    from: sequence(gap.from),
    to: sequence(gap.to),
  }));
  let index = 0;
  let offset = 0;
  let sealed = true;
  for (const { directory, manifest } of chain) {
    for (const piece of manifest.pieces) {
      const complete = sealed || restOf(lost, index, segmentBytes) !== null;
      let following = index === 0 ? piece.index : index + 1;
      while (lostSegment(lost, following) !== null) following += 1;
      const next = complete && piece.index === following && piece.offset === 0;
      const more = !sealed && piece.index === index && piece.offset === offset;
      if (!next && !more) {
        throw new TruthError(
          'CORRUPT',
          `${directory} has a piece of segment ${piece.index} from ${piece.offset} that does not follow segment ${index} up to ${offset}`,
        );
      }
      index = piece.index;
      offset = piece.offset + piece.bytes;
      sealed = piece.sealed;
    }
  }
}

function manifestIfThere(disk: Disk, directory: string): BackupManifest | null {
  try {
    return readManifest(disk, directory);
  } catch {
    // Whatever lies there is not the base that is looked for.
    return null;
  }
}

function listIfThere(disk: Disk, directory: string): string[] {
  try {
    return disk.list(directory);
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}
