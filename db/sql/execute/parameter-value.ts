import { Decimal } from '../../numeric/index.ts';
import type { SqlParameter } from '../contract.ts';
import { parseText, type SqlType, type SqlValue, sqlError, typeName } from '../types/index.ts';

/** A parameter as its type has it. `index`: its number less one. Errors: INVALID_ARGUMENT: 42P02 where it is missing, 22P02 and its like, 42804. */
export function parameterValue(type: SqlType, given: SqlParameter | undefined, index: number): SqlValue {
  if (given === undefined) throw sqlError('42P02', `there is no value for parameter $${index + 1}`);
  if (given.given === 'text') return given.text === null ? null : parseText(type, given.text);
  const { value } = given;
  if (value === null) return null;
  const fitting = typeof value === 'string' ? parseText(type, value) : fitted(value, type);
  if (fitting !== null) return fitting;
  throw sqlError(
    '42804',
    `parameter $${index + 1} is of type ${typeName(type)}, but what was given is ${described(value)}`,
  );
}

/** Null where the value is of a kind that the type does not take. Numbers go wherever nothing of them is lost. */
function fitted(value: Exclude<SqlValue, null | string>, type: SqlType): SqlValue {
  switch (type.kind) {
    case 'bigint':
      if (typeof value === 'bigint' && BigInt.asIntN(64, value) === value) return value;
      return isNumber(value) ? parseText(type, value.toString()) : null;
    case 'integer':
    case 'decimal':
      return isNumber(value) ? parseText(type, value.toString()) : null;
    case 'double':
      if (typeof value === 'number') return value;
      return isNumber(value) ? parseText(type, value.toString()) : null;
    case 'timestamp':
      return typeof value === 'bigint' ? value : null;
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    case 'bytes':
      return value instanceof Uint8Array ? value : null;
    default:
      return null;
  }
}

function isNumber(value: Exclude<SqlValue, null>): value is number | bigint | Decimal {
  return typeof value === 'number' || typeof value === 'bigint' || value instanceof Decimal;
}

function described(value: Exclude<SqlValue, null>): string {
  if (value instanceof Uint8Array) return 'bytes';
  return value instanceof Decimal ? 'a decimal' : `a ${typeof value}`;
}
