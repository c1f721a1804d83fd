/**
 * How much one call may make or search through. A statement is stopped between rows, not within one: so nothing within one may
 * take long. Counted in units, not in time: it comes out the same everywhere.
 */
import { sqlError } from '../types/sql-error.ts';

/** UTF-16 units of text, or bytes. */
const RESULT_UNITS_MAX = 16 * 1_024 * 1_024;
/** Comparisons of one unit with another: about a second. */
const STEPS_MAX = 1_000_000_000;

/** Throws 54000. */
export function checkLength(units: number): void {
  if (units > RESULT_UNITS_MAX) {
    throw sqlError(
      '54000',
      `requested length too large: ${units} characters or bytes, at most ${RESULT_UNITS_MAX} are made`,
    );
  }
}

/** Of a search that may take so many steps at worst. Throws 54000. */
export function checkSteps(steps: number): void {
  if (steps > STEPS_MAX) {
    throw sqlError(
      '54000',
      `the search could take ${steps} steps, at most ${STEPS_MAX} are taken; search through less, or for something shorter`,
    );
  }
}
