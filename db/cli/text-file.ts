import { readFileSync } from 'node:fs';
import { TruthError } from '../errors.ts';

/** A file as text. Errors: INVALID_ARGUMENT naming it. */
export function textFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new TruthError(
      'INVALID_ARGUMENT',
      `${path} cannot be read: ${(cause as Error).message}`,
      {},
      { cause },
    );
  }
}
