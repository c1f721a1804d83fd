/** What stands between an expression and its bound form: a typed one, or one whose type its surroundings decide. */
import { sqlError } from '../types/sql-error.ts';
import type { SqlType, SqlValue } from '../types/sql-type.ts';
import { baseTypeName } from '../types/type-name.ts';
import { parseText } from '../types/value-text.ts';
import type { BoundExpression, Evaluate, Shape, Volatility } from './bound.ts';
import { castBetween, isImplicit } from './casts.ts';
import { type ParameterTypes, undetermined } from './parameter-types.ts';

export const TEXT: SqlType = Object.freeze({ kind: 'text', lengthMax: null });
export const BOOLEAN: SqlType = Object.freeze({ kind: 'boolean' });
export const INTEGER: SqlType = Object.freeze({ kind: 'integer' });
export const BIGINT: SqlType = Object.freeze({ kind: 'bigint' });
export const DOUBLE: SqlType = Object.freeze({ kind: 'double' });
export const DECIMAL: SqlType = Object.freeze({ kind: 'decimal', precision: null, scale: null });
export const TIMESTAMP: SqlType = Object.freeze({ kind: 'timestamp' });
export const BYTES: SqlType = Object.freeze({ kind: 'bytes' });
export const JSON_TYPE: SqlType = Object.freeze({ kind: 'json' });
export const UUID: SqlType = Object.freeze({ kind: 'uuid' });

/** A quoted string, NULL, or a parameter of which nothing is known yet: PostgreSQL's `unknown`. */
export type Unknown =
  | { readonly unknown: 'literal'; readonly text: string | null; readonly at: number }
  | {
      readonly unknown: 'parameter';
      readonly index: number;
      readonly types: ParameterTypes;
      readonly at: number;
    };

export type Operand = BoundExpression | Unknown;

export function isUnknown(operand: Operand): operand is Unknown {
  return 'unknown' in operand;
}

const VOLATILITIES: readonly Volatility[] = ['immutable', 'stable', 'volatile'];
const NO_COLUMNS: readonly number[] = [];
const CONSTANT: Shape = Object.freeze({ shape: 'constant' });
const OTHER: Shape = Object.freeze({ shape: 'other' });

export function constant(type: SqlType, value: SqlValue): BoundExpression {
  return {
    type,
    evaluate: () => value,
    columns: NO_COLUMNS,
    usesParameters: false,
    volatility: 'immutable',
    shape: CONSTANT,
  };
}

export function parameter(type: SqlType, index: number): BoundExpression {
  return {
    ...constant(type, null),
    evaluate: (_, context) => context.parameters[index]!,
    usesParameters: true,
  };
}

export function column(type: SqlType, index: number): BoundExpression {
  return {
    type,
    evaluate: (row) => row[index]!,
    columns: [index],
    usesParameters: false,
    volatility: 'immutable',
    shape: { shape: 'column', index },
  };
}

/** An expression over others. What depends on nothing is computed once, when it is first asked for. */
export function combine(
  type: SqlType,
  parts: readonly BoundExpression[],
  evaluate: Evaluate,
  shape: Shape = OTHER,
  own: Volatility = 'immutable',
): BoundExpression {
  const columns = mergeColumns(parts);
  const usesParameters = parts.some((part) => part.usesParameters);
  const volatility =
    VOLATILITIES[
      Math.max(...[own, ...parts.map((part) => part.volatility)].map((one) => VOLATILITIES.indexOf(one)))
    ]!;
  if (columns.length > 0) return { type, evaluate, columns, usesParameters, volatility, shape };
  const isFixed = !usesParameters && volatility === 'immutable';
  return {
    type,
    evaluate: isFixed ? once(evaluate) : evaluate,
    columns,
    usesParameters,
    volatility,
    // Looking into a constant helps nobody, but for conditions that are parts of others.
    shape: shape.shape === 'and' || shape.shape === 'or' ? shape : CONSTANT,
  };
}

function mergeColumns(parts: readonly BoundExpression[]): readonly number[] {
  const used = parts.filter((part) => part.columns.length > 0);
  if (used.length === 0) return NO_COLUMNS;
  if (used.length === 1) return used[0]!.columns;
  return [...new Set(used.flatMap((part) => part.columns))].sort((a, b) => a - b);
}

/** A failure is not kept: it is raised again each time. */
function once(evaluate: Evaluate): Evaluate {
  let value: SqlValue = null;
  let isKnown = false;
  return (row, context) => {
    if (!isKnown) {
      value = evaluate(row, context);
      isKnown = true;
    }
    return value;
  };
}

/** Errors: 22P02 and its like when a literal is not of that type. */
export function resolveUnknown(operand: Unknown, type: SqlType): BoundExpression {
  if (operand.unknown === 'literal') {
    return constant(type, operand.text === null ? null : parseText(type, operand.text));
  }
  operand.types.infer(operand.index, withoutModifier(type));
  // Another use of the same parameter may have decided while this one was waiting.
  const decided = operand.types.typeOf(operand.index, operand.at)!;
  const bound = parameter(decided, operand.index);
  if (decided.kind === type.kind) return bound;
  if (!isImplicit(decided.kind, type.kind)) {
    throw sqlError(
      '42804',
      `inconsistent types deduced for parameter $${operand.index + 1}: ${baseTypeName(decided)} versus ${baseTypeName(type)}`,
      operand.at,
    );
  }
  return promote(bound, type);
}

/** Where nothing decides: text; a parameter must be known by now. */
export function typed(operand: Operand): BoundExpression {
  if (!isUnknown(operand)) return operand;
  if (operand.unknown === 'parameter') {
    const known = operand.types.typeOf(operand.index, operand.at);
    if (known === null) throw undetermined(operand.index, operand.at);
    return parameter(known, operand.index);
  }
  return resolveUnknown(operand, TEXT);
}

/** An operand as another type that it becomes by itself. */
export function coerce(operand: Operand, type: SqlType): BoundExpression {
  return isUnknown(operand) ? resolveUnknown(operand, type) : promote(operand, type);
}

/** To a type that `isImplicit` allows. */
export function promote(operand: BoundExpression, type: SqlType): BoundExpression {
  if (operand.type.kind === type.kind) return operand;
  const convert = castBetween(operand.type, withoutModifier(type), 'implicit');
  if (convert === null) throw new TypeError(`${operand.type.kind} does not become ${type.kind} by itself`);
  const { evaluate } = operand;
  return combine(
    withoutModifier(type),
    [operand],
    (row, context) => {
      const value = evaluate(row, context);
      return value === null ? null : convert(value);
    },
    { shape: 'promoted', operand },
  );
}

export function withoutModifier(type: SqlType): SqlType {
  if (type.kind === 'decimal') return DECIMAL;
  return type.kind === 'text' ? TEXT : type;
}

/** As messages name an operand's type. */
export function operandName(operand: Operand): string {
  return isUnknown(operand) ? 'unknown' : baseTypeName(operand.type);
}
