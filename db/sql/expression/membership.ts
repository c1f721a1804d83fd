/** IN, BETWEEN and LIKE over bound operands. */
import type { SqlType, SqlValue } from '../types/sql-type.ts';
import type { BoundExpression, Evaluate } from './bound.ts';
import { commonType } from './common-type.ts';
import { isComparable, testOf } from './comparison.ts';
import { escapeOf, likePattern, type Matches } from './like.ts';
import { bindJunction } from './logic.ts';
import { BOOLEAN, BYTES, coerce, combine, isUnknown, type Operand, resolveUnknown, TEXT } from './operand.ts';
import { bindComparison, noOperator } from './operators.ts';

/** From so many values on a set is asked instead of each. */
const SET_MIN = 4;

export function bindIn(
  operand: Operand,
  list: readonly Operand[],
  negated: boolean,
  at: number,
): BoundExpression {
  const type = commonType([operand, ...list]);
  if (type === null || !isComparable(type.kind)) {
    // What has no type in common may still be equal one by one; otherwise that says what is wrong.
    const tests = list.map((item) => bindComparison(negated ? '<>' : '=', operand, item, at));
    return tests.length === 1 ? tests[0]! : bindJunction(negated ? 'and' : 'or', tests);
  }
  const one = coerce(operand, type);
  const items = list.map((item) => coerce(item, type));
  const isFixed = items.every((item) => item.shape.shape === 'constant' && item.volatility === 'immutable');
  const hashable = type.kind !== 'double' && type.kind !== 'decimal' && type.kind !== 'bytes';
  const isIn =
    isFixed && hashable && items.length >= SET_MIN && items.every((item) => !item.usesParameters)
      ? inSet(one.evaluate, items)
      : inList(one.evaluate, items, testOf('=', type.kind));
  return combine(
    BOOLEAN,
    [one, ...items],
    negated
      ? (row, context) => {
          const found = isIn(row, context);
          return found === null ? null : found !== true;
        }
      : isIn,
    { shape: 'in', operand: one, list: items, negated },
  );
}

function inList(
  operand: Evaluate,
  items: readonly BoundExpression[],
  equal: (left: Exclude<SqlValue, null>, right: Exclude<SqlValue, null>) => boolean,
): Evaluate {
  const values = items.map(({ evaluate }) => evaluate);
  return (row, context) => {
    const value = operand(row, context);
    if (value === null) return null;
    let isOpen = false;
    for (let index = 0; index < values.length; index++) {
      const item = values[index]!(row, context);
      if (item === null) isOpen = true;
      else if (equal(value, item)) return true;
    }
    return isOpen ? null : false;
  };
}

/** Constants, evaluated when the first row comes. */
function inSet(operand: Evaluate, items: readonly BoundExpression[]): Evaluate {
  let set: Set<SqlValue> | null = null;
  return (row, context) => {
    const value = operand(row, context);
    if (value === null) return null;
    set ??= new Set(items.map((item) => item.evaluate(row, context)));
    if (set.has(value)) return true;
    return set.has(null) ? null : false;
  };
}

export function bindBetween(
  operand: Operand,
  low: Operand,
  high: Operand,
  negated: boolean,
  at: number,
): BoundExpression {
  return negated
    ? bindJunction('or', [bindComparison('<', operand, low, at), bindComparison('>', operand, high, at)])
    : bindJunction('and', [bindComparison('>=', operand, low, at), bindComparison('<=', operand, high, at)]);
}

interface LikeOptions {
  readonly escape: Operand | null;
  readonly insensitive: boolean;
  readonly negated: boolean;
  readonly at: number;
}

/** The last pattern is kept: mostly it is the same for all rows. */
export function bindLike(operand: Operand, pattern: Operand, options: LikeOptions): BoundExpression {
  // What is escaped is text, unless it or the escape is known to be bytes.
  const isEscaped = options.escape !== null && isUnknown(options.escape);
  const given = isEscaped && isUnknown(pattern) ? resolveUnknown(pattern, TEXT) : pattern;
  const type = isBytes(operand, given) && !options.insensitive ? BYTES : TEXT;
  const text = likeSide(operand, type, operand, given, options);
  const wanted = likeSide(given, type, operand, given, options);
  const escaping = options.escape === null ? null : coerce(options.escape, type);
  let last: { pattern: SqlValue; away: SqlValue; matches: Matches } | null = null;
  const evaluate: Evaluate = (row, context) => {
    const value = text.evaluate(row, context);
    const asked = wanted.evaluate(row, context);
    const away = escaping === null ? '\\' : escaping.evaluate(row, context);
    if (asked === null || away === null) return null;
    if (last === null || last.pattern !== asked || last.away !== away) {
      const matches = likePattern(lettersOf(asked), escapeOf(lettersOf(away)), options.insensitive);
      last = { pattern: asked, away, matches };
    }
    return value === null ? null : last.matches(lettersOf(value)) !== options.negated;
  };
  const parts = escaping === null ? [text, wanted] : [text, wanted, escaping];
  const isPlain = type === TEXT && !options.insensitive && !options.negated && escaping === null;
  if (!isPlain) return combine(BOOLEAN, parts, evaluate);
  return combine(BOOLEAN, parts, evaluate, { shape: 'like', operand: text, pattern: wanted, escape: '\\' });
}

/** Of bytes each is a letter. */
function lettersOf(value: Exclude<SqlValue, null>): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : (value as string);
}

function isBytes(...sides: readonly Operand[]): boolean {
  const known = sides.filter((side) => !isUnknown(side)) as BoundExpression[];
  return known.length > 0 && known.every(({ type }) => type.kind === 'bytes');
}

function likeSide(
  side: Operand,
  type: SqlType,
  operand: Operand,
  pattern: Operand,
  options: LikeOptions,
): BoundExpression {
  if (isUnknown(side)) return resolveUnknown(side, type);
  if (side.type.kind === type.kind) return side;
  const name = `${options.negated ? '!' : ''}~~${options.insensitive ? '*' : ''}`;
  throw noOperator(name, operand, pattern, options.at);
}
