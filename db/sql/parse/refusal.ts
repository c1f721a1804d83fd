/** What the parser says when it does not take a text: where, what was found, which rule, the way out. */
import { TruthError } from '../../errors.ts';

/** Line and column begin with 1, columns in characters. */
interface Place {
  readonly line: number;
  readonly column: number;
  /** In characters from the text's beginning, 1 for the first: PostgreSQL's `position`. */
  readonly position: number;
}

/** Errors: none. An offset behind the end is the end. */
export function placeOf(text: string, offset: number): Place {
  const at = Math.max(0, Math.min(offset, text.length));
  let line = 1;
  let lineStart = 0;
  for (let found = text.indexOf('\n'); found >= 0 && found < at; found = text.indexOf('\n', found + 1)) {
    line += 1;
    lineStart = found + 1;
  }
  return { line, column: characters(text, lineStart, at) + 1, position: characters(text, 0, at) + 1 };
}

function characters(text: string, from: number, to: number): number {
  let count = 0;
  for (let at = from; at < to; count += 1) at += text.codePointAt(at)! > 0xffff ? 2 : 1;
  return count;
}

/** The text is not SQL: `what` says what was found, `wayOut` what to write. */
export function syntaxError(
  text: string,
  at: number,
  what: string,
  wayOut: string,
  sqlstate = '42601',
): TruthError {
  return problem(
    'INVALID_ARGUMENT',
    text,
    at,
    `syntax error at ${lineColumn(text, at)}: ${what}; ${wayOut}`,
    sqlstate,
  );
}

/** The text is SQL that this database does not do. `construct` in the user's words; `instead` may be ''. */
export function notSupported(text: string, at: number, construct: string, instead: string): TruthError {
  const wayOut = instead === '' ? '' : `: ${instead}`;
  return problem(
    'INVALID_ARGUMENT',
    text,
    at,
    `${construct} at ${lineColumn(text, at)} is not supported${wayOut}`,
    '0A000',
  );
}

/** The text says something that cannot be meant, with a SQLSTATE that says which rule. */
export function invalid(text: string, at: number, message: string, sqlstate: string): TruthError {
  return problem('INVALID_ARGUMENT', text, at, `${message} (at ${lineColumn(text, at)})`, sqlstate);
}

export function tooLarge(text: string, at: number, message: string, sqlstate: '54000' | '54001'): TruthError {
  return problem('TOO_LARGE', text, at, `${message} (at ${lineColumn(text, at)})`, sqlstate);
}

function lineColumn(text: string, at: number): string {
  const { line, column } = placeOf(text, at);
  return `${line}:${column}`;
}

function problem(
  code: 'INVALID_ARGUMENT' | 'TOO_LARGE',
  text: string,
  at: number,
  message: string,
  sqlstate: string,
): TruthError {
  return new TruthError(code, message, { sqlstate, ...placeOf(text, at) });
}
