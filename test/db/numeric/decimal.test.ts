import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Decimal } from '../../../db/numeric/index.ts';

const decimal = fc
  .tuple(fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }), fc.nat(30))
  .map(([unscaled, scale]) => new Decimal(unscaled, scale));
const at = (text: string) => Decimal.parse(text);

describe('decimals', () => {
  test('read what they write', () => {
    fc.assert(
      fc.property(decimal, (value) => {
        const back = at(value.toString());
        expect([back.unscaled, back.scale]).toEqual([value.unscaled, value.scale]);
      }),
    );
  });

  test('add, subtract and multiply without losing a digit', () => {
    fc.assert(
      fc.property(decimal, decimal, (one, other) => {
        const scale = one.scale + other.scale;
        const unscaled = (value: Decimal) => value.unscaled * 10n ** BigInt(scale - value.scale);
        expect(unscaled(one.add(other))).toBe(unscaled(one) + unscaled(other));
        expect(one.add(other).subtract(other).equals(one)).toBe(true);
        expect(one.multiply(other).unscaled).toBe(one.unscaled * other.unscaled);
      }),
    );
  });

  test('divide to within half of the last digit kept, and at least 16 significant ones', () => {
    fc.assert(
      fc.property(decimal, decimal, (one, other) => {
        fc.pre(other.sign !== 0);
        const quotient = one.divide(other);
        const rest = one.subtract(quotient.multiply(other)).absolute();
        const half = new Decimal(5n, quotient.scale + 1).multiply(other.absolute());
        expect(rest.compare(half)).toBeLessThanOrEqual(0);
        const digits = quotient.absolute().unscaled.toString().length;
        if (one.sign !== 0) expect(digits).toBeGreaterThanOrEqual(16);
      }),
    );
  });

  test('have a remainder smaller than the divisor, with the sign of the dividend', () => {
    fc.assert(
      fc.property(decimal, decimal, (one, other) => {
        fc.pre(other.sign !== 0);
        const rest = one.remainder(other);
        expect(rest.absolute().compare(other.absolute())).toBe(-1);
        expect([0, one.sign]).toContain(rest.sign);
      }),
    );
  });

  test('have square roots within half of the last digit', () => {
    fc.assert(
      fc.property(decimal, (value) => {
        const root = value.absolute().squareRoot();
        const half = new Decimal(5n, root.scale + 1);
        expect(root.add(half).multiply(root.add(half)).compare(value.absolute())).toBe(1);
        const below = root.subtract(half);
        if (below.sign > 0) expect(below.multiply(below).compare(value.absolute())).toBeLessThanOrEqual(0);
      }),
    );
  });

  test.each([
    ['2.5', 0, '3', '2'],
    ['-2.5', 0, '-3', '-2'],
    ['1.249', 2, '1.25', '1.24'],
    ['1.2', 3, '1.200', '1.200'],
    ['1550', -2, '1600', '1500'],
    ['49', -2, '0', '0'],
    ['-0.5', 0, '-1', '0'],
  ])('%s to %i digits is %s rounded and %s cut', (text, scale, rounded, cut) => {
    expect(at(text).round(scale).toString()).toBe(rounded);
    expect(at(text).truncate(scale).toString()).toBe(cut);
  });

  test('go down and up to whole numbers', () => {
    expect(['-1.1', '1.1', '-1.0', '0.9'].map((text) => at(text).floor().toString())).toEqual([
      '-2',
      '1',
      '-1',
      '0',
    ]);
    expect(['-1.1', '1.1', '2.0'].map((text) => at(text).ceiling().toString())).toEqual(['-1', '2', '2']);
  });

  test('take 15 digits of a double, a tie to the even one', () => {
    const taken = [0.1, 1e20, 1e-7, 123456.789, 1000000000000005, 1000000000000015, -0].map((value) =>
      Decimal.fromDouble(value).toString(),
    );
    expect(taken).toEqual([
      ...[
        '0.1',
        '100000000000000000000',
        '0.0000001',
        '123456.789',
        '1000000000000000',
        '1000000000000020',
        '0',
      ],
    ]);
  });

  test('lose zeros at the end and nothing else', () => {
    fc.assert(
      fc.property(decimal, (value) => {
        const normal = value.normalized();
        expect(normal.equals(value)).toBe(true);
        expect(normal.scale === 0 || normal.unscaled % 10n !== 0n).toBe(true);
      }),
    );
  });

  test.each([
    ['', '22P02'],
    ['.', '22P02'],
    ['1.2.3', '22P02'],
    ['0x1', '22P02'],
    ['NaN', '22P02'],
    ['1e', '22P02'],
    ['1e200000', '22003'],
    ['1e131072', '22003'],
    ['1e-16384', '22003'],
  ])('%j is refused with %s', (text, sqlstate) => {
    expect(() => at(text)).toThrow(expect.objectContaining({ details: { sqlstate } }));
  });

  test('that are much too long are refused without being read', () => {
    expect(() => at('9'.repeat(10_000_000))).toThrow('overflows');
    expect(at(`${'0'.repeat(1_000_000)}7`).toString()).toBe('7');
  });

  test('refuse to divide by zero and to grow past what PostgreSQL holds', () => {
    expect(() => at('1').divide(at('0.00'))).toThrow('division by zero');
    expect(() => at('1').remainder(at('0'))).toThrow('division by zero');
    expect(() => at('1e131071').multiply(at('10'))).toThrow('overflows');
    expect(() => at('-1').squareRoot()).toThrow('negative');
  });
});
