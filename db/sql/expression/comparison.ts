/** Comparisons of two values of one type, made for that type once so that nothing is decided per row. */
import type { Decimal } from '../../numeric/index.ts';
import { compareBytes, compareDoubles, compareText } from '../types/compare.ts';
import type { SqlType, SqlValue } from '../types/sql-type.ts';
import type { ComparisonOperator, Evaluate } from './bound.ts';

type Value = Exclude<SqlValue, null>;
type Test = (left: Value, right: Value) => boolean;

/** JSON has no equality: there is no operator to call. */
export function isComparable(kind: SqlType['kind']): boolean {
  return kind !== 'json';
}

/** NULL when one side is; both are computed all the same, as an error in either counts. */
export function comparison(
  operator: ComparisonOperator,
  kind: SqlType['kind'],
  left: Evaluate,
  right: Evaluate,
): Evaluate {
  const isNumber = kind === 'integer' || kind === 'bigint' || kind === 'timestamp';
  if (isNumber && operator === '<') return numbersLess(left, right);
  if (isNumber && operator === '>') return numbersLess(right, left);
  const test = testOf(operator, kind);
  return (row, context) => {
    const one = left(row, context);
    const other = right(row, context);
    return one === null || other === null ? null : test(one, other);
  };
}

/** NULL is a value like others here. */
export function distinction(kind: SqlType['kind'], left: Evaluate, right: Evaluate): Evaluate {
  const equal = testOf('=', kind);
  return (row, context) => {
    const one = left(row, context);
    const other = right(row, context);
    if (one === null || other === null) return one !== other;
    return !equal(one, other);
  };
}

export function testOf(operator: ComparisonOperator, kind: SqlType['kind']): Test {
  switch (kind) {
    case 'double':
      return ordered(operator, compareDoubles as (left: Value, right: Value) => number);
    case 'decimal':
      return ordered(operator, (left, right) => (left as Decimal).compare(right as Decimal));
    case 'bytes':
      return ordered(operator, compareBytes as (left: Value, right: Value) => number);
    case 'text':
      if (operator === '=') return (left, right) => left === right;
      if (operator === '<>') return (left, right) => left !== right;
      return ordered(operator, compareText as (left: Value, right: Value) => number);
    default:
      return natural(operator);
  }
}

function numbersLess(left: Evaluate, right: Evaluate): Evaluate {
  return (row, context) => {
    const one = left(row, context);
    const other = right(row, context);
    return one === null || other === null ? null : one < other;
  };
}

function natural(operator: ComparisonOperator): Test {
  switch (operator) {
    case '=':
      return (left, right) => left === right;
    case '<>':
      return (left, right) => left !== right;
    case '<':
      return (left, right) => left < right;
    case '<=':
      return (left, right) => left <= right;
    case '>':
      return (left, right) => left > right;
    case '>=':
      return (left, right) => left >= right;
  }
}

function ordered(operator: ComparisonOperator, compare: (left: Value, right: Value) => number): Test {
  switch (operator) {
    case '=':
      return (left, right) => compare(left, right) === 0;
    case '<>':
      return (left, right) => compare(left, right) !== 0;
    case '<':
      return (left, right) => compare(left, right) < 0;
    case '<=':
      return (left, right) => compare(left, right) <= 0;
    case '>':
      return (left, right) => compare(left, right) > 0;
    case '>=':
      return (left, right) => compare(left, right) >= 0;
  }
}
