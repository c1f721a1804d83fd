/** How functions are written down, and which of several of one name a call means: PostgreSQL's rules (manual, 10.3). */
import { sqlError } from '../types/sql-error.ts';
import type { SqlType, SqlValue } from '../types/sql-type.ts';
import type { EvaluationContext, Volatility } from './bound.ts';
import { isImplicit, isNumeric } from './casts.ts';
import { isUnknown, type Operand, operandName } from './operand.ts';

type Value = Exclude<SqlValue, null>;
type Kind = SqlType['kind'];

/** One function of a name. NULL among the arguments gives NULL without asking it. */
export interface SqlFunction {
  readonly takes: readonly SqlType[];
  /** The last of `takes` as often as there are arguments. */
  readonly repeats: boolean;
  readonly gives: SqlType;
  readonly volatility: Volatility;
  /** Asked with as many values as it takes, all of those types. */
  readonly apply: (values: readonly Value[], context: EvaluationContext) => SqlValue;
}

export type FunctionTable = Readonly<Record<string, readonly SqlFunction[]>>;

export function from1(first: SqlType, gives: SqlType, apply: (value: never) => SqlValue): SqlFunction {
  const call = apply as (value: Value) => SqlValue;
  return pure([first], gives, (values) => call(values[0]!));
}

export function from2(
  first: SqlType,
  second: SqlType,
  gives: SqlType,
  apply: (first: never, second: never) => SqlValue,
): SqlFunction {
  const call = apply as (first: Value, second: Value) => SqlValue;
  return pure([first, second], gives, (values) => call(values[0]!, values[1]!));
}

export function from3(
  first: SqlType,
  second: SqlType,
  third: SqlType,
  gives: SqlType,
  apply: (first: never, second: never, third: never) => SqlValue,
): SqlFunction {
  const call = apply as (first: Value, second: Value, third: Value) => SqlValue;
  return pure([first, second, third], gives, (values) => call(values[0]!, values[1]!, values[2]!));
}

/** Of what the statement knows: who asks, when. */
export function ofContext(
  gives: SqlType,
  volatility: Volatility,
  apply: (context: EvaluationContext) => SqlValue,
): SqlFunction {
  return { takes: [], repeats: false, gives, volatility, apply: (_, context) => apply(context) };
}

export function pure(
  takes: readonly SqlType[],
  gives: SqlType,
  apply: (values: readonly Value[]) => SqlValue,
): SqlFunction {
  return { takes, repeats: false, gives, volatility: 'immutable', apply };
}

/** Errors: 42883 when none fits, 42725 when several fit equally well. */
export function chooseFunction(
  name: string,
  functions: readonly SqlFunction[],
  operands: readonly Operand[],
  at: number,
): SqlFunction {
  const fitting = functions.filter((one) => accepts(one, operands));
  if (fitting.length === 0) throw noFunction(name, operands, at);
  const known = best(fitting, (one) =>
    count(operands, (operand, place) => isExact(operand, kindAt(one, place))),
  );
  const wide = best(known, (one) => count(operands, (operand, place) => isGood(operand, kindAt(one, place))));
  const chosen = wide.length === 1 ? wide : byUnknowns(wide, operands);
  if (chosen.length === 1) return chosen[0]!;
  throw sqlError(
    '42725',
    `function ${signature(name, operands)} is not unique; add a cast to an argument`,
    at,
  );
}

export function noFunction(name: string, operands: readonly Operand[], at: number): Error {
  return sqlError(
    '42883',
    `function ${signature(name, operands)} does not exist; a cast of an argument may help`,
    at,
  );
}

function kindAt(one: SqlFunction, place: number): Kind {
  return one.takes[Math.min(place, one.takes.length - 1)]!.kind;
}

function signature(name: string, operands: readonly Operand[]): string {
  return `${name}(${operands.map(operandName).join(', ')})`;
}

function accepts(one: SqlFunction, operands: readonly Operand[]): boolean {
  const isCount = one.repeats ? operands.length >= one.takes.length : operands.length === one.takes.length;
  return (
    isCount &&
    operands.every(
      (operand, place) => isUnknown(operand) || isImplicit(operand.type.kind, kindAt(one, place)),
    )
  );
}

function isExact(operand: Operand, kind: Kind): boolean {
  return !isUnknown(operand) && operand.type.kind === kind;
}

function isGood(operand: Operand, kind: Kind): boolean {
  return isExact(operand, kind) || (!isUnknown(operand) && isPreferred(kind));
}

/** The type of each family that PostgreSQL would rather convert to. */
function isPreferred(kind: Kind): boolean {
  return kind === 'double' || kind === 'text' || kind === 'boolean';
}

function familyOf(kind: Kind): string {
  return isNumeric(kind) ? 'number' : kind;
}

/** A literal of no type is text where that may be, otherwise of the one family that all want, preferably its preferred type. */
function byUnknowns(functions: readonly SqlFunction[], operands: readonly Operand[]): readonly SqlFunction[] {
  let left = functions;
  for (const [place, operand] of operands.entries()) {
    if (!isUnknown(operand)) continue;
    const kinds = left.map((one) => kindAt(one, place));
    const family = kinds.includes('text') ? 'text' : familyOf(kinds[0]!);
    if (family !== 'text' && kinds.some((kind) => familyOf(kind) !== family)) return left;
    const inFamily = left.filter((one) => familyOf(kindAt(one, place)) === family);
    const preferred = inFamily.filter((one) => isPreferred(kindAt(one, place)));
    left = preferred.length > 0 ? preferred : inFamily;
  }
  if (left.length <= 1) return left;
  // When all that is known is of one type, the rest is taken to be of it too.
  const known = new Set(operands.flatMap((operand) => (isUnknown(operand) ? [] : [operand.type.kind])));
  if (known.size !== 1) return left;
  const [kind] = known;
  const same = left.filter((one) => operands.every((_, place) => isImplicit(kind!, kindAt(one, place))));
  return same.length === 1 ? same : left;
}

function best(functions: readonly SqlFunction[], rate: (one: SqlFunction) => number): readonly SqlFunction[] {
  const rates = functions.map(rate);
  const top = Math.max(...rates);
  return functions.filter((_, index) => rates[index] === top);
}

function count(operands: readonly Operand[], test: (operand: Operand, place: number) => boolean): number {
  return operands.filter(test).length;
}
