/** AND, OR, NOT and IS, with NULL for what is not known. */
import { sqlError } from '../types/sql-error.ts';
import { baseTypeName } from '../types/type-name.ts';
import type { BoundExpression, Evaluate } from './bound.ts';
import { BOOLEAN, combine, isUnknown, type Operand, resolveUnknown, typed } from './operand.ts';

/** Errors: 42804. `construct` as the message names it: WHERE, AND, CASE/WHEN. */
export function requireBoolean(operand: Operand, construct: string, at: number): BoundExpression {
  if (isUnknown(operand)) return resolveUnknown(operand, BOOLEAN);
  if (operand.type.kind === 'boolean') return operand;
  throw sqlError(
    '42804',
    `argument of ${construct} must be type boolean, not type ${baseTypeName(operand.type)}`,
    at,
  );
}

/** From left to right; what decides ends it. */
export function bindJunction(operator: 'and' | 'or', parts: readonly BoundExpression[]): BoundExpression {
  const decides = operator === 'or';
  const tests = parts.map((part) => part.evaluate);
  const evaluate = tests.length === 2 ? both(tests[0]!, tests[1]!, decides) : all(tests, decides);
  return combine(BOOLEAN, parts, evaluate, { shape: operator, parts });
}

function both(first: Evaluate, second: Evaluate, decides: boolean): Evaluate {
  return (row, context) => {
    const one = first(row, context);
    if (one === decides) return decides;
    const other = second(row, context);
    if (other === decides) return decides;
    return one === null || other === null ? null : !decides;
  };
}

function all(tests: readonly Evaluate[], decides: boolean): Evaluate {
  return (row, context) => {
    let isOpen = false;
    for (let index = 0; index < tests.length; index++) {
      const result = tests[index]!(row, context);
      if (result === decides) return decides;
      if (result === null) isOpen = true;
    }
    return isOpen ? null : !decides;
  };
}

export function bindNot(operand: BoundExpression): BoundExpression {
  const { evaluate } = operand;
  return combine(
    BOOLEAN,
    [operand],
    (row, context) => {
      const value = evaluate(row, context);
      return value === null ? null : value !== true;
    },
    { shape: 'not', operand },
  );
}

export function bindIsNull(operand: Operand, negated: boolean): BoundExpression {
  const bound = typed(operand);
  const { evaluate } = bound;
  return combine(BOOLEAN, [bound], (row, context) => (evaluate(row, context) === null) !== negated, {
    shape: 'is null',
    operand: bound,
    negated,
  });
}

/** IS TRUE, IS FALSE, IS UNKNOWN: never NULL. */
export function bindIsTruth(
  operand: Operand,
  what: 'true' | 'false' | 'unknown',
  negated: boolean,
  at: number,
): BoundExpression {
  const construct = `IS ${negated ? 'NOT ' : ''}${what.toUpperCase()}`;
  const { evaluate, ...bound } = requireBoolean(operand, construct, at);
  const wanted = what === 'unknown' ? null : what === 'true';
  return combine(
    BOOLEAN,
    [{ evaluate, ...bound }],
    (row, context) => (evaluate(row, context) === wanted) !== negated,
  );
}
