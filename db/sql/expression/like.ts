/** LIKE and ILIKE: % for any characters, _ for one. Patterns are taken apart once, then matched without backtracking further than the last %. */
import { sqlError } from '../types/sql-error.ts';
import { lowerCase } from './letter-case.ts';
import { checkSteps } from './result-limits.ts';

const ONE: unique symbol = Symbol('_');
const MANY: unique symbol = Symbol('%');
/** A step here takes about so much longer than comparing units. */
const STEPS_PER_CHARACTER = 20;
/** One character, or what stands for one or many. */
type Step = string | typeof ONE | typeof MANY;

export type Matches = (text: string) => boolean;

/**
 * `escaping`: the character that takes the meaning of the next away; null: none does. Errors, as PostgreSQL when it gets
 * there: 22025 for a pattern that ends with it.
 */
export function likePattern(pattern: string, escaping: string | null, insensitive: boolean): Matches {
  const steps: Step[] = [];
  const characters = [...(insensitive ? lowerCase(pattern) : pattern)];
  let endsEscaped = false;
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at]!;
    if (character === escaping) {
      at++;
      if (at === characters.length) endsEscaped = true;
      else steps.push(characters[at]!);
    } else if (character === '%') {
      if (steps.at(-1) !== MANY) steps.push(MANY);
    } else {
      steps.push(character === '_' ? ONE : character);
    }
  }
  const matches = endsEscaped ? unfinished(steps) : (simple(steps) ?? ((text: string) => walk(steps, text)));
  return insensitive ? (text) => matches(lowerCase(text)) : matches;
}

/** The text that everything matching begins with, and whether that says it all. */
export function likePrefix(pattern: string, escaping: string | null): { prefix: string; isAll: boolean } {
  let prefix = '';
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at]!;
    if (character === '%') return { prefix, isAll: at === pattern.length - 1 };
    if (character === '_') return { prefix, isAll: false };
    if (character === escaping) at++;
    prefix += pattern[at] ?? '';
  }
  return { prefix, isAll: false };
}

/** Errors: 22025 for an escape of more than one character. Empty: nothing escapes. */
export function escapeOf(text: string): string | null {
  const characters = [...text];
  if (characters.length > 1) {
    throw sqlError('22025', 'invalid escape string: it must be empty or one character');
  }
  return characters[0] ?? null;
}

/** What needs no walk: equality, and one % at an end. */
function simple(steps: readonly Step[]): Matches | null {
  const letters = steps.filter((step): step is string => typeof step === 'string').join('');
  const special = steps.filter((step) => typeof step !== 'string');
  if (special.length === 0) return (text) => text === letters;
  if (special.length === 1 && steps.at(-1) === MANY) return (text) => text.startsWith(letters);
  if (special.length === 1 && steps[0] === MANY) return (text) => text.endsWith(letters);
  const isMiddle = special.length === 2 && steps[0] === MANY && steps.at(-1) === MANY;
  return isMiddle ? (text) => text.includes(letters) : null;
}

/** Goes back to the last % only: what an earlier one could take, the last one can. */
function walk(wantedSteps: readonly Step[], text: string): boolean {
  const characters = [...text];
  let steps = 0;
  let step = 0;
  let at = 0;
  let manyStep = -1;
  let manyAt = 0;
  while (at < characters.length) {
    const wanted = wantedSteps[step];
    if (wanted === MANY) {
      manyStep = step++;
      manyAt = at;
    } else if (wanted === ONE || wanted === characters[at]) {
      step++;
      at++;
    } else if (manyStep >= 0) {
      steps += step - manyStep;
      checkSteps(steps * STEPS_PER_CHARACTER);
      step = manyStep + 1;
      at = ++manyAt;
    } else {
      return false;
    }
  }
  while (wantedSteps[step] === MANY) step++;
  return step === wantedSteps.length;
}

/** PostgreSQL notices the unfinished escape only when a character stands where the escaped one should be. */
function unfinished(steps: readonly Step[]): Matches {
  const reaching: Step[] = [...steps, ONE, MANY];
  return (text) => {
    if (walk(reaching, text)) {
      throw sqlError('22025', 'LIKE pattern must not end with escape character');
    }
    return false;
  };
}
