/** Expressions as the parser would hand them over, written short. */
import type { BinaryOperator, Expression, LiteralExpression } from '../../../../db/sql/ast.ts';
import type { SqlType } from '../../../../db/sql/types/index.ts';

export const NULL: Expression = { node: 'literal', kind: 'null', text: null, at: 0 };

export function literal(kind: LiteralExpression['kind'], text: string): Expression {
  return { node: 'literal', kind, text, at: 0 };
}

export function number(text: string): Expression {
  return literal(/^-?\d+$/.test(text) ? 'integer' : 'decimal', text);
}

export function string(text: string): Expression {
  return literal('string', text);
}

export function name(column: string): Expression {
  return { node: 'column', table: null, name: column, at: 0 };
}

export function parameter(index: number): Expression {
  return { node: 'parameter', index, at: 0 };
}

export function binary(left: Expression, operator: BinaryOperator, right: Expression): Expression {
  return { node: 'binary', operator, left, right, at: 0 };
}

export function call(called: string, ...args: Expression[]): Expression {
  return { node: 'call', name: called, args, star: false, distinct: false, at: 0 };
}

export function cast(operand: Expression, type: SqlType): Expression {
  return { node: 'cast', operand, type, at: 0 };
}

export function not(operand: Expression): Expression {
  return { node: 'unary', operator: 'not', operand, at: 0 };
}

export function isNull(operand: Expression, negated = false): Expression {
  return { node: 'is', operand, what: 'null', negated, at: 0 };
}

export function among(operand: Expression, list: readonly Expression[], negated = false): Expression {
  return { node: 'in', operand, list, negated, at: 0 };
}

export function like(operand: Expression, pattern: Expression): Expression {
  return { node: 'like', operand, pattern, escape: null, insensitive: false, negated: false, at: 0 };
}

export function when(condition: Expression, result: Expression) {
  // biome-ignore lint/suspicious/noThenProperty: it is what the syntax tree calls it
  return { when: condition, then: result };
}
