import { sqlError } from '../types/sql-error.ts';
import type { SqlType } from '../types/sql-type.ts';

/**
 * Types of a statement's parameters: those that were given, and those that the places where they stand ask for. The first
 * place decides; a later one takes the parameter as it is.
 */
export class ParameterTypes {
  readonly #types: (SqlType | null)[];
  /** Where each was seen first; null: nowhere yet. */
  readonly #seen: (number | null)[];

  /** `given`: null where the context decides. `count`: how many parameters the statement names. */
  constructor(count: number, given: readonly (SqlType | null)[] = []) {
    this.#types = Array.from({ length: Math.max(count, given.length) }, (_, index) => given[index] ?? null);
    this.#seen = this.#types.map(() => null);
  }

  /** Null: not known yet. Errors: 42P02 for a number that the statement does not have. */
  typeOf(index: number, at: number): SqlType | null {
    if (index < 0 || index >= this.#types.length) {
      throw sqlError('42P02', `there is no parameter $${index + 1}`, at);
    }
    this.#seen[index] ??= at;
    return this.#types[index]!;
  }

  infer(index: number, type: SqlType): void {
    this.#types[index] ??= type;
  }

  /** Once everything is bound. Errors: 42P18 for a parameter of which nothing says the type. */
  all(): readonly SqlType[] {
    return this.#types.map((type, index) => {
      if (type !== null) return type;
      throw undetermined(index, this.#seen[index] ?? null);
    });
  }
}

export function undetermined(index: number, at: number | null): Error {
  return sqlError(
    '42P18',
    `could not determine data type of parameter $${index + 1}; say it with a cast: $${index + 1}::integer`,
    at,
  );
}
