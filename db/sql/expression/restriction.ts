/**
 * What a condition says about single columns, in a form that a planner turns into ranges of keys. The ranges hold every row
 * for which the condition is true, and may hold others: the condition still has to be asked of each.
 */
import { Decimal } from '../../numeric/index.ts';
import { type Comparator, comparatorOf } from '../types/compare.ts';
import type { Bound } from '../types/key-codec.ts';
import type { SqlType, SqlValue } from '../types/sql-type.ts';
import { BIGINT_MAX, BIGINT_MIN, INTEGER_MAX, INTEGER_MIN } from '../types/value-text.ts';
import type { BoundExpression, ComparisonOperator, EvaluationContext } from './bound.ts';
import { likePrefix } from './like.ts';

/** Values of the column's own type between two bounds; NULL is never among them. Null: no bound on that side. */
export interface ValueRange {
  readonly low: Bound | null;
  readonly high: Bound | null;
}

export interface Restriction {
  /** Place in the row. */
  readonly column: number;
  readonly type: SqlType;
  /** `equal`: at most one value; `points`: some; `ranges`: the rest; `null`: the column is NULL, and `ranges` gives none. */
  readonly kind: 'equal' | 'points' | 'ranges' | 'null';
  /** Ascending and apart from each other; none: no row can do. */
  readonly ranges: (context: EvaluationContext) => readonly ValueRange[];
}

const FLIPPED = { '=': '=', '<>': '<>', '<': '>', '<=': '>=', '>': '<', '>=': '<=' } as const;
const EVERYTHING: readonly ValueRange[] = [{ low: null, high: null }];
const NOTHING: readonly ValueRange[] = [];
const CODE_POINT_MAX = 0x10ffff;

/** The parts of which all must be true. */
export function conjuncts(condition: BoundExpression): readonly BoundExpression[] {
  const { shape } = condition;
  return shape.shape === 'and' ? shape.parts.flatMap(conjuncts) : [condition];
}

/** One for each column that the condition says something usable about. */
export function restrictionsOf(condition: BoundExpression): readonly Restriction[] {
  const byColumn = new Map<number, Restriction>();
  for (const part of conjuncts(condition)) {
    const restriction = restrictionOf(part);
    if (restriction === null) continue;
    const known = byColumn.get(restriction.column);
    byColumn.set(restriction.column, known === undefined ? restriction : intersection(known, restriction));
  }
  return [...byColumn.values()];
}

function restrictionOf(condition: BoundExpression): Restriction | null {
  const { shape } = condition;
  switch (shape.shape) {
    case 'column':
      return ofTruth(condition, true);
    case 'not':
      return ofTruth(shape.operand, false);
    case 'comparison':
      return ofComparison(shape.operator, shape.left, shape.right);
    case 'in':
      return shape.negated ? null : ofList(shape.operand, shape.list);
    case 'is null':
      return shape.negated ? null : ofNull(shape.operand);
    case 'like':
      return ofPrefix(shape.operand, shape.pattern, shape.escape);
    case 'or':
      return ofAlternatives(shape.parts);
    default:
      return null;
  }
}

function ofTruth({ shape, type }: BoundExpression, wanted: boolean): Restriction | null {
  if (shape.shape !== 'column' || type.kind !== 'boolean') return null;
  return { column: shape.index, type, kind: 'equal', ranges: () => [point(wanted)] };
}

function ofNull({ shape, type }: BoundExpression): Restriction | null {
  return shape.shape === 'column' ? { column: shape.index, type, kind: 'null', ranges: () => NOTHING } : null;
}

function ofComparison(
  operator: ComparisonOperator,
  left: BoundExpression,
  right: BoundExpression,
): Restriction | null {
  const column = columnOf(left);
  const isFlipped = column === null;
  const side = column ?? columnOf(right);
  const value = isFlipped ? left : right;
  if (side === null || operator === '<>' || !isFixed(value)) return null;
  const asked = isFlipped ? FLIPPED[operator] : operator;
  return {
    ...side,
    kind: operator === '=' ? 'equal' : 'ranges',
    ranges: (context) => rangeOf(asked, value.evaluate([], context), side.type, value.type),
  };
}

function ofList(operand: BoundExpression, list: readonly BoundExpression[]): Restriction | null {
  const side = columnOf(operand);
  if (side === null || !list.every(isFixed)) return null;
  return {
    ...side,
    kind: list.length === 1 ? 'equal' : 'points',
    ranges: (context) =>
      union(
        list.flatMap((item) => rangeOf('=', item.evaluate([], context), side.type, item.type)),
        side.type,
      ),
  };
}

function ofPrefix(
  operand: BoundExpression,
  pattern: BoundExpression,
  escaping: string | null,
): Restriction | null {
  const side = columnOf(operand);
  if (side === null || !isFixed(pattern)) return null;
  return {
    ...side,
    kind: 'ranges',
    ranges: (context) => {
      const text = pattern.evaluate([], context);
      return text === null ? NOTHING : prefixRanges(likePrefix(text as string, escaping).prefix);
    },
  };
}

/** Alternatives about one and the same column. */
function ofAlternatives(parts: readonly BoundExpression[]): Restriction | null {
  const found: Restriction[] = [];
  for (const part of parts) {
    const restrictions = restrictionsOf(part);
    // Of a part with several columns any one would do, but it must be the same in all.
    const one = restrictions.find(
      ({ column, kind }) => kind !== 'null' && column === (found[0]?.column ?? column),
    );
    if (one === undefined) return null;
    found.push(one);
  }
  const [first] = found;
  if (first === undefined) return null;
  return {
    column: first.column,
    type: first.type,
    kind: found.every(({ kind }) => kind !== 'ranges') ? 'points' : 'ranges',
    ranges: (context) =>
      union(
        found.flatMap(({ ranges }) => ranges(context)),
        first.type,
      ),
  };
}

/** A column itself, or one in a wider type whose bounds can be brought back exactly. */
function columnOf({ shape, type }: BoundExpression): { column: number; type: SqlType } | null {
  if (shape.shape === 'column') return type.kind === 'json' ? null : { column: shape.index, type };
  if (shape.shape !== 'promoted') return null;
  const { operand } = shape;
  const isExact =
    operand.type.kind === 'integer' || (operand.type.kind === 'bigint' && type.kind === 'decimal');
  return isExact && operand.shape.shape === 'column'
    ? { column: operand.shape.index, type: operand.type }
    : null;
}

function isFixed(value: BoundExpression): boolean {
  return value.columns.length === 0 && value.volatility !== 'volatile';
}

/** `value` is of `valueType`, the column's own type or a wider one. */
function rangeOf(
  operator: Exclude<ComparisonOperator, '<>'>,
  value: SqlValue,
  type: SqlType,
  valueType: SqlType,
): readonly ValueRange[] {
  if (value === null) return NOTHING;
  if (valueType.kind === type.kind) return [compared(operator, value)];
  const whole = wholeOf(value);
  if (whole === 'above') return operator === '<' || operator === '<=' ? EVERYTHING : NOTHING;
  if (whole === 'below') return operator === '>' || operator === '>=' ? EVERYTHING : NOTHING;
  const [least, most] =
    type.kind === 'integer' ? [BigInt(INTEGER_MIN), BigInt(INTEGER_MAX)] : [BIGINT_MIN, BIGINT_MAX];
  const { floor, isWhole } = whole;
  // Between two whole numbers nothing is equal, and which side is closed does not matter.
  if (operator === '=' && (!isWhole || floor < least || floor > most)) return NOTHING;
  if (floor > most) return operator === '<' || operator === '<=' ? EVERYTHING : NOTHING;
  if (floor < least) return operator === '>' || operator === '>=' ? EVERYTHING : NOTHING;
  const own = type.kind === 'integer' ? Number(floor) : floor;
  if (isWhole) return [compared(operator, own)];
  return [compared(operator === '<' || operator === '<=' ? '<=' : '>', own)];
}

function compared(operator: Exclude<ComparisonOperator, '<>'>, value: SqlValue): ValueRange {
  switch (operator) {
    case '=':
      return point(value);
    case '<':
    case '<=':
      return { low: null, high: { value, inclusive: operator === '<=' } };
    case '>':
    case '>=':
      return { low: { value, inclusive: operator === '>=' }, high: null };
  }
}

function point(value: SqlValue): ValueRange {
  const bound = { value, inclusive: true };
  return { low: bound, high: bound };
}

/** The whole number at or below a number; NaN stands above all. */
function wholeOf(value: Exclude<SqlValue, null>): { floor: bigint; isWhole: boolean } | 'above' | 'below' {
  if (typeof value === 'bigint') return { floor: value, isWhole: true };
  if (value instanceof Decimal) {
    const floor = value.floor();
    return { floor: floor.unscaled, isWhole: floor.equals(value) };
  }
  const number = value as number;
  if (!Number.isFinite(number)) return number === Number.NEGATIVE_INFINITY ? 'below' : 'above';
  return { floor: BigInt(Math.floor(number)), isWhole: Number.isInteger(number) };
}

/** From the prefix to the first text behind all that begin with it. */
function prefixRanges(prefix: string): readonly ValueRange[] {
  if (prefix === '') return EVERYTHING;
  const characters = [...prefix];
  while (characters.at(-1)?.codePointAt(0) === CODE_POINT_MAX) characters.pop();
  const last = characters.pop()?.codePointAt(0);
  const low = { value: prefix, inclusive: true };
  if (last === undefined) return [{ low, high: null }];
  // The halves of surrogate pairs are no characters.
  const next = last === 0xd7ff ? 0xe000 : last + 1;
  return [{ low, high: { value: characters.join('') + String.fromCodePoint(next), inclusive: false } }];
}

function intersection(one: Restriction, other: Restriction): Restriction {
  if (one.kind === 'null' || other.kind === 'null') {
    return one.kind === other.kind ? one : { ...one, kind: 'ranges', ranges: () => NOTHING };
  }
  const compare = comparatorOf(one.type);
  return {
    ...one,
    kind: [one, other].some(({ kind }) => kind === 'equal')
      ? 'equal'
      : [one, other].some(({ kind }) => kind === 'points')
        ? 'points'
        : 'ranges',
    ranges: (context) => {
      const others = other.ranges(context);
      return one
        .ranges(context)
        .flatMap((range) => others.map((against) => overlap(range, against, compare)))
        .filter((range) => !isEmpty(range, compare));
    },
  };
}

function overlap(one: ValueRange, other: ValueRange, compare: Comparator): ValueRange {
  return {
    low: lowOrder(one.low, other.low, compare) >= 0 ? one.low : other.low,
    high: highOrder(one.high, other.high, compare) <= 0 ? one.high : other.high,
  };
}

function isEmpty({ low, high }: ValueRange, compare: Comparator): boolean {
  if (low === null || high === null) return false;
  const order = compare(low.value!, high.value!);
  return order > 0 || (order === 0 && !(low.inclusive && high.inclusive));
}

/** Sorted; what touches or overlaps becomes one. */
function union(ranges: readonly ValueRange[], type: SqlType): readonly ValueRange[] {
  const compare = comparatorOf(type);
  const sorted = ranges
    .filter((range) => !isEmpty(range, compare))
    .sort((one, other) => lowOrder(one.low, other.low, compare));
  const merged: ValueRange[] = [];
  for (const range of sorted) {
    const last = merged.at(-1);
    if (last === undefined || isBehind(range, last, compare)) merged.push(range);
    else if (highOrder(range.high, last.high, compare) > 0)
      merged[merged.length - 1] = { ...last, high: range.high };
  }
  return merged;
}

function isBehind(range: ValueRange, last: ValueRange, compare: Comparator): boolean {
  if (range.low === null || last.high === null) return false;
  const order = compare(range.low.value!, last.high.value!);
  return order > 0 || (order === 0 && !range.low.inclusive && !last.high.inclusive);
}

/** No bound comes first; at the same value the inclusive one does. */
function lowOrder(one: Bound | null, other: Bound | null, compare: Comparator): number {
  if (one === null || other === null) return one === other ? 0 : one === null ? -1 : 1;
  return compare(one.value!, other.value!) || Number(other.inclusive) - Number(one.inclusive);
}

/** No bound comes last; at the same value the inclusive one does. */
function highOrder(one: Bound | null, other: Bound | null, compare: Comparator): number {
  if (one === null || other === null) return one === other ? 0 : one === null ? 1 : -1;
  return compare(one.value!, other.value!) || Number(one.inclusive) - Number(other.inclusive);
}
