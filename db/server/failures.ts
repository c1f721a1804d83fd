/** Turns whatever was thrown into an error of the closed family. What is not ours is a bug or the system's, and says so. */
import { TruthError } from '../errors.ts';

export function asTruthError(error: unknown): TruthError {
  if (error instanceof TruthError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new TruthError('INTERNAL', `unexpected failure: ${message}`, {}, { cause: error });
}
