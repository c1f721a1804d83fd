import { TruthError } from '../../errors.ts';

/** Saved entities whose parts do not fit together. */
export function corruptEntities(problem: string): TruthError {
  return new TruthError('CORRUPT', `saved entities do not add up: ${problem}`);
}
