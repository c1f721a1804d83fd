/** CASE, COALESCE, GREATEST, LEAST, NULLIF and concat(): what does not ask for all its operands, or takes NULL for an answer. */
import type { CaseExpression } from '../ast.ts';
import { comparatorOf } from '../types/compare.ts';
import { sqlError } from '../types/sql-error.ts';
import type { SqlValue } from '../types/sql-type.ts';
import { formatText } from '../types/value-text.ts';
import type { BoundExpression, Evaluate } from './bound.ts';
import { requireCommonType } from './common-type.ts';
import { testOf } from './comparison.ts';
import { requireBoolean } from './logic.ts';
import { coerce, combine, isUnknown, type Operand, TEXT, typed } from './operand.ts';
import { bindComparison, comparable } from './operators.ts';

interface BoundCase {
  readonly operand: Operand | null;
  readonly whens: readonly { readonly when: Operand; readonly result: Operand }[];
  readonly otherwise: Operand;
}

export function bindCase({ operand, whens, otherwise }: BoundCase, { at }: CaseExpression): BoundExpression {
  const results = [otherwise, ...whens.map(({ result }) => result)];
  const conditions = whens.map(({ when }) =>
    operand === null ? requireBoolean(when, 'CASE/WHEN', at) : bindComparison('=', operand, when, at),
  );
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
  return combine(whole.type, [one, other], (row, context) => {
    const value = one.evaluate(row, context);
    if (value === null) return null;
    const against = other.evaluate(row, context);
    if (against !== null && equal(value, against)) return null;
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
    if (joint === null) return null;
    const present: string[] = [];
    for (const piece of pieces) {
      const value = piece(row, context);
      if (value !== null) present.push(value as string);
    }
    return present.join(joint as string);
  });
}

function outputOf({ type, evaluate }: BoundExpression): Evaluate {
  return (row, context) => {
    const value = evaluate(row, context);
    return value === null ? null : formatText(type, value);
  };
}
