import { invariant } from '../../../kernel/invariant.ts';
import { exp, exp2, log1p, power, sigmoid } from '../../../numeric/index.ts';
import type { ScalarFunction } from '../../schema/model.ts';
import { finite } from './finite.ts';

type Unary = (x: number) => number;
type Binary = (x: number, y: number) => number;

const UNARY: Readonly<Partial<Record<ScalarFunction, Unary>>> = Object.freeze({
  '-': (x) => -x,
  log1p: (x) => (x > -1 ? log1p(x) : 0),
  exp,
  sqrt: (x) => (x > 0 ? Math.sqrt(x) : 0),
  abs: Math.abs,
  sigmoid,
} satisfies Partial<Record<ScalarFunction, Unary>>);

const BINARY: Readonly<Partial<Record<ScalarFunction, Binary>>> = Object.freeze({
  pow: (x, y) => (x === 0 && y < 0 ? 0 : power(x, y)),
  saturate: (x, half) => (x + half === 0 ? 0 : x / (x + half)),
  decay: (hours, half) => (half > 0 ? exp2(-hours / half) : 0),
} satisfies Partial<Record<ScalarFunction, Binary>>);

/** Works a function out for each candidate. `out` is none of `of`. */
export function applyFunction(
  name: ScalarFunction,
  of: readonly Float64Array[],
  count: number,
  out: Float64Array,
): void {
  const [first, second, third] = of;
  invariant(first !== undefined, 'a function has something it is of');
  if (name === 'share') shareColumn(first, count, out);
  else if (name === 'overdispersion') overdispersionColumn(first, known(second), count, out);
  else if (name === '+' || name === '*' || name === 'min' || name === 'max')
    foldColumns(name, of, count, out);
  else if (second === undefined) mapColumn(known(UNARY[name]), first, count, out);
  else if (name === '-') subtractColumns(first, second, count, out);
  else if (name === '/') divideColumns(first, second, count, out);
  else if (third === undefined) joinColumns(known(BINARY[name]), first, second, count, out);
  else clampColumn(first, second, third, count, out);
}

/** Of the largest, from 0 to 1; what is below 0 has none. */
function shareColumn(x: Float64Array, count: number, out: Float64Array): void {
  const most = largest(x, count);
  for (let at = 0; at < count; at++) out[at] = shareOf(x[at]!, most);
}

/**
 * The same for all: how much of what x is off from the proportions of y is more than chance. Counts that only follow y scatter
 * about their expectations by as much as these are (Poisson), so 1 - sum of expectations / sum of squared differences is 0
 * for them, and near 1 where x goes its own way.
 */
function overdispersionColumn(x: Float64Array, y: Float64Array, count: number, out: Float64Array): void {
  let sum = 0;
  let sumOfUsual = 0;
  for (let at = 0; at < count; at++) {
    sum = finite(sum + Math.max(0, x[at]!));
    sumOfUsual = finite(sumOfUsual + Math.max(0, y[at]!));
  }
  let squares = 0;
  for (let at = 0; at < count; at++) {
    const expected = sumOfUsual > 0 ? Math.max(0, y[at]!) * (sum / sumOfUsual) : 0;
    const difference = Math.max(0, x[at]!) - expected;
    squares = finite(squares + difference * difference);
  }
  out.fill(squares > sum ? 1 - sum / squares : 0, 0, count);
}

/** 0 where nothing is above it. */
export function largest(column: Float64Array, count: number): number {
  let most = 0;
  for (let at = 0; at < count; at++) if (column[at]! > most) most = column[at]!;
  return most;
}

export function shareOf(value: number, most: number): number {
  return most > 0 && value > 0 ? value / most : 0;
}

function known<T>(part: T | undefined): T {
  invariant(part !== undefined, 'a function is known for as many columns as it is given');
  return part;
}

function clampColumn(
  x: Float64Array,
  low: Float64Array,
  high: Float64Array,
  count: number,
  out: Float64Array,
): void {
  for (let at = 0; at < count; at++) out[at] = Math.max(low[at]!, Math.min(high[at]!, x[at]!));
}

function mapColumn(function_: Unary, x: Float64Array, count: number, out: Float64Array): void {
  for (let at = 0; at < count; at++) out[at] = finite(function_(x[at]!));
}

function joinColumns(
  function_: Binary,
  x: Float64Array,
  y: Float64Array,
  count: number,
  out: Float64Array,
): void {
  for (let at = 0; at < count; at++) out[at] = finite(function_(x[at]!, y[at]!));
}

/** From the first on. Sums and products have loops of their own: there are many of them in every profile. */
function foldColumns(
  name: '+' | '*' | 'min' | 'max',
  of: readonly Float64Array[],
  count: number,
  out: Float64Array,
): void {
  out.set(of[0]!.subarray(0, count));
  for (let next = 1; next < of.length; next++) {
    if (name === '+') addColumn(of[next]!, count, out);
    else if (name === '*') multiplyColumn(of[next]!, count, out);
    else joinColumns(name === 'min' ? Math.min : Math.max, out, of[next]!, count, out);
  }
}

function addColumn(x: Float64Array, count: number, out: Float64Array): void {
  for (let at = 0; at < count; at++) out[at] = finite(out[at]! + x[at]!);
}

function multiplyColumn(x: Float64Array, count: number, out: Float64Array): void {
  for (let at = 0; at < count; at++) out[at] = finite(out[at]! * x[at]!);
}

function subtractColumns(x: Float64Array, y: Float64Array, count: number, out: Float64Array): void {
  for (let at = 0; at < count; at++) out[at] = finite(x[at]! - y[at]!);
}

function divideColumns(x: Float64Array, y: Float64Array, count: number, out: Float64Array): void {
  for (let at = 0; at < count; at++) out[at] = y[at] === 0 ? 0 : finite(x[at]! / y[at]!);
}
