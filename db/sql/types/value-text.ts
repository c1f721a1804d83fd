/** Text form of every type, in and out, as PostgreSQL 15 has it. */
import { Decimal } from '../../numeric/decimal.ts';
import { withoutBlanks } from './blanks.ts';
import { bytesFromText, bytesToText } from './bytes-text.ts';
import { formatDouble, parseDouble } from './double-text.ts';
import { sqlError } from './sql-error.ts';
import type { SqlType, SqlValue } from './sql-type.ts';
import { formatTimestamp, parseTimestamp } from './timestamp-text.ts';
import { baseTypeName } from './type-name.ts';

export const INTEGER_MIN = -2_147_483_648;
export const INTEGER_MAX = 2_147_483_647;
export const BIGINT_MIN = -9_223_372_036_854_775_808n;
export const BIGINT_MAX = 9_223_372_036_854_775_807n;
/** More than the largest bigint has: cut there a number is still out of range. */
const WHOLE_DIGITS_MAX = 25;
const WHOLE = /^[+-]?\d+$/;
const UUID = /^\{?((?:[0-9a-f]{4}-?){7}[0-9a-f]{4})\}?$/i;
const SHOWN_MAX = 100;

/** A value out of text that is not NULL. Throws 22P02 for what is not of that type, 22003, 22007, 22008, 22023 as PostgreSQL does. */
export function parseText(type: SqlType, text: string): Exclude<SqlValue, null> {
  switch (type.kind) {
    case 'integer':
      return parseInteger(text);
    case 'bigint':
      return parseBigint(text);
    case 'double':
      return parseDouble(text);
    case 'decimal':
      return fitDecimal(Decimal.parse(text), type);
    case 'text':
      return fitText(checkText(text), type);
    case 'boolean':
      return parseBoolean(text);
    case 'timestamp':
      return parseTimestamp(text);
    case 'bytes':
      return bytesFromText(text);
    case 'json':
      return checkJson(text);
    case 'uuid':
      return parseUuid(text);
  }
}

/** The text of a value that is not NULL, `value` being one of `type`. */
export function formatText(type: SqlType, value: Exclude<SqlValue, null>): string {
  switch (type.kind) {
    case 'double':
      return formatDouble(value as number);
    case 'boolean':
      return value === true ? 't' : 'f';
    case 'timestamp':
      return formatTimestamp(value as bigint);
    case 'bytes':
      return bytesToText(value as Uint8Array);
    case 'text':
    case 'json':
    case 'uuid':
      return value as string;
    default:
      return String(value);
  }
}

/** Rounded to the type's scale. Throws 22003 where it has too many digits then. */
export function fitDecimal(value: Decimal, type: Extract<SqlType, { kind: 'decimal' }>): Decimal {
  if (type.precision === null) return value;
  const scale = type.scale ?? 0;
  const rounded = value.round(scale);
  const limit = Decimal.parse(`1e${type.precision - scale}`);
  if (rounded.absolute().compare(limit) < 0) return rounded;
  throw sqlError(
    '22003',
    `numeric field overflow: ${shown(value.toString())} does not fit numeric(${type.precision},${scale}), it must round to less than 10^${type.precision - scale}`,
  );
}

/** Blanks too many are cut off, as the standard wants. Throws 22001 for anything else too long. */
function fitText(text: string, type: Extract<SqlType, { kind: 'text' }>): string {
  const { lengthMax } = type;
  if (lengthMax === null || text.length <= lengthMax) return text;
  const cut = firstCharacters(text, lengthMax);
  if (/[^ ]/.test(text.slice(cut.length))) {
    throw sqlError('22001', `value too long for type character varying(${lengthMax})`);
  }
  return cut;
}

/** At most `count` characters, which are code points. */
export function firstCharacters(text: string, count: number): string {
  if (text.length <= count) return text;
  let at = 0;
  for (let seen = 0; seen < count && at < text.length; seen++) at += text.codePointAt(at)! > 0xffff ? 2 : 1;
  return text.slice(0, at);
}

/** What UTF-8 can hold, without NUL. Throws 22021. */
export function checkText(text: string): string {
  if (text.includes('\0')) throw sqlError('22021', 'invalid byte sequence for encoding "UTF8": 0x00');
  if (!text.isWellFormed()) {
    throw sqlError('22021', 'invalid text: it has half of a surrogate pair, which UTF-8 cannot hold');
  }
  return text;
}

/** Throws 22P02 for what is no JSON. It is kept as it was written. */
export function checkJson(text: string): string {
  checkText(text);
  try {
    JSON.parse(text);
  } catch (error) {
    throw sqlError('22P02', `invalid input syntax for type json: ${(error as Error).message}`);
  }
  return text;
}

function parseInteger(text: string): number {
  const digits = withoutBlanks(text);
  if (!WHOLE.test(digits)) throw notWhole({ kind: 'integer' }, text, BigInt(INTEGER_MAX));
  const value = Number(digits);
  if (value < INTEGER_MIN || value > INTEGER_MAX) throw outOfRange({ kind: 'integer' }, text);
  // -0 is not an integer.
  return value + 0;
}

function parseBigint(text: string): bigint {
  const digits = withoutBlanks(text);
  if (!WHOLE.test(digits)) throw notWhole({ kind: 'bigint' }, text, BIGINT_MAX);
  // BigInt knows no plus sign.
  const value = wholeOf(digits);
  if (value < BIGINT_MIN || value > BIGINT_MAX) throw outOfRange({ kind: 'bigint' }, text);
  return value;
}

/** Of digits with a sign; what has many more than any of ours is not read to its end. */
function wholeOf(digits: string): bigint {
  const [, sign, size = ''] = /^([+-]?)0*(\d*)$/.exec(digits)!;
  const value = BigInt(size.slice(0, WHOLE_DIGITS_MAX));
  return sign === '-' ? -value : value;
}

/** PostgreSQL reads from the left: a number too large counts before what follows it. */
function notWhole(type: SqlType, text: string, most: bigint): Error {
  const [, sign, digits] = /^([+-]?)(\d+)/.exec(withoutBlanks(text)) ?? [];
  const isTooLarge = digits !== undefined && wholeOf(digits) > (sign === '-' ? most + 1n : most);
  return isTooLarge ? outOfRange(type, text) : invalid(type, text);
}

/** The words of PostgreSQL and how far they may be shortened. */
function parseBoolean(text: string): boolean {
  const word = withoutBlanks(text).toLowerCase();
  if (word === '1' || word === 'on') return true;
  if (word === '0' || word === 'of' || word === 'off') return false;
  if (word !== '' && ('true'.startsWith(word) || 'yes'.startsWith(word))) return true;
  if (word !== '' && ('false'.startsWith(word) || 'no'.startsWith(word))) return false;
  throw invalid({ kind: 'boolean' }, text);
}

function parseUuid(text: string): string {
  const digits = UUID.exec(text)?.[1]?.replaceAll('-', '').toLowerCase();
  if (digits === undefined || text.startsWith('{') !== text.endsWith('}')) {
    throw invalid({ kind: 'uuid' }, text);
  }
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-${digits.slice(12, 16)}-${digits.slice(16, 20)}-${digits.slice(20)}`;
}

function invalid(type: SqlType, text: string): Error {
  return sqlError('22P02', `invalid input syntax for type ${baseTypeName(type)}: "${shown(text)}"`);
}

function outOfRange(type: SqlType, text: string): Error {
  return sqlError('22003', `value "${shown(text)}" is out of range for type ${baseTypeName(type)}`);
}

function shown(text: string): string {
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text;
}
