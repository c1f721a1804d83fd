/** Refusals in PostgreSQL's words, with its SQLSTATE and the facts its clients ask for. */
import { type ErrorCode, type ErrorDetails, TruthError } from '../../errors.ts';

const SHOWN_CHARACTERS_MAX = 200;

/** `details` may name `table`, `column`, `constraint`, and a `detail` to be shown under the message. */
export function refusal(
  sqlstate: string,
  message: string,
  details: ErrorDetails = {},
  code: ErrorCode = 'INVALID_ARGUMENT',
): TruthError {
  return new TruthError(code, message, { sqlstate, ...details });
}

export function noTable(name: string): TruthError {
  return refusal('42P01', `relation "${name}" does not exist`, { table: name });
}

export function noColumn(name: string, table: string): TruthError {
  return refusal('42703', `column "${name}" of relation "${table}" does not exist`, { table, column: name });
}

export function nameTaken(name: string): TruthError {
  return refusal('42P07', `relation "${name}" already exists`, { table: name }, 'ALREADY_EXISTS');
}

/** What PostgreSQL has and we do not: says what was asked for and what to do instead. */
export function notSupported(what: string, instead: string): TruthError {
  return refusal('0A000', `${what} is not supported: ${instead}`);
}

/** `Key (a, b)=(1, x) already exists.` */
export function duplicateKey(
  constraint: string,
  table: string,
  columns: readonly string[],
  values: readonly string[],
): TruthError {
  return refusal(
    '23505',
    `duplicate key value violates unique constraint "${constraint}"`,
    { table, constraint, detail: `${keyText(columns, values)} already exists.` },
    'ALREADY_EXISTS',
  );
}

/** As PostgreSQL names a key in a detail; long values are cut. */
export function keyText(columns: readonly string[], values: readonly string[]): string {
  return `Key (${columns.join(', ')})=(${shown(values.join(', '))})`;
}

export function failingRow(values: readonly string[]): string {
  return `Failing row contains (${shown(values.join(', '))}).`;
}

function shown(text: string): string {
  return text.length > SHOWN_CHARACTERS_MAX ? `${text.slice(0, SHOWN_CHARACTERS_MAX)}…` : text;
}
