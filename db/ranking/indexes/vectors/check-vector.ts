import { TruthError } from '../../../errors.ts';
import type { EmbeddingSlot } from '../../schema/model.ts';

/** Refuses what cannot be compared with the vectors of a slot. `what` is what it is called: "the query's vector". Errors: INVALID_ARGUMENT. */
export function checkVector(slot: EmbeddingSlot, values: ArrayLike<number>, what: string): void {
  const { name, dimensions } = slot;
  if (values.length !== dimensions)
    throw new TruthError(
      'INVALID_ARGUMENT',
      `${what} has ${values.length} dimensions: embedding "${name}" has ${dimensions}, give as many numbers`,
      { dimensions, given: values.length },
    );
  for (let at = 0; at < dimensions; at++) {
    if (Number.isFinite(Math.fround(values[at]!))) continue;
    throw new TruthError(
      'INVALID_ARGUMENT',
      `${what} has ${values[at]} at index ${at}: embedding "${name}" takes finite numbers in single precision`,
      { dimensions, index: at },
    );
  }
}
