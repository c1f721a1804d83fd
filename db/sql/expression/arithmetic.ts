/** + - * / % and the unary minus, each per type of number, with PostgreSQL's errors for what does not fit. */
import type { Decimal } from '../../numeric/index.ts';
import { sqlError } from '../types/sql-error.ts';
import type { SqlType, SqlValue } from '../types/sql-type.ts';
import { BIGINT_MIN, INTEGER_MAX, INTEGER_MIN } from '../types/value-text.ts';
import { toBigint } from './casts.ts';

export type ArithmeticOperator = '+' | '-' | '*' | '/' | '%';

/** Of two values of the same type, neither NULL. */
type Operation<Value> = (left: Value, right: Value) => Value;

export type AnyOperation = Operation<Exclude<SqlValue, null>>;

const INTEGERS: Readonly<Record<ArithmeticOperator, Operation<number>>> = {
  '+': (left, right) => checkInteger(left + right),
  '-': (left, right) => checkInteger(left - right),
  // Beyond 2^53 the product is not exact, and far out of range.
  '*': (left, right) => checkInteger(left * right),
  '/': (left, right) => {
    if (right === 0) throw divisionByZero();
    return checkInteger(Math.trunc(left / right));
  },
  '%': (left, right) => {
    if (right === 0) throw divisionByZero();
    return (left % right) + 0;
  },
};

const BIGINTS: Readonly<Record<ArithmeticOperator, Operation<bigint>>> = {
  '+': (left, right) => toBigint(left + right),
  '-': (left, right) => toBigint(left - right),
  '*': (left, right) => toBigint(left * right),
  '/': (left, right) => {
    if (right === 0n) throw divisionByZero();
    return toBigint(left / right);
  },
  '%': (left, right) => {
    if (right === 0n) throw divisionByZero();
    return left % right;
  },
};

const DECIMALS: Readonly<Record<ArithmeticOperator, Operation<Decimal>>> = {
  '+': (left, right) => left.add(right),
  '-': (left, right) => left.subtract(right),
  '*': (left, right) => left.multiply(right),
  '/': (left, right) => left.divide(right),
  '%': (left, right) => left.remainder(right),
};

const DOUBLES: Readonly<Record<Exclude<ArithmeticOperator, '%'>, Operation<number>>> = {
  '+': (left, right) => checkFinite(left + right, left, right),
  '-': (left, right) => checkFinite(left - right, left, right),
  '*': (left, right) => {
    const product = checkFinite(left * right, left, right);
    if (product === 0 && left !== 0 && right !== 0) throw underflow();
    return product;
  },
  '/': (left, right) => {
    if (right === 0 && !Number.isNaN(left)) throw divisionByZero();
    const quotient = left / right;
    if (!Number.isFinite(quotient) && Number.isFinite(left) && !Number.isNaN(right)) throw overflow();
    if (quotient === 0 && left !== 0 && Number.isFinite(right)) throw underflow();
    return quotient;
  },
};

/** Null where that type has no such operator. */
export function arithmetic(operator: ArithmeticOperator, kind: SqlType['kind']): AnyOperation | null {
  switch (kind) {
    case 'integer':
      return INTEGERS[operator] as AnyOperation;
    case 'bigint':
      return BIGINTS[operator] as AnyOperation;
    case 'decimal':
      return DECIMALS[operator] as AnyOperation;
    case 'double':
      return operator === '%' ? null : (DOUBLES[operator] as AnyOperation);
    default:
      return null;
  }
}

/** Null where that type has none. */
export function negation(
  kind: SqlType['kind'],
): ((value: Exclude<SqlValue, null>) => Exclude<SqlValue, null>) | null {
  switch (kind) {
    case 'integer':
      return (value) => checkInteger(0 - (value as number));
    case 'bigint':
      return (value) => toBigint(-(value as bigint));
    case 'decimal':
      return (value) => (value as Decimal).negate();
    case 'double':
      return (value) => -(value as number);
    default:
      return null;
  }
}

/** Throws 22003. Never -0. */
export function checkInteger(value: number): number {
  if (value < INTEGER_MIN || value > INTEGER_MAX) throw sqlError('22003', 'integer out of range');
  return value + 0;
}

export function absoluteBigint(value: bigint): bigint {
  if (value === BIGINT_MIN) throw sqlError('22003', 'bigint out of range');
  return value < 0n ? -value : value;
}

function checkFinite(result: number, left: number, right: number): number {
  const isLost =
    result - result !== 0 && !Number.isNaN(result) && Number.isFinite(left) && Number.isFinite(right);
  if (isLost) throw overflow();
  return result;
}

function overflow(): Error {
  return sqlError('22003', 'value out of range: overflow');
}

function underflow(): Error {
  return sqlError('22003', 'value out of range: underflow');
}

function divisionByZero(): Error {
  return sqlError('22012', 'division by zero');
}
