import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TruthError } from '../../../../db/errors.ts';
import { Decimal } from '../../../../db/numeric/index.ts';
import {
  comparatorOf,
  formatBinary,
  formatText,
  parameterValue,
  parseBinary,
  parseText,
  type SqlType,
  toJsonScalar,
  typeOfOid,
  wireType,
} from '../../../../db/sql/types/index.ts';
import { anyText, anyType, someValue, sortableType } from './arbitrary-values.ts';

const TEXT: SqlType = { kind: 'text', lengthMax: null };
const DECIMAL: SqlType = { kind: 'decimal', precision: null, scale: null };
// SQL's text has no NUL, and a JSON's neither.
const typedValue = anyType.chain((type) =>
  someValue(type)
    .filter((value) => typeof value !== 'string' || (!value.includes('\0') && value.isWellFormed()))
    .map((value) => [type, value] as const),
);

describe('values', () => {
  test('come back from text, from binary and from JSON', () => {
    fc.assert(
      fc.property(typedValue, ([type, value]) => {
        expect(parseText(type, formatText(type, value))).toEqual(value);
        expect(parseBinary(type, formatBinary(type, value))).toEqual(value);
        const json: unknown = JSON.parse(JSON.stringify(toJsonScalar(type, value)));
        // JSON has no -0.
        if (!Object.is(value, -0)) expect(parameterValue(type, json)).toEqual(value);
      }),
      { numRuns: 500 },
    );
  });

  test('have one order: total, the same both ways, and equal to itself', () => {
    const three = sortableType.chain((type) =>
      fc.tuple(fc.constant(type), someValue(type), someValue(type), someValue(type)),
    );
    fc.assert(
      fc.property(three, ([type, one, other, third]) => {
        const compare = comparatorOf(type);
        expect(compare(one, one)).toBe(0);
        expect(Math.sign(compare(one, other)) + Math.sign(compare(other, one))).toBe(0);
        if (compare(one, other) <= 0 && compare(other, third) <= 0)
          expect(compare(one, third)).toBeLessThanOrEqual(0);
      }),
      { numRuns: 500 },
    );
  });

  test('of text are ordered as their UTF-8 is', () => {
    const text = fc.string({
      unit: fc.constantFrom('a', 'b', '\ud7ff', '\ue000', '\uffff', '😀', '\u{10ffff}'),
      maxLength: 5,
    });
    fc.assert(
      fc.property(text, text, (one, other) => {
        const bytes = Buffer.compare(Buffer.from(one), Buffer.from(other));
        expect(Math.sign(comparatorOf(TEXT)(one, other))).toBe(bytes);
      }),
      { numRuns: 500 },
    );
  });

  test('NaN is the largest double, and JSON has no order', () => {
    const compare = comparatorOf({ kind: 'double' });
    expect([compare(Number.NaN, Infinity), compare(Number.NaN, Number.NaN), compare(0, -0)]).toEqual([
      1, 0, 0,
    ]);
    expect(() => comparatorOf({ kind: 'json' })).toThrow(
      expect.objectContaining({ details: { sqlstate: '42883' } }),
    );
  });

  test('out of whatever text or bytes are there, or an error that has a state', () => {
    fc.assert(
      fc.property(anyType, anyText, fc.uint8Array({ maxLength: 24 }), (type, text, bytes) => {
        for (const read of [
          () => parseText(type, text),
          () => parseBinary(type, bytes),
          () => parameterValue(type, bytes),
        ]) {
          try {
            read();
          } catch (error) {
            expect(error).toBeInstanceOf(TruthError);
            expect((error as TruthError).details['sqlstate']).toMatch(/^(22|42)/);
          }
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test('of a program stand for what they mean', () => {
    expect(parameterValue({ kind: 'bigint' }, 7)).toBe(7n);
    expect(parameterValue({ kind: 'integer' }, 7n)).toBe(7);
    expect(String(parameterValue(DECIMAL, 0.1))).toBe('0.1');
    expect(parameterValue({ kind: 'double' }, Decimal.parse('2.5'))).toBe(2.5);
    expect(parameterValue({ kind: 'json' }, { a: [1, 2] })).toBe('{"a":[1,2]}');
    expect(parameterValue({ kind: 'timestamp' }, new Date(1_000))).toBe(1_000_000n);
    expect(parameterValue(TEXT, undefined)).toBe(null);
    expect(parameterValue({ kind: 'uuid' }, '{A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11}')).toBe(
      'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
    );
  });

  test.each<[SqlType, unknown, string]>([
    [{ kind: 'integer' }, 1.5, '22P02'],
    [{ kind: 'integer' }, 2 ** 31, '22003'],
    [{ kind: 'bigint' }, 2 ** 60, '22003'],
    [{ kind: 'bigint' }, 2n ** 63n, '22003'],
    [{ kind: 'boolean' }, 1, '42804'],
    [{ kind: 'uuid' }, 5, '42804'],
    [{ kind: 'json' }, undefined, 'null'],
    [{ kind: 'json' }, () => 1, '42804'],
    [TEXT, 'a\0', '22021'],
    [TEXT, '\ud800', '22021'],
    [{ kind: 'text', lengthMax: 2 }, 'abc', '22001'],
    [{ kind: 'decimal', precision: 3, scale: 1 }, '100', '22003'],
  ])('%j of %s is %s', (type, given, sqlstate) => {
    if (sqlstate === 'null') expect(parameterValue(type, given)).toBe(null);
    else {
      const refused = expect.objectContaining({ details: { sqlstate } });
      expect(() => parameterValue(type, given)).toThrow(refused);
    }
  });

  test('may come in the narrower forms of whole numbers and doubles', () => {
    expect(parseBinary({ kind: 'integer' }, Uint8Array.of(0xff, 0xfe))).toBe(-2);
    expect(parseBinary({ kind: 'bigint' }, Uint8Array.of(0, 0, 1, 0))).toBe(256n);
    expect(parseBinary({ kind: 'double' }, Uint8Array.of(0x3f, 0xc0, 0, 0))).toBe(1.5);
    expect(() => parseBinary({ kind: 'integer' }, new Uint8Array(8))).toThrow('incorrect binary data format');
  });
});

test('types come back from the numbers that drivers know them by', () => {
  fc.assert(
    fc.property(anyType, (type) => {
      expect(typeOfOid(wireType(type).oid)).toEqual(type);
    }),
  );
  expect(typeOfOid(0)).toBe(null);
  expect(typeOfOid(3_802)).toBe(null);
});
