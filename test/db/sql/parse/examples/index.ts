/** Statements with what the parser says to them: one list for examples, fuzzing and the scanner's comparison. */
import { REFUSED_AS_NOT_OURS } from './refused-as-not-ours.ts';
import { REFUSED_AS_WRONG } from './refused-as-wrong.ts';
import { TAKEN_CHANGES } from './taken-changes.ts';
import { TAKEN_QUERIES } from './taken-queries.ts';

export const TAKEN = [...TAKEN_QUERIES, ...TAKEN_CHANGES];
export const REFUSED = [...REFUSED_AS_NOT_OURS, ...REFUSED_AS_WRONG];
