/** Functions over numbers that are exact, or rounded as IEEE 754 says: the same on every machine. */
import { Decimal } from '../../numeric/index.ts';
import { sqlError } from '../types/sql-error.ts';
import { absoluteBigint, arithmetic, checkInteger } from './arithmetic.ts';
import { roundEven } from './casts.ts';
import { type FunctionTable, from1, from2, type SqlFunction } from './function-table.ts';
import { BIGINT, DECIMAL, DOUBLE, INTEGER } from './operand.ts';

export const NUMBER_FUNCTIONS: FunctionTable = {
  abs: [
    from1(INTEGER, INTEGER, (value: number) => checkInteger(Math.abs(value))),
    from1(BIGINT, BIGINT, absoluteBigint),
    from1(DECIMAL, DECIMAL, (value: Decimal) => value.absolute()),
    from1(DOUBLE, DOUBLE, Math.abs),
  ],
  ceil: wholes((value) => value.ceiling(), Math.ceil),
  ceiling: wholes((value) => value.ceiling(), Math.ceil),
  floor: wholes((value) => value.floor(), Math.floor),
  round: [
    ...wholes((value) => value.round(0), roundEven),
    from2(DECIMAL, INTEGER, DECIMAL, (value: Decimal, digits: number) => value.round(digits)),
  ],
  trunc: [
    ...wholes((value) => value.truncate(0), Math.trunc),
    from2(DECIMAL, INTEGER, DECIMAL, (value: Decimal, digits: number) => value.truncate(digits)),
  ],
  sign: [
    from1(DECIMAL, DECIMAL, (value: Decimal) => Decimal.fromInteger(value.sign)),
    from1(DOUBLE, DOUBLE, (value: number) => (value > 0 ? 1 : value < 0 ? -1 : 0)),
  ],
  mod: [remainder(INTEGER), remainder(BIGINT), remainder(DECIMAL)],
  sqrt: [
    from1(DECIMAL, DECIMAL, (value: Decimal) => value.squareRoot()),
    from1(DOUBLE, DOUBLE, (value: number) => {
      if (value < 0) throw sqlError('2201F', 'cannot take square root of a negative number');
      return Math.sqrt(value);
    }),
  ],
};

/** Known to PostgreSQL, refused here: the last digit of what they give depends on the machine's library. */
export const INEXACT_FUNCTIONS: ReadonlySet<string> = new Set([
  ...[
    'power',
    'pow',
    'exp',
    'ln',
    'log',
    'log10',
    'cbrt',
    'sin',
    'cos',
    'tan',
    'cot',
    'asin',
    'acos',
    'atan',
  ],
  ...['atan2', 'sinh', 'cosh', 'tanh', 'asinh', 'acosh', 'atanh', 'sind', 'cosd', 'tand', 'asind', 'acosd'],
  ...['atand'],
]);

function wholes(exact: (value: Decimal) => Decimal, double: (value: number) => number): SqlFunction[] {
  return [from1(DECIMAL, DECIMAL, exact), from1(DOUBLE, DOUBLE, double)];
}

function remainder(type: typeof INTEGER): SqlFunction {
  return from2(type, type, type, arithmetic('%', type.kind)!);
}
