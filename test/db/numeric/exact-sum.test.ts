import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Decimal, ExactSum } from '../../../db/numeric/index.ts';

const finite = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.double({ min: -1e6, max: 1e6, noNaN: true }),
  fc.constantFrom(
    5e-324,
    -5e-324,
    2.2250738585072014e-308,
    1.7976931348623157e308,
    -1.7976931348623157e308,
    1,
    -1,
  ),
);
const any = fc.oneof({ weight: 8, arbitrary: finite }, fc.constantFrom(Number.NaN, Infinity, -Infinity, -0));

function sumOf(values: readonly number[]): ExactSum {
  const sum = new ExactSum();
  for (const value of values) sum.add(value);
  return sum;
}

describe('an exact sum', () => {
  test('is the nearest double to the true sum', () => {
    fc.assert(
      fc.property(fc.array(finite, { maxLength: 8 }), (values) => {
        // Every double is a decimal of at most 1074 digits behind the point.
        const exact = values.reduce((total, value) => total.add(exactDecimal(value)), Decimal.ZERO);
        const sum = sumOf(values).toDouble();
        expect(sum).toBe(exact.toDouble() + 0);
      }),
      { numRuns: 60 },
    );
  });

  test('is the same in any order', () => {
    fc.assert(
      fc.property(fc.array(any, { maxLength: 30 }), fc.array(fc.nat(), { maxLength: 30 }), (values, keys) => {
        const shuffled = values
          .map((value, index) => ({ value, key: keys[index] ?? 0 }))
          .sort((one, other) => one.key - other.key)
          .map(({ value }) => value);
        expect(sumOf(shuffled).state()).toEqual(sumOf(values).state());
        expect(Object.is(sumOf(shuffled).toDouble(), sumOf(values).toDouble())).toBe(true);
      }),
    );
  });

  test('forgets what is taken away, infinities too', () => {
    fc.assert(
      fc.property(fc.array(any, { maxLength: 15 }), fc.array(any, { maxLength: 15 }), (kept, passing) => {
        const sum = sumOf([...kept, ...passing]);
        for (const value of passing) sum.subtract(value);
        expect(sum.state()).toEqual(sumOf(kept).state());
        expect(ExactSum.from(sum.state()).toDouble()).toEqual(sumOf(kept).toDouble());
      }),
    );
  });

  test('keeps what floating point loses', () => {
    expect(sumOf([1e308, 1, -1e308]).toDouble()).toBe(1);
    expect(sumOf([1e100, 1, -1e100, 0.1]).toDouble()).toBe(1.1);
    expect(sumOf(Array.from({ length: 10 }, () => 0.1)).toDouble()).toBe(1);
    expect(sumOf([1.7976931348623157e308, 1.7976931348623157e308]).toDouble()).toBe(Infinity);
    expect(sumOf([Infinity, -Infinity]).toDouble()).toBeNaN();
  });

  test('refuses to take away what was never there', () => {
    expect(() => new ExactSum().subtract(Infinity)).toThrow('never added');
  });
});

function exactDecimal(value: number): Decimal {
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, value);
  const raw = bits.getBigUint64(0);
  const exponent = Number((raw >> 52n) & 0x7ffn);
  const fraction = raw & ((1n << 52n) - 1n);
  const mantissa = (exponent === 0 ? fraction : fraction | (1n << 52n)) * (value < 0 ? -1n : 1n);
  const power = (exponent === 0 ? 1 : exponent) - 1_075;
  if (power >= 0) return new Decimal(mantissa << BigInt(power), 0);
  return new Decimal(mantissa * 5n ** BigInt(-power), -power);
}
