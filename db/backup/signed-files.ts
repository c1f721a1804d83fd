/**
 * What of a database's signatures goes with a log, in a data directory and in a backup alike: the checkpoints and certificates of
 * erasure that a log up to some place leads to, and the key that signs.
 */
import { join } from 'node:path';
import { CHECKPOINT_SIZE, SignedCheckpoints, SigningKeys } from '../audit/index.ts';
import { TruthError } from '../errors.ts';
import { type Disk, isNotFound, readSmallFile } from '../io/index.ts';
import { readLogId } from '../wal/metadata.ts';

const CHECKPOINTS = 'checkpoints/checkpoints';
const ERASURE = /^(\d{20})\.json$/;

/** `directory`: of a database or a backup. */
export function checkpointsUpTo(
  disk: Disk,
  directory: string,
  sequence: number,
): { readonly file: string; readonly bytes: number } {
  const count = new SignedCheckpoints(disk, directory).indexOf(sequence + 1);
  return { file: CHECKPOINTS, bytes: count * CHECKPOINT_SIZE };
}

/** Names below `metadata/`. */
export function erasuresUpTo(disk: Disk, directory: string, sequence: number): string[] {
  try {
    return disk
      .list(join(directory, 'metadata', 'erasures'))
      .filter((name) => Number(ERASURE.exec(name)?.[1] ?? Number.POSITIVE_INFINITY) <= sequence)
      .sort()
      .map((name) => `erasures/${name}`);
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}

/** The private key that signs now. Errors: NOT_FOUND. */
export function signingKeyFile(disk: Disk, directory: string): string {
  const newest = new SigningKeys(disk, directory, readLogId(disk, directory) ?? '').verified().at(-1);
  const file = `signing/${newest?.keyId}.key`;
  if (newest !== undefined && readSmallFile(disk, join(directory, 'metadata', file)) !== null) return file;
  throw new TruthError(
    'NOT_FOUND',
    `there is no key in ${join(directory, 'metadata', 'signing')} that signs checkpoints; leave it out of the backup`,
  );
}
