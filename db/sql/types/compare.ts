/** The order of values, as ORDER BY, indexes and comparisons have it. NULLs are the caller's matter. */
import type { Decimal } from '../../numeric/decimal.ts';
import { sqlError } from './sql-error.ts';
import type { SqlType, SqlValue } from './sql-type.ts';

/** Negative, 0 or positive. */
export type Comparator<Value = Exclude<SqlValue, null>> = (left: Value, right: Value) => number;

/** Over two values of that type, neither NULL. Throws 42883 for JSON, which has no order and no equality. */
export function comparatorOf(type: SqlType): Comparator {
  switch (type.kind) {
    case 'integer':
    case 'bigint':
    case 'timestamp':
    case 'boolean':
    case 'uuid':
      return byNature;
    case 'double':
      return compareDoubles as Comparator;
    case 'decimal':
      return compareDecimals as Comparator;
    case 'text':
      return compareText as Comparator;
    case 'bytes':
      return compareBytes as Comparator;
    case 'json':
      throw sqlError(
        '42883',
        'could not identify an ordering operator for type json; take a part of it with json_extract_path_text()',
      );
  }
}

/** UUIDs are lower-case hexadecimal, so their text has the order of their bytes. */
function byNature(left: Exclude<SqlValue, null>, right: Exclude<SqlValue, null>): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/** NaN equals itself and is greater than everything; -0 equals 0. */
export function compareDoubles(left: number, right: number): number {
  if (left < right) return -1;
  if (left > right) return 1;
  if (left === right) return 0;
  const leftIsNan = Number.isNaN(left);
  return leftIsNan === Number.isNaN(right) ? 0 : leftIsNan ? 1 : -1;
}

function compareDecimals(left: Decimal, right: Decimal): number {
  return left.compare(right);
}

/** By UTF-8 bytes, which is by code points. UTF-16 has the characters past U+FFFF before U+E000 to U+FFFF: those two change places. */
export function compareText(left: string, right: string): number {
  if (left === right) return 0;
  const length = Math.min(left.length, right.length);
  for (let at = 0; at < length; at++) {
    const one = left.charCodeAt(at);
    const other = right.charCodeAt(at);
    if (one !== other)
      return one >= 0xd800 && other >= 0xd800 ? pastSurrogates(one) - pastSurrogates(other) : one - other;
  }
  return left.length - right.length;
}

function pastSurrogates(unit: number): number {
  return unit >= 0xe000 ? unit - 0x800 : unit + 0x2000;
}

export function compareBytes(left: Uint8Array, right: Uint8Array): number {
  return Buffer.compare(left, right);
}
