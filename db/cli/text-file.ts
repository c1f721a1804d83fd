/** Files that are named on the command line. */
import { createReadStream, readFileSync } from 'node:fs';
import { TruthError } from '../errors.ts';

const PIECE_BYTES = 1024 * 1024;

/** A file as text. Errors: INVALID_ARGUMENT naming it. */
export function textFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

/** The same piece by piece; it is opened when the first is asked for. */
export async function* filePieces(path: string): AsyncGenerator<Buffer> {
  try {
    yield* createReadStream(path, { highWaterMark: PIECE_BYTES }) as AsyncIterable<Buffer>;
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

function unreadable(path: string, cause: unknown): TruthError {
  const reason = (cause as Error).message;
  return new TruthError('INVALID_ARGUMENT', `${path} cannot be read: ${reason}`, {}, { cause });
}
