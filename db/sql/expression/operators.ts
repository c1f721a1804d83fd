/** Operators over bound operands: which types they take, what they give, and the refusal in PostgreSQL's words. */
import { sqlError } from '../types/sql-error.ts';
import type { SqlType, SqlValue } from '../types/sql-type.ts';
import { type ArithmeticOperator, arithmetic, negation } from './arithmetic.ts';
import type { BoundExpression, ComparisonOperator } from './bound.ts';
import { isImplicit, isNumeric, textOf } from './casts.ts';
import { comparison, distinction, isComparable } from './comparison.ts';
import {
  BOOLEAN,
  BYTES,
  coerce,
  combine,
  DOUBLE,
  isUnknown,
  type Operand,
  operandName,
  promote,
  resolveUnknown,
  TEXT,
  typed,
  withoutModifier,
} from './operand.ts';
import { checkLength } from './result-limits.ts';

/** Both sides as one type, or null where they do not meet. Two unknowns are text. */
export function meet(left: Operand, right: Operand): [BoundExpression, BoundExpression] | null {
  if (isUnknown(left) && isUnknown(right)) {
    return [resolveUnknown(left, TEXT), resolveUnknown(right, TEXT)];
  }
  if (isUnknown(left)) return [resolveUnknown(left, withoutModifier(typed(right).type)), typed(right)];
  if (isUnknown(right)) return [left, resolveUnknown(right, withoutModifier(left.type))];
  if (left.type.kind === right.type.kind) return [left, right];
  if (isImplicit(left.type.kind, right.type.kind)) return [promote(left, right.type), right];
  return isImplicit(right.type.kind, left.type.kind) ? [left, promote(right, left.type)] : null;
}

export function bindComparison(
  operator: ComparisonOperator,
  left: Operand,
  right: Operand,
  at: number,
): BoundExpression {
  const [one, other] = comparable(operator, left, right, at);
  return combine(BOOLEAN, [one, other], comparison(operator, one.type.kind, one.evaluate, other.evaluate), {
    shape: 'comparison',
    operator,
    left: one,
    right: other,
  });
}

/** IS DISTINCT FROM. */
export function bindDistinct(left: Operand, right: Operand, negated: boolean, at: number): BoundExpression {
  const [one, other] = comparable('=', left, right, at);
  const differs = distinction(one.type.kind, one.evaluate, other.evaluate);
  return combine(BOOLEAN, [one, other], negated ? (row, context) => differs(row, context) !== true : differs);
}

/** Both sides as a type that can be compared. Errors: 42883. */
export function comparable(
  operator: string,
  left: Operand,
  right: Operand,
  at: number,
): [BoundExpression, BoundExpression] {
  const known = isUnknown(left) ? right : left;
  if (!isUnknown(known) && !isComparable(known.type.kind)) throw noOperator(operator, left, right, at);
  const sides = meet(left, right);
  if (sides === null) throw noOperator(operator, left, right, at);
  return sides;
}

export function bindArithmetic(
  operator: ArithmeticOperator,
  left: Operand,
  right: Operand,
  at: number,
): BoundExpression {
  if (isUnknown(left) && isUnknown(right)) {
    throw sqlError(
      '42725',
      `operator is not unique: unknown ${operator} unknown; say a type with a cast: '1'::integer`,
      at,
    );
  }
  const known = isUnknown(left) ? typed(right) : left;
  const numbers = isNumeric(known.type.kind) ? meet(left, right) : null;
  const operation = numbers === null ? null : arithmetic(operator, numbers[0].type.kind);
  if (numbers === null || operation === null) throw noOperator(operator, left, right, at);
  const [{ evaluate: one }, { evaluate: other }] = numbers;
  return combine(withoutModifier(numbers[0].type), numbers, (row, context) => {
    const first = one(row, context);
    const second = other(row, context);
    return first === null || second === null ? null : operation(first, second);
  });
}

export function bindSign(operator: '-' | '+', operand: Operand, at: number): BoundExpression {
  // Of all that have a sign, only numbers have this one.
  if (isUnknown(operand) && operator === '+') return resolveUnknown(operand, DOUBLE);
  if (isUnknown(operand)) {
    throw sqlError('42725', `operator is not unique: ${operator} unknown; say a type with a cast`, at);
  }
  const negate = negation(operand.type.kind);
  if (negate === null) {
    throw sqlError('42883', `operator does not exist: ${operator} ${operandName(operand)}`, at);
  }
  const { evaluate } = operand;
  return combine(
    withoutModifier(operand.type),
    [operand],
    operator === '+'
      ? evaluate
      : (row, context) => {
          const value = evaluate(row, context);
          return value === null ? null : negate(value);
        },
  );
}

/** Text beside anything is text; bytes beside bytes stay bytes. */
export function bindConcatenation(left: Operand, right: Operand, at: number): BoundExpression {
  if (isKind(left, 'bytes') && (isUnknown(right) || isKind(right, 'bytes'))) return joinBytes(left, right);
  if (isKind(right, 'bytes') && isUnknown(left)) return joinBytes(left, right);
  const hasText = [left, right].some((side) => isUnknown(side) || side.type.kind === 'text');
  if (!hasText) throw noOperator('||', left, right, at);
  const { evaluate: one } = asText(left);
  const { evaluate: other } = asText(right);
  return combine(TEXT, [asText(left), asText(right)], (row, context) => {
    const first = one(row, context);
    const second = other(row, context);
    return first === null || second === null ? null : joinedText(first as string, second as string);
  });
}

function joinBytes(left: Operand, right: Operand): BoundExpression {
  const one = coerce(left, BYTES);
  const other = coerce(right, BYTES);
  return combine(BYTES, [one, other], (row, context) => {
    const first = one.evaluate(row, context);
    const second = other.evaluate(row, context);
    return first === null || second === null ? null : joined(first as Uint8Array, second as Uint8Array);
  });
}

function joinedText(first: string, second: string): string {
  checkLength(first.length + second.length);
  return first + second;
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  checkLength(first.length + second.length);
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

function asText(operand: Operand): BoundExpression {
  if (isUnknown(operand)) return resolveUnknown(operand, TEXT);
  if (operand.type.kind === 'text') return operand;
  const convert = textOf(operand.type);
  const { evaluate } = operand;
  return combine(TEXT, [operand], (row, context): SqlValue => {
    const value = evaluate(row, context);
    return value === null ? null : convert(value);
  });
}

function isKind(operand: Operand, kind: SqlType['kind']): boolean {
  return !isUnknown(operand) && operand.type.kind === kind;
}

export function noOperator(operator: string, left: Operand, right: Operand, at: number): Error {
  return sqlError(
    '42883',
    `operator does not exist: ${operandName(left)} ${operator} ${operandName(right)}; a cast of one side may help`,
    at,
  );
}
