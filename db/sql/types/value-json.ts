/** Values as JSON carries them over HTTP and our own protocol, and parameters as programs give them. */
import { Decimal } from '../../numeric/index.ts';
import { sqlError } from './sql-error.ts';
import type { SqlType, SqlValue } from './sql-type.ts';
import { checkTimestamp } from './timestamp-text.ts';
import { typeName } from './type-name.ts';
import {
  BIGINT_MAX,
  BIGINT_MIN,
  checkJson,
  fitDecimal,
  formatText,
  INTEGER_MAX,
  INTEGER_MIN,
  parseText,
} from './value-text.ts';

/** What JSON has room for without losing a digit. */
export type JsonScalar = null | boolean | number | string;

/**
 * Integers, doubles and booleans are JSON's own; everything else is a string, as its output has it: what `parameterValue` takes
 * back. NaN and the infinities, which JSON does not have, are strings too.
 */
export function toJsonScalar(type: SqlType, value: SqlValue): JsonScalar {
  if (value === null || typeof value === 'boolean') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  return formatText(type, value);
}

/**
 * What a program gave for a parameter, as a value of its type: numbers and bigints for any number that holds them, strings as
 * PostgreSQL reads them, bytes, booleans, decimals; for JSON text, or any object or array. Errors: 22P02, 22003 and what
 * `parseText` has; 42804 when it is of another kind altogether.
 */
export function parameterValue(type: SqlType, given: unknown): SqlValue {
  if (given === null || given === undefined) return null;
  if (typeof given === 'string') return parseText(type, given);
  switch (type.kind) {
    case 'integer':
    case 'bigint':
      return wholeValue(type, given);
    case 'double':
      if (typeof given === 'number') return Number.isNaN(given) ? Number.NaN : given;
      if (typeof given === 'bigint') return Number(given);
      if (given instanceof Decimal) return given.toDouble();
      break;
    case 'decimal':
      if (given instanceof Decimal) return fitDecimal(given, type);
      if (typeof given === 'bigint') return fitDecimal(Decimal.fromInteger(given), type);
      // As the program would print it: 0.1 is meant to be 0.1.
      if (typeof given === 'number' && Number.isFinite(given))
        return fitDecimal(Decimal.parse(String(given)), type);
      break;
    case 'text':
      if (typeof given === 'number' || typeof given === 'bigint') return parseText(type, String(given));
      break;
    case 'boolean':
      if (typeof given === 'boolean') return given;
      break;
    case 'timestamp':
      if (typeof given === 'bigint') return checkTimestamp(given, given.toString());
      if (given instanceof Date && !Number.isNaN(given.getTime())) return BigInt(given.getTime()) * 1_000n;
      break;
    case 'bytes':
      if (given instanceof Uint8Array) return new Uint8Array(given);
      break;
    case 'json':
      return jsonValue(given);
    case 'uuid':
      break;
  }
  throw wrongKind(type, given);
}

function wholeValue(type: SqlType, given: unknown): SqlValue {
  const isWhole = typeof given === 'bigint' || (typeof given === 'number' && Number.isInteger(given));
  if (!isWhole) {
    if (given instanceof Decimal && given.equals(given.truncate(0)))
      return wholeValue(type, given.toInteger());
    if (typeof given === 'number')
      throw sqlError('22P02', `invalid input for type ${typeName(type)}: ${given}`);
    throw wrongKind(type, given);
  }
  if (type.kind === 'integer') {
    if (given < INTEGER_MIN || given > INTEGER_MAX) throw outOfRange(type, given);
    return Number(given) + 0;
  }
  // Above 2^53 a JavaScript number may not be what was meant.
  if (typeof given === 'number' && !Number.isSafeInteger(given)) throw outOfRange(type, given);
  const value = BigInt(given);
  if (value < BIGINT_MIN || value > BIGINT_MAX) throw outOfRange(type, given);
  return value;
}

function jsonValue(given: unknown): string {
  const text = typeof given === 'bigint' ? String(given) : JSON.stringify(given);
  if (text === undefined) throw wrongKind({ kind: 'json' }, given);
  return checkJson(text);
}

function outOfRange(type: SqlType, given: bigint | number): Error {
  return sqlError('22003', `value "${given}" is out of range for type ${typeName(type)}`);
}

function wrongKind(type: SqlType, given: unknown): Error {
  const what = given instanceof Uint8Array ? 'bytes' : typeof given;
  return sqlError(
    '42804',
    `a parameter is of type ${typeName(type)} but ${what} was given; a string is read as ${typeName(type)}`,
  );
}
