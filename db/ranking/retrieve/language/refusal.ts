/** What the parser says when it does not take a text: where, what was found, what could have stood there, the nearest word. */
import { TruthError } from '../../../errors.ts';
import { closestName } from '../../schema/names.ts';

/** A longer list of what could stand there helps nobody. */
const EXPECTED_MAX = 12;
/** Of what was found, in a message. */
const SHOWN_MAX = 40;

/** Line and column begin with 1, columns and `position` in UTF-16 units, as editors and JavaScript count. */
interface Place {
  readonly line: number;
  readonly column: number;
  readonly position: number;
}

function placeOf(text: string, offset: number): Place {
  const at = Math.max(0, Math.min(offset, text.length));
  let line = 1;
  let lineStart = 0;
  for (let found = text.indexOf('\n'); found >= 0 && found < at; found = text.indexOf('\n', found + 1)) {
    line += 1;
    lineStart = found + 1;
  }
  return { line, column: at - lineStart + 1, position: at + 1 };
}

/**
 * `found`: the text of the token in error, null at the end. `expected`: words of the language in capitals, anything else
 * described; only the former are guessed at.
 */
export function unexpected(
  text: string,
  offset: number,
  found: string | null,
  expected: readonly string[],
): TruthError {
  const words = expected.filter((what) => /^[A-Z][A-Za-z_]*$/.test(what));
  const near = found === null ? null : closestName(found, words);
  const shown = found === null ? 'the text ends' : `found ${quoted(found)}`;
  const meant = near === null || near === found?.toUpperCase() ? '' : `; did you mean ${near}?`;
  return problem(text, offset, `${shown}, expected ${listed(expected, near)}${meant}`, {
    found: found === null ? '' : found.slice(0, SHOWN_MAX),
    expected: expected.join(', '),
    suggestion: near ?? '',
  });
}

/** The token is of the right form and cannot be meant; `message` says what was given, the rule, the way out. */
export function invalid(text: string, offset: number, message: string): TruthError {
  return problem(text, offset, message, {});
}

/** A name that must be one of a closed list. `what`: "sort mode". */
export function unknownWord(
  text: string,
  offset: number,
  what: string,
  written: string,
  known: readonly string[],
): TruthError {
  const near = closestName(written, known);
  const meant = near === null ? '' : `; did you mean ${near}?`;
  const message = `there is no ${what} ${quoted(written)}, there is ${listed(known, near)}${meant}`;
  return problem(text, offset, message, { found: written.slice(0, SHOWN_MAX), suggestion: near ?? '' });
}

export function tooLarge(text: string, offset: number, message: string): TruthError {
  const place = placeOf(text, offset);
  return new TruthError('TOO_LARGE', `at ${place.line}:${place.column}: ${message}`, { ...place });
}

export function quoted(text: string): string {
  const short = text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text;
  return `"${short.toWellFormed()}"`;
}

function problem(
  text: string,
  offset: number,
  message: string,
  details: Readonly<Record<string, string>>,
): TruthError {
  const place = placeOf(text, offset);
  return new TruthError('INVALID_ARGUMENT', `at ${place.line}:${place.column}: ${message}`, {
    ...place,
    ...details,
  });
}

/** "A, B or C"; the one that was meant is never the one left out. */
function listed(expected: readonly string[], near: string | null): string {
  const shown = expected.slice(0, EXPECTED_MAX);
  if (expected.length > EXPECTED_MAX) {
    if (near !== null && !shown.includes(near)) shown.push(near);
    return `${shown.join(', ')}, …`;
  }
  const last = shown.at(-1) ?? 'nothing';
  return shown.length < 2 ? last : `${shown.slice(0, -1).join(', ')} or ${last}`;
}

/** The same error, with a place in front of it. */
export function placed(error: TruthError, text: string, offset: number): TruthError {
  const place = placeOf(text, offset);
  const message = `at ${place.line}:${place.column}: ${error.message}`;
  return new TruthError(error.code, message, { ...error.details, ...place }, { cause: error });
}
