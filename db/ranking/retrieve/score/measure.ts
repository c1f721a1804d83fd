import type { AttributeId } from '../../ground.ts';
import type { Scalar, Term } from '../../schema/model.ts';

/** What candidates can be ordered by: what a schema can say, and two things that only sort modes ask for. */
export type Measure =
  | Scalar
  /** Place of the value among those of the candidates, from 1; those without one come last either way. */
  | { readonly scalar: 'place'; readonly attribute: AttributeId; readonly order: 'ascending' | 'descending' }
  /** Seconds since 1970 at which the user last had to do with it, or 0. */
  | { readonly scalar: 'touched' };

export type MeasuredTerm = Omit<Term, 'of'> & { readonly of: Measure };

export function number(value: number): Scalar {
  return { scalar: 'number', value };
}

export function add(...of: readonly Scalar[]): Scalar {
  return { scalar: 'apply', function: '+', of };
}

export function subtract(from: Scalar, what: Scalar): Scalar {
  return { scalar: 'apply', function: '-', of: [from, what] };
}

export function multiply(...of: readonly Scalar[]): Scalar {
  return { scalar: 'apply', function: '*', of };
}

export function divide(dividend: Scalar, divisor: Scalar): Scalar {
  return { scalar: 'apply', function: '/', of: [dividend, divisor] };
}

export function least(...of: readonly Scalar[]): Scalar {
  return { scalar: 'apply', function: 'min', of };
}

export function most(...of: readonly Scalar[]): Scalar {
  return { scalar: 'apply', function: 'max', of };
}

export function squareRoot(of: Scalar): Scalar {
  return { scalar: 'apply', function: 'sqrt', of: [of] };
}

/** Of the largest among the candidates. */
export function share(of: Scalar): Scalar {
  return { scalar: 'apply', function: 'share', of: [of] };
}

/** How far one count is from the proportions of another beyond chance, over all candidates. */
export function overdispersion(of: Scalar, usual: Scalar): Scalar {
  return { scalar: 'apply', function: 'overdispersion', of: [of, usual] };
}

/** To base 10, of what is at least 1. */
export function decimalLogarithm(of: Scalar): Scalar {
  const beyondOne = most(subtract(of, number(1)), number(0));
  return multiply({ scalar: 'apply', function: 'log1p', of: [beyondOne] }, number(Math.LOG10E));
}

export const AGE_HOURS: Scalar = Object.freeze({ scalar: 'feature', feature: 'age_hours' });
