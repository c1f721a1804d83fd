/** Calls of functions by name. */
import type { CallExpression } from '../ast.ts';
import { sqlError } from '../types/sql-error.ts';
import type { SqlType, SqlValue } from '../types/sql-type.ts';
import { typeName } from '../types/type-name.ts';
import type { BoundExpression, Evaluate } from './bound.ts';
import { bindCoalesce, bindConcat, bindConcatWith, bindExtreme, bindNullIf } from './conditional.ts';
import { chooseFunction, type FunctionTable, noFunction, type SqlFunction } from './function-table.ts';
import { INEXACT_FUNCTIONS, NUMBER_FUNCTIONS } from './number-functions.ts';
import { coerce, combine, constant, isUnknown, type Operand, TEXT } from './operand.ts';
import { OTHER_FUNCTIONS } from './other-functions.ts';
import { TEXT_FUNCTIONS } from './text-functions.ts';
import { TIME_FUNCTIONS } from './time-functions.ts';

type Value = Exclude<SqlValue, null>;

const FUNCTIONS: FunctionTable = Object.assign(
  Object.create(null) as FunctionTable,
  TEXT_FUNCTIONS,
  NUMBER_FUNCTIONS,
  TIME_FUNCTIONS,
  OTHER_FUNCTIONS,
);
const NOTHING: readonly Value[] = [];

/** Errors: 42883 for what there is not, 0A000 with the reason for what PostgreSQL has and this will not have. */
export function bindCall(call: CallExpression, operands: readonly Operand[]): BoundExpression {
  const { name, at } = call;
  if (call.star) throw noFunction(name, [], at);
  if (call.distinct) {
    throw sqlError('42809', `DISTINCT specified, but ${name} is not an aggregate function`, at);
  }
  const [first, second] = operands;
  switch (name) {
    case 'coalesce':
      return bindCoalesce(operands, at);
    case 'greatest':
    case 'least':
      return bindExtreme(name, operands, at);
    case 'nullif':
      if (operands.length === 2) return bindNullIf(first!, second!, at);
      break;
    case 'concat':
      if (first !== undefined) return bindConcat(operands);
      break;
    case 'concat_ws':
      if (operands.length >= 2 && isText(first!)) return bindConcatWith(first!, operands.slice(1));
      break;
    case 'substring':
      if (operands.length === 2 && isText(second!)) {
        throw sqlError(
          '0A000',
          'substring() with a regular expression is not supported: take positions, or LIKE',
          at,
        );
      }
      break;
    case 'pg_typeof':
      if (operands.length === 1) return constant(TEXT, isUnknown(first!) ? 'unknown' : bareName(first!.type));
      break;
  }
  const functions = FUNCTIONS[name];
  if (functions !== undefined) return bindFunction(chooseFunction(name, functions, operands, at), operands);
  throw unavailable(name, operands, at);
}

function unavailable(name: string, operands: readonly Operand[], at: number): Error {
  if (INEXACT_FUNCTIONS.has(name)) {
    return sqlError(
      '0A000',
      `${name}() is not supported: the last digit of its result depends on the machine, and tables must come out the same everywhere; compute it in the program`,
      at,
    );
  }
  if (name === 'random' || name === 'clock_timestamp' || name === 'timeofday') {
    return sqlError(
      '0A000',
      `${name}() is not supported: it changes within a statement; take now() or gen_random_uuid(), or send the value as a parameter`,
      at,
    );
  }
  if (name === 'current_date' || name === 'current_time' || name === 'localtime') {
    return sqlError(
      '0A000',
      `${name.toUpperCase()} is not supported: there are no types of dates and times alone; take date_trunc('day', now())`,
      at,
    );
  }
  return noFunction(name, operands, at);
}

function isText(operand: Operand): boolean {
  return isUnknown(operand) || operand.type.kind === 'text';
}

function bareName(type: SqlType): string {
  return typeName(type).replace(/\(.*\)$/, '');
}

function bindFunction(chosen: SqlFunction, operands: readonly Operand[]): BoundExpression {
  const { takes, gives, apply, volatility } = chosen;
  const parts = operands.map((operand, place) => coerce(operand, takes[Math.min(place, takes.length - 1)]!));
  const evaluate = parts.length === 1 ? ofOne(parts[0]!.evaluate, apply) : ofMany(parts, apply);
  return combine(gives, parts, evaluate, { shape: 'other' }, volatility);
}

function ofOne(argument: Evaluate, apply: SqlFunction['apply']): Evaluate {
  return (row, context) => {
    const value = argument(row, context);
    return value === null ? null : apply([value], context);
  };
}

function ofMany(parts: readonly BoundExpression[], apply: SqlFunction['apply']): Evaluate {
  if (parts.length === 0) return (_, context) => apply(NOTHING, context);
  const each = parts.map(({ evaluate }) => evaluate);
  return (row, context) => {
    const values: SqlValue[] = new Array(each.length);
    let isNull = false;
    for (let index = 0; index < each.length; index++) {
      const value = each[index]!(row, context);
      if (value === null) isNull = true;
      values[index] = value;
    }
    return isNull ? null : apply(values as Value[], context);
  };
}
