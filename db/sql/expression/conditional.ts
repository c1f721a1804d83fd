/** CASE, COALESCE, GREATEST, LEAST, NULLIF and concat(): what does not ask for all its operands, or takes NULL for an answer. */
import type { CaseExpression, Expression } from '../ast.ts';
import { comparatorOf } from '../types/compare.ts';
import { sqlError } from '../types/sql-error.ts';
import type { SqlValue } from '../types/sql-type.ts';
import { formatText } from '../types/value-text.ts';
import type { BoundExpression, Evaluate } from './bound.ts';
import { requireCommonType } from './common-type.ts';
import { testOf } from './comparison.ts';
import { requireBoolean } from './logic.ts';
import {
  coerce,
  combine,
  isUnknown,
  type Operand,
  resolveUnknown,
  TEXT,
  typed,
  withoutModifier,
} from './operand.ts';
import { bindComparison, comparable } from './operators.ts';
import { checkLength } from './result-limits.ts';

/** `bind` for its parts, in the order in which PostgreSQL looks at them: the first error is the one that shows. */
export function bindCase(
  { operand, whens, otherwise, at }: CaseExpression,
  bind: (expression: Expression) => Operand,
): BoundExpression {
  // A literal that is compared with several things is text.
  const compared = operand === null ? null : textIfUnknown(bind(operand));
  const conditions: BoundExpression[] = [];
  const results: Operand[] = [];
  for (const { when, then: result } of whens) {
    const condition = bind(when);
    conditions.push(
      compared === null
        ? requireBoolean(condition, 'CASE/WHEN', at)
        : bindComparison('=', compared, condition, at),
    );
    results.push(bind(result));
  }
  results.unshift(bind(otherwise ?? { node: 'literal', kind: 'null', text: null, at }));
  const type = requireCommonType(results, 'CASE');
  const values = results.map((result) => coerce(result, type));
  const tests = conditions.map(({ evaluate }) => evaluate);
  const [last, ...chosen] = values.map(({ evaluate }) => evaluate);
  return combine(type, [...conditions, ...values], (row, context) => {
    for (let index = 0; index < tests.length; index++) {
      if (tests[index]!(row, context) === true) return chosen[index]!(row, context);
    }
    return last!(row, context);
  });
}

function textIfUnknown(operand: Operand): BoundExpression {
  return isUnknown(operand) ? resolveUnknown(operand, TEXT) : operand;
}

export function bindCoalesce(operands: readonly Operand[], at: number): BoundExpression {
  if (operands.length === 0)
    throw sqlError('42601', 'syntax error: COALESCE wants at least one argument', at);
  const type = requireCommonType(operands, 'COALESCE');
  const parts = operands.map((operand) => coerce(operand, type));
  const tries = parts.map(({ evaluate }) => evaluate);
  return combine(type, parts, (row, context) => {
    for (let index = 0; index < tries.length; index++) {
      const value = tries[index]!(row, context);
      if (value !== null) return value;
    }
    return null;
  });
}

/** NULLs do not count. */
export function bindExtreme(
  name: 'greatest' | 'least',
  operands: readonly Operand[],
  at: number,
): BoundExpression {
  const construct = name.toUpperCase();
  if (operands.length === 0)
    throw sqlError('42601', `syntax error: ${construct} wants at least one argument`, at);
  const type = requireCommonType(operands, construct);
  const compare = comparatorOf(type);
  const parts = operands.map((operand) => coerce(operand, type));
  const wanted = name === 'greatest' ? 1 : -1;
  return combine(type, parts, (row, context) => {
    let found: SqlValue = null;
    for (const { evaluate } of parts) {
      const value = evaluate(row, context);
      if (value === null) continue;
      if (found === null || Math.sign(compare(value, found)) === wanted) found = value;
    }
    return found;
  });
}

/** NULL when both are equal; its type is what the first is compared as. */
export function bindNullIf(left: Operand, right: Operand, at: number): BoundExpression {
  const [one, other] = comparable('=', left, right, at);
  // Whole numbers are compared across their types: the first stays what it is.
  const isWhole = !isUnknown(left) && left.type.kind === 'integer' && one.type.kind === 'bigint';
  const whole = isWhole ? left : one;
  const equal = testOf('=', one.type.kind);
  return combine(withoutModifier(whole.type), [one, other], (row, context) => {
    const value = one.evaluate(row, context);
    const against = other.evaluate(row, context);
    if (value === null || (against !== null && equal(value, against))) return null;
    return whole === one ? value : whole.evaluate(row, context);
  });
}

/** Everything as its output, NULLs left out. */
export function bindConcat(operands: readonly Operand[]): BoundExpression {
  const parts = operands.map(typed);
  const pieces = parts.map(outputOf);
  return combine(TEXT, parts, (row, context) => {
    let text = '';
    for (const piece of pieces) {
      const value = piece(row, context);
      if (value !== null) text += value as string;
      checkLength(text.length);
    }
    return text;
  });
}

/** concat_ws: the first stands between the others. */
export function bindConcatWith(separator: Operand, operands: readonly Operand[]): BoundExpression {
  const between = coerce(separator, TEXT);
  const parts = operands.map(typed);
  const pieces = parts.map(outputOf);
  return combine(TEXT, [between, ...parts], (row, context) => {
    const joint = between.evaluate(row, context);
    const present: string[] = [];
    let length = 0;
    for (const piece of pieces) {
      const value = piece(row, context);
      if (value === null) continue;
      present.push(value as string);
      length += (value as string).length;
    }
    if (joint === null) return null;
    checkLength(length + present.length * (joint as string).length);
    return present.join(joint as string);
  });
}

function outputOf({ type, evaluate }: BoundExpression): Evaluate {
  return (row, context) => {
    const value = evaluate(row, context);
    return value === null ? null : formatText(type, value);
  };
}
