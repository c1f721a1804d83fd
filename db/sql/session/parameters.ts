/** What came as parameters as values of the types a statement wants. */
import { refusal } from '../commands/refusals.ts';
import type { SqlParameter } from '../contract.ts';
import { parameterValue } from '../execute/parameter-value.ts';
import type { SqlType, SqlValue } from '../types/index.ts';

/** Errors: 08P01 for another number of parameters, 42804 for a value of another kind, 22P02 and its like for a text that is none of the type. */
export function parameterValues(
  parameters: readonly SqlParameter[],
  types: readonly SqlType[],
): readonly SqlValue[] {
  if (parameters.length !== types.length) {
    throw refusal(
      '08P01',
      `the statement has ${types.length} parameters, but ${parameters.length} were given`,
      { wanted: types.length, given: parameters.length },
    );
  }
  return types.map((type, index) => parameterValue(type, parameters[index], index));
}
