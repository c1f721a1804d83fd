/**
 * Gives an expression its types, once, and makes functions of it that compute it for row after row. Nothing is looked up or
 * decided per row that could be decided here.
 */
import type {
  BinaryExpression,
  CallExpression,
  CastExpression,
  Expression,
  LiteralExpression,
  UnaryExpression,
} from '../ast.ts';
import { sqlError } from '../types/sql-error.ts';
import type { SqlType } from '../types/sql-type.ts';
import { baseTypeName, typeName } from '../types/type-name.ts';
import { BIGINT_MAX, BIGINT_MIN, INTEGER_MAX, INTEGER_MIN, parseText } from '../types/value-text.ts';
import { isAggregate } from './aggregate-names.ts';
import type { BoundExpression, Scope } from './bound.ts';
import { bindCall } from './call.ts';
import { castBetween, isImplicit } from './casts.ts';
import { bindCase } from './conditional.ts';
import { bindIsNull, bindIsTruth, bindJunction, bindNot, requireBoolean } from './logic.ts';
import { bindBetween, bindIn, bindLike } from './membership.ts';
import {
  BIGINT,
  BOOLEAN,
  column,
  combine,
  constant,
  DECIMAL,
  INTEGER,
  isUnknown,
  type Operand,
  parameter,
  resolveUnknown,
  typed,
  withoutModifier,
} from './operand.ts';
import { bindArithmetic, bindComparison, bindConcatenation, bindDistinct, bindSign } from './operators.ts';
import type { ParameterTypes } from './parameter-types.ts';

/** Far above what the parser lets through; chains of AND and OR count once. */
const NESTING_MAX = 1_000;

/**
 * An expression as it stands in a result: what nothing says the type of is text. Errors: INVALID_ARGUMENT with PostgreSQL's
 * sqlstate (42703, 42883, 42804, 42P18 …), TOO_LARGE (54001).
 */
export function bind(expression: Expression, scope: Scope, parameters: ParameterTypes): BoundExpression {
  return typed(new Binder(scope, parameters).bind(expression));
}

/** An expression that has to be true or false. `construct` as messages name it: WHERE, HAVING, CHECK. */
export function bindCondition(
  expression: Expression,
  scope: Scope,
  parameters: ParameterTypes,
  construct: string,
): BoundExpression {
  return requireBoolean(new Binder(scope, parameters).bind(expression), construct, expression.at);
}

/** An expression whose value goes into a column, as the column takes it. Errors: 42804; when evaluated 22001, 22003. */
export function bindAssignment(
  expression: Expression,
  scope: Scope,
  parameters: ParameterTypes,
  target: { readonly name: string; readonly type: SqlType },
): BoundExpression {
  const operand = new Binder(scope, parameters).bind(expression);
  if (isUnknown(operand) && operand.unknown === 'literal') return resolveUnknown(operand, target.type);
  const source = isUnknown(operand) ? resolveUnknown(operand, withoutModifier(target.type)) : operand;
  const cast = convert(source, target.type, 'assignment');
  if (cast !== null) return cast;
  throw sqlError(
    '42804',
    `column "${target.name}" is of type ${typeName(target.type)} but expression is of type ${baseTypeName(source.type)}; rewrite or cast the expression`,
    expression.at,
  );
}

/** An expression that stands for a number of a given kind, as LIMIT and AS OF POSITION want it. */
export function bindAs(
  expression: Expression,
  scope: Scope,
  parameters: ParameterTypes,
  type: SqlType,
  construct: string,
): BoundExpression {
  const operand = new Binder(scope, parameters).bind(expression);
  const bound = isUnknown(operand) ? resolveUnknown(operand, type) : convert(operand, type, 'assignment');
  if (bound !== null) return bound;
  throw sqlError(
    '42804',
    `argument of ${construct} must be type ${typeName(type)}, not type ${baseTypeName(typed(operand).type)}`,
    expression.at,
  );
}

class Binder {
  readonly #scope: Scope;
  readonly #parameters: ParameterTypes;
  #depth = 0;

  constructor(scope: Scope, parameters: ParameterTypes) {
    this.#scope = scope;
    this.#parameters = parameters;
  }

  readonly bind = (expression: Expression): Operand => {
    if (++this.#depth > NESTING_MAX) {
      throw sqlError('54001', `the expression is nested deeper than ${NESTING_MAX}`, expression.at);
    }
    const ready = this.#scope.ready(expression);
    const operand = ready === null ? this.#bindNode(expression) : column(ready.type, ready.index);
    this.#depth--;
    return operand;
  };

  #bindNode(expression: Expression): Operand {
    const { at } = expression;
    switch (expression.node) {
      case 'literal':
        return bindLiteral(expression, expression.text);
      case 'parameter': {
        const known = this.#parameters.typeOf(expression.index, at);
        if (known !== null) return parameter(known, expression.index);
        return { unknown: 'parameter', index: expression.index, types: this.#parameters, at };
      }
      case 'column': {
        const found = this.#scope.column(expression.table, expression.name, at);
        return column(found.type, found.index);
      }
      case 'unary':
        return this.#bindUnary(expression);
      case 'binary':
        return this.#bindBinary(expression);
      case 'is':
        return expression.what === 'null'
          ? bindIsNull(this.#bindForNull(expression.operand), expression.negated)
          : bindIsTruth(this.bind(expression.operand), expression.what, expression.negated, at);
      case 'in': {
        const operand = this.bind(expression.operand);
        return bindIn(operand, expression.list.map(this.bind), expression.negated, at);
      }
      case 'between': {
        const operand = this.bind(expression.operand);
        const low = this.bind(expression.low);
        return bindBetween(operand, low, this.bind(expression.high), expression.negated, at);
      }
      case 'like': {
        const operand = this.bind(expression.operand);
        const pattern = this.bind(expression.pattern);
        const away = expression.escape === null ? null : this.bind(expression.escape);
        return bindLike(operand, pattern, { ...expression, escape: away });
      }
      case 'cast':
        return this.#bindCast(expression);
      case 'call':
        return this.#bindCall(expression);
      case 'case':
        return bindCase(expression, this.bind);
    }
  }

  /** A literal NULL has no type and needs none; a parameter does. */
  #bindForNull(expression: Expression): BoundExpression {
    return typed(this.bind(expression));
  }

  #bindUnary(expression: UnaryExpression): Operand {
    const { operator, operand, at } = expression;
    if (operator === 'not') return bindNot(requireBoolean(this.bind(operand), 'NOT', at));
    // The smallest integer has no positive counterpart: the sign belongs to the number.
    const signed = operator === '-' ? signedNumber(expression) : null;
    if (signed !== null) return bindLiteral(signed, signed.text);
    return bindSign(operator, this.bind(operand), at);
  }

  #bindBinary(expression: BinaryExpression): Operand {
    const { operator, at } = expression;
    if (operator === 'and' || operator === 'or') {
      const parts = chain(expression).map((part) =>
        requireBoolean(this.bind(part), operator.toUpperCase(), part.at),
      );
      return bindJunction(operator, parts);
    }
    const left = this.bind(expression.left);
    const right = this.bind(expression.right);
    switch (operator) {
      case '+':
      case '-':
      case '*':
      case '/':
      case '%':
        return bindArithmetic(operator, left, right, at);
      case '||':
        return bindConcatenation(left, right, at);
      case 'is distinct from':
      case 'is not distinct from':
        return bindDistinct(left, right, operator === 'is not distinct from', at);
      default:
        return bindComparison(operator, left, right, at);
    }
  }

  #bindCast({ operand, type, at }: CastExpression): Operand {
    const inner = this.bind(operand);
    const source = isUnknown(inner) ? resolveUnknown(inner, withoutModifier(type)) : inner;
    const cast = convert(source, type, 'explicit');
    if (cast !== null) return cast;
    throw sqlError('42846', `cannot cast type ${baseTypeName(source.type)} to ${baseTypeName(type)}`, at);
  }

  #bindCall(call: CallExpression): Operand {
    if (isAggregate(call.name)) {
      throw sqlError(
        '42803',
        `aggregate functions are not allowed here: ${call.name}(); CREATE PROJECTION … GROUP BY answers it`,
        call.at,
      );
    }
    return bindCall(call, call.args.map(this.bind));
  }
}

/** Operands of a chain of one operator, from left to right, however long it is. */
function chain(expression: BinaryExpression): Expression[] {
  const parts: Expression[] = [];
  const open: Expression[] = [expression];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next.node === 'binary' && next.operator === expression.operator) open.push(next.right, next.left);
    else parts.push(next);
  }
  return parts;
}

function bindLiteral({ kind, at }: LiteralExpression, text: string | null): Operand {
  if (text === null || kind === 'null') return { unknown: 'literal', text: null, at };
  switch (kind) {
    case 'string':
      return { unknown: 'literal', text, at };
    case 'boolean':
      return constant(BOOLEAN, parseText(BOOLEAN, text));
    case 'decimal':
      return constant(DECIMAL, parseText(DECIMAL, text));
    case 'integer': {
      const value = BigInt(text.startsWith('+') ? text.slice(1) : text);
      if (value >= BigInt(INTEGER_MIN) && value <= BigInt(INTEGER_MAX))
        return constant(INTEGER, Number(value));
      return value >= BIGINT_MIN && value <= BIGINT_MAX
        ? constant(BIGINT, value)
        : constant(DECIMAL, parseText(DECIMAL, text));
    }
  }
}

/** A number with minus signs before it as one number; null for anything else. */
function signedNumber(expression: UnaryExpression): LiteralExpression | null {
  let isNegative = false;
  let inner: Expression = expression;
  while (inner.node === 'unary' && inner.operator === '-') {
    isNegative = !isNegative;
    inner = inner.operand;
  }
  if (inner.node !== 'literal' || (inner.kind !== 'integer' && inner.kind !== 'decimal')) return null;
  return isNegative ? { ...inner, text: negated(inner.text!) } : inner;
}

function negated(text: string): string {
  return text.startsWith('-') ? text.slice(1) : `-${text.replace(/^\+/, '')}`;
}

/** Null when there is no such cast. */
function convert(
  source: BoundExpression,
  type: SqlType,
  context: 'assignment' | 'explicit',
): BoundExpression | null {
  const cast = castBetween(source.type, type, context);
  if (cast === null) return null;
  const isOpen =
    (type.kind !== 'decimal' || type.precision === null) && (type.kind !== 'text' || type.lengthMax === null);
  if (source.type.kind === type.kind && isOpen) return { ...source, type };
  const { evaluate } = source;
  const isWider = isOpen && isImplicit(source.type.kind, type.kind);
  return combine(
    type,
    [source],
    (row, context) => {
      const value = evaluate(row, context);
      return value === null ? null : cast(value);
    },
    isWider ? { shape: 'promoted', operand: source } : { shape: 'other' },
  );
}
