/** Which type becomes which, and how: PostgreSQL's casts between the types there are here. */
import { Decimal } from '../../numeric/index.ts';
import { sqlError } from '../types/sql-error.ts';
import type { SqlType, SqlValue } from '../types/sql-type.ts';
import { typeName } from '../types/type-name.ts';
import {
  BIGINT_MAX,
  BIGINT_MIN,
  firstCharacters,
  fitDecimal,
  formatText,
  INTEGER_MAX,
  INTEGER_MIN,
  parseText,
} from '../types/value-text.ts';

/** Of values that are not NULL. */
export type Convert = (value: Exclude<SqlValue, null>) => Exclude<SqlValue, null>;

/** By itself, where a value is put into a column, where somebody wrote it. Each allows what those before it allow. */
export type CastContext = 'implicit' | 'assignment' | 'explicit';

type Kind = SqlType['kind'];

/** Wider numbers take narrower ones by themselves. */
const WIDTH: Partial<Record<Kind, number>> = { integer: 0, bigint: 1, decimal: 2, double: 3 };

export function isNumeric(kind: Kind): boolean {
  return WIDTH[kind] !== undefined;
}

/** Whether a value of one kind is taken for another without anybody saying so. */
export function isImplicit(from: Kind, to: Kind): boolean {
  const narrow = WIDTH[from];
  const wide = WIDTH[to];
  return from === to || (narrow !== undefined && wide !== undefined && narrow <= wide);
}

/** Null when there is no such cast in that context. What it gives fits the type: precision, scale, length. */
export function castBetween(from: SqlType, to: SqlType, context: CastContext): Convert | null {
  const convert = from.kind === to.kind ? same : convertKind(from, to, context);
  if (convert === null) return null;
  const limit = fitting(to, context);
  if (limit === same) return convert;
  return convert === same ? limit : (value) => limit(convert(value));
}

/**
 * A value of one type as a column of another takes it. Errors: 42804 where only a cast that somebody wrote would do; 22001,
 * 22003 where the value does not fit.
 */
export function assignmentCast(value: SqlValue, from: SqlType, to: SqlType): SqlValue {
  if (value === null) return null;
  const convert = castBetween(from, to, 'assignment');
  if (convert === null) {
    throw sqlError('42804', `a ${typeName(to)} is wanted but the expression is of type ${typeName(from)}`);
  }
  return convert(value);
}

function same(value: Exclude<SqlValue, null>): Exclude<SqlValue, null> {
  return value;
}

function fitting(to: SqlType, context: CastContext): Convert {
  if (to.kind === 'decimal' && to.precision !== null) return (value) => fitDecimal(value as Decimal, to);
  if (to.kind === 'text' && to.lengthMax !== null) {
    const { lengthMax } = to;
    // A cast that somebody wrote cuts; a column refuses.
    return context === 'explicit'
      ? (value) => firstCharacters(value as string, lengthMax)
      : (value) => parseText(to, value as string);
  }
  return same;
}

function convertKind(from: SqlType, to: SqlType, context: CastContext): Convert | null {
  if (isNumeric(from.kind) && isNumeric(to.kind)) {
    return context === 'implicit' && !isImplicit(from.kind, to.kind)
      ? null
      : convertNumber(from.kind, to.kind);
  }
  if (context === 'implicit') return null;
  if (to.kind === 'text') return textOf(from);
  if (context === 'assignment') return null;
  if (from.kind === 'text') return (value) => parseText(withoutLimits(to), value as string);
  if (from.kind === 'integer' && to.kind === 'boolean') return (value) => value !== 0;
  if (from.kind === 'boolean' && to.kind === 'integer') return (value) => (value === true ? 1 : 0);
  return null;
}

/** As a cast to text writes it: booleans as words, everything else like its output. */
export function textOf(from: SqlType): Convert {
  return from.kind === 'boolean'
    ? (value) => (value === true ? 'true' : 'false')
    : (value) => formatText(from, value);
}

function withoutLimits(type: SqlType): SqlType {
  return type.kind === 'decimal' ? { kind: 'decimal', precision: null, scale: null } : type;
}

function convertNumber(from: Kind, to: Kind): Convert {
  switch (to) {
    case 'integer':
      if (from === 'bigint') return (value) => toInteger(value as bigint);
      if (from === 'decimal') return (value) => toInteger((value as Decimal).toInteger());
      return (value) => doubleToInteger(value as number);
    case 'bigint':
      if (from === 'integer') return (value) => BigInt(value as number);
      if (from === 'decimal') return (value) => toBigint((value as Decimal).toInteger());
      return (value) => doubleToBigint(value as number);
    case 'decimal':
      if (from === 'double') return (value) => Decimal.fromDouble(value as number);
      return (value) => Decimal.fromInteger(value as number | bigint);
    default:
      if (from === 'decimal') return (value) => decimalToDouble(value as Decimal);
      return (value) => Number(value as number | bigint);
  }
}

export function toInteger(value: bigint): number {
  const number = Number(value);
  if (number < INTEGER_MIN || number > INTEGER_MAX) throw sqlError('22003', 'integer out of range');
  return number;
}

export function toBigint(value: bigint): bigint {
  if (value < BIGINT_MIN || value > BIGINT_MAX) throw sqlError('22003', 'bigint out of range');
  return value;
}

function doubleToInteger(value: number): number {
  const rounded = roundEven(value);
  if (!(rounded >= INTEGER_MIN && rounded <= INTEGER_MAX)) throw sqlError('22003', 'integer out of range');
  return rounded + 0;
}

function doubleToBigint(value: number): bigint {
  const rounded = roundEven(value);
  // 2^63 itself is a double and too large.
  if (!(rounded >= Number(BIGINT_MIN) && rounded < -Number(BIGINT_MIN))) {
    throw sqlError('22003', 'bigint out of range');
  }
  return BigInt(rounded);
}

function decimalToDouble(value: Decimal): number {
  const double = value.toDouble();
  const isLost = !Number.isFinite(double) || (double === 0 && value.sign !== 0);
  if (isLost)
    throw sqlError('22003', `"${value.toString().slice(0, 40)}" is out of range for type double precision`);
  return double;
}

/** To a whole number, a half to the even one, as C's rint() does. */
export function roundEven(value: number): number {
  const whole = Math.floor(value);
  const rest = value - whole;
  const rounded = rest > 0.5 || (rest === 0.5 && whole % 2 !== 0) ? whole + 1 : whole;
  // The sign of a zero stays.
  return rounded === 0 && (value < 0 || Object.is(value, -0)) ? -0 : rounded;
}
