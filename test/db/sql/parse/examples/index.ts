/** Statements with what the parser says to them: one list for examples, fuzzing and the scanner's comparison. */
import { REFUSED_AS_WRONG } from './refused-as-wrong.ts';
import { REFUSED_CHANGES } from './refused-changes.ts';
import { REFUSED_OTHERS } from './refused-others.ts';
import { REFUSED_QUERIES } from './refused-queries.ts';
import { TAKEN_CHANGES } from './taken-changes.ts';
import { TAKEN_QUERIES } from './taken-queries.ts';

export const TAKEN = [...TAKEN_QUERIES, ...TAKEN_CHANGES];
export const REFUSED = [...REFUSED_QUERIES, ...REFUSED_CHANGES, ...REFUSED_OTHERS, ...REFUSED_AS_WRONG];
