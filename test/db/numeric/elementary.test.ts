import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  exp,
  exp2,
  expm1,
  halfLifeFactor,
  log,
  log1p,
  log2,
  power,
  sigmoid,
  tanh,
} from '../../../db/numeric/index.ts';

const RUNS = { numRuns: 3_000 };
const INFINITIES = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY] as const;

/** How many doubles lie between two. */
function steps(one: number, other: number): number {
  if (Object.is(one, other) || one === other) return 0;
  if (!Number.isFinite(one) || !Number.isFinite(other)) return Number.POSITIVE_INFINITY;
  return Math.abs(Number(place(one) - place(other)));
}

function place(value: number): bigint {
  const bits = new BigInt64Array(new Float64Array([value]).buffer)[0]!;
  return bits < 0n ? -(bits & 0x7fff_ffff_ffff_ffffn) : bits;
}

/** Both are within one unit of the true value, so at most two apart. */
function near(
  own: (x: number) => number,
  engine: (x: number) => number,
  arguments_: fc.Arbitrary<number>,
): void {
  fc.assert(
    fc.property(arguments_, (x) => {
      expect(steps(own(x), engine(x)), `${own.name}(${x}) = ${own(x)}, not ${engine(x)}`).toBeLessThanOrEqual(
        2,
      );
    }),
    RUNS,
  );
}

const any = fc.double();
const range = (min: number, max: number) => fc.double({ min, max, noNaN: true });

describe('an elementary function', () => {
  test.each([
    ['exp', exp, Math.exp, fc.oneof(any, range(-750, 750), range(-1, 1))],
    ['expm1', expm1, Math.expm1, fc.oneof(any, range(-50, 750), range(-1, 1), range(-1e-9, 1e-9))],
    ['log', log, Math.log, fc.oneof(any, range(0, 1e6), range(0.5, 2))],
    ['log1p', log1p, Math.log1p, fc.oneof(any, range(-1, 1e6), range(-0.5, 1), range(-1e-9, 1e-9))],
    ['log2', log2, Math.log2, fc.oneof(any, range(0, 1e6), range(0.5, 2))],
    ['tanh', tanh, Math.tanh, fc.oneof(any, range(-25, 25), range(-1, 1))],
  ] as const)('%s is as near to the true value as the engine is', (_, own, engine, arguments_) => {
    near(own, engine, arguments_);
  });

  test('exp2 and power are as near to the true value as the engine is', () => {
    near(exp2, (x) => 2 ** x, fc.oneof(any, range(-1_080, 1_030), range(-1, 1)));
    const base = fc.oneof(any, range(0, 1e3), range(0.9, 1.1), range(-5, 0));
    const exponent = fc.oneof(any, range(-50, 50), fc.integer({ min: -300, max: 300 }), range(-1e4, 1e4));
    fc.assert(
      fc.property(base, exponent, (x, y) => {
        expect(steps(power(x, y), x ** y), `${x} to the ${y}`).toBeLessThanOrEqual(2);
      }),
      RUNS,
    );
  });

  test('sigmoid is between 0 and 1, and falls together with its definition', () => {
    fc.assert(
      fc.property(range(-700, 700), (x) => {
        expect(sigmoid(x)).toBeGreaterThanOrEqual(0);
        expect(sigmoid(x)).toBeLessThanOrEqual(1);
        expect(Math.abs(sigmoid(x) - 1 / (1 + Math.exp(-x)))).toBeLessThan(1e-15);
        expect(Math.abs(sigmoid(x) + sigmoid(-x) - 1)).toBeLessThan(1e-15);
      }),
      RUNS,
    );
    expect(sigmoid(0)).toBe(0.5);
    expect(INFINITIES.map(sigmoid)).toEqual([1, 0]);
  });

  test('a half is left after a half-life, a quarter after two', () => {
    expect([0, 7, 14, 21].map((days) => halfLifeFactor(days, 7))).toEqual([1, 0.5, 0.25, 0.125]);
    expect(halfLifeFactor(1e300, 1)).toBe(0);
    expect(halfLifeFactor(3.5, 7)).toBeCloseTo(Math.SQRT1_2, 15);
  });

  test('special values are those of IEEE 754', () => {
    const nan = Number.NaN;
    const [more, less] = INFINITIES;
    const values = [nan, more, less, 0, -0, 1, -1, 1e-320, 5e-324, 1.7976931348623157e308, 709.9, -745.2, -2];
    const pairs: readonly (readonly [(x: number) => number, (x: number) => number])[] = [
      [exp, Math.exp],
      [expm1, Math.expm1],
      [log, Math.log],
      [log1p, Math.log1p],
      [log2, Math.log2],
      [tanh, Math.tanh],
      [exp2, (x) => 2 ** x],
    ];
    for (const [own, engine] of pairs)
      for (const x of values) {
        expect(steps(own(x), engine(x)), `${own.name}(${x})`).toBeLessThanOrEqual(2);
        if (engine(x) === 0) expect(own(x), `sign of ${own.name}(${x})`).toBe(engine(x));
      }
    const exponents = [...values, 2, 3, 0.5, -3, 1e300, -1e300, 4_503_599_627_370_497];
    for (const x of values)
      for (const y of exponents) {
        expect(steps(power(x, y), x ** y), `${x} to the ${y}`).toBeLessThanOrEqual(2);
        if (x ** y === 0) expect(power(x, y), `sign of ${x} to the ${y}`).toBe(x ** y);
      }
  });

  test('whole powers of two are exact', () => {
    for (let exponent = -1_074; exponent <= 1_023; exponent++) {
      const value = 2 ** exponent;
      expect(exp2(exponent)).toBe(value);
      expect(log2(value)).toBe(exponent);
      expect(power(2, exponent)).toBe(value);
    }
  });
});
