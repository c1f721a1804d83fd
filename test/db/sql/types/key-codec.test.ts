import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TruthError } from '../../../../db/errors.ts';
import { Decimal } from '../../../../db/numeric/index.ts';
import {
  boundedRange,
  comparatorOf,
  decodeKey,
  encodeKey,
  prefixRange,
  type SqlType,
  type SqlValue,
  textPrefixRange,
} from '../../../../db/sql/types/index.ts';
import { anyText, maybeNull, someValue, sortableType } from './arbitrary-values.ts';

const TEXT: SqlType = { kind: 'text', lengthMax: null };
const INTEGER: SqlType = { kind: 'integer' };

const tuple = fc
  .array(sortableType, { minLength: 1, maxLength: 4 })
  .chain((types) => fc.record({ types: fc.constant(types), one: values(types), other: values(types) }));

function values(types: readonly SqlType[]): fc.Arbitrary<SqlValue[]> {
  return fc.tuple(...types.map(maybeNull));
}

describe('keys', () => {
  test('compare as bytes the way their tuples compare, NULLs last', () => {
    fc.assert(
      fc.property(tuple, ({ types, one, other }) => {
        const bytes = Buffer.compare(encodeKey(types, one), encodeKey(types, other));
        expect(bytes).toBe(Math.sign(compareTuples(types, one, other)));
      }),
      { numRuns: 600 },
    );
  });

  test('give back what they were made of, decimals by value', () => {
    fc.assert(
      fc.property(tuple, ({ types, one }) => {
        const back = decodeKey(types, encodeKey(types, one));
        expect(compareTuples(types, one, back)).toBe(0);
        for (const [index, type] of types.entries()) {
          if (type.kind !== 'decimal' && type.kind !== 'double') expect(back[index]).toEqual(one[index]);
        }
      }),
    );
  });

  test('begin with the bytes of their first values, and with those of no other values', () => {
    fc.assert(
      fc.property(tuple, fc.nat(4), ({ types, one, other }, count) => {
        const prefix = one.slice(0, count);
        const { from, to } = prefixRange(types, prefix);
        const isInside = within(encodeKey(types, other), from, to);
        expect(isInside).toBe(
          compareTuples(types.slice(0, prefix.length), prefix, other.slice(0, prefix.length)) === 0,
        );
      }),
      { numRuns: 300 },
    );
  });

  test('between two bounds are those whose value is, and NULL is not', () => {
    const sample = sortableType.chain((type) =>
      fc.record({
        type: fc.constant(type),
        value: maybeNull(type),
        low: fc.option(fc.record({ value: someValue(type), inclusive: fc.boolean() })),
        high: fc.option(fc.record({ value: someValue(type), inclusive: fc.boolean() })),
        first: fc.integer({ min: 0, max: 2 }),
      }),
    );
    fc.assert(
      fc.property(sample, ({ type, value, low, high, first }) => {
        const types = [INTEGER, type, TEXT];
        const { from, to } = boundedRange(types, [1], low, high);
        const isInside = within(encodeKey(types, [first, value, 'x']), from, to);
        const compare = comparatorOf(type);
        const isAbove =
          low === null || (value !== null && compare(value, low.value) > (low.inclusive ? -1 : 0));
        const isBelow =
          high === null || (value !== null && compare(value, high.value) < (high.inclusive ? 1 : 0));
        expect(isInside).toBe(first === 1 && value !== null && isAbove && isBelow);
      }),
      { numRuns: 300 },
    );
  });

  test('of texts with a beginning are one range', () => {
    const text = someValue(TEXT) as fc.Arbitrary<string>;
    fc.assert(
      fc.property(text, text, anyText, (prefix, other, rest) => {
        const { from, to } = textPrefixRange([TEXT, INTEGER], [], prefix);
        for (const candidate of [other, prefix + rest]) {
          expect(within(encodeKey([TEXT, INTEGER], [candidate, 7]), from, to)).toBe(
            candidate.startsWith(prefix),
          );
        }
      }),
      { numRuns: 200 },
    );
  });

  test('are the same for equal values that are written differently', () => {
    const decimal: SqlType = { kind: 'decimal', precision: null, scale: null };
    const keyOf = (text: string) => Buffer.from(encodeKey([decimal], [Decimal.parse(text)])).toString('hex');
    expect(keyOf('1.50')).toBe(keyOf('1.5'));
    expect(keyOf('1e3')).toBe(keyOf('1000.000'));
    expect(keyOf('0.00')).toBe(keyOf('0'));
    const zero = (value: number) => Buffer.from(encodeKey([{ kind: 'double' }], [value])).toString('hex');
    expect(zero(-0)).toBe(zero(0));
  });

  test('of JSON there are none', () => {
    expect(() => encodeKey([{ kind: 'json' }], ['{}'])).toThrow(
      expect.objectContaining({ details: { sqlstate: '42883' } }),
    );
  });

  test('that are damaged are refused as such', () => {
    fc.assert(
      fc.property(
        fc.array(sortableType, { minLength: 1, maxLength: 3 }),
        fc.uint8Array({ maxLength: 40 }),
        (types, bytes) => {
          try {
            decodeKey(types, bytes);
          } catch (error) {
            expect(error).toBeInstanceOf(TruthError);
            expect((error as TruthError).code).toBe('CORRUPT');
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});

function within(key: Uint8Array, from: Uint8Array, to: Uint8Array | null): boolean {
  return Buffer.compare(key, from) >= 0 && (to === null || Buffer.compare(key, to) < 0);
}

function compareTuples(
  types: readonly SqlType[],
  one: readonly SqlValue[],
  other: readonly SqlValue[],
): number {
  for (const [index, type] of types.entries()) {
    const [left, right] = [one[index]!, other[index]!];
    if (left === null || right === null) {
      if (left !== right) return left === null ? 1 : -1;
      continue;
    }
    const order = comparatorOf(type)(left, right);
    if (order !== 0) return order;
  }
  return 0;
}
