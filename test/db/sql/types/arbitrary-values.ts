import fc from 'fast-check';
import { Decimal } from '../../../../db/numeric/index.ts';
import type { SqlType, SqlValue } from '../../../../db/sql/types/index.ts';

export type TypedValue = readonly [SqlType, SqlValue];

const SORTABLE: readonly SqlType[] = [
  { kind: 'integer' },
  { kind: 'bigint' },
  { kind: 'double' },
  { kind: 'decimal', precision: null, scale: null },
  { kind: 'text', lengthMax: null },
  { kind: 'boolean' },
  { kind: 'timestamp' },
  { kind: 'bytes' },
  { kind: 'uuid' },
];

/** Types with an order. */
export const sortableType = fc.constantFrom(...SORTABLE);
export const anyType = fc.constantFrom<SqlType>(...SORTABLE, { kind: 'json' });

/** Any code points but surrogates. What fast-check has for that takes a second and a half to make. */
const character = fc
  .oneof(fc.integer({ min: 0, max: 0xd7ff }), fc.integer({ min: 0xe000, max: 0x10ffff }), fc.nat(0x7f))
  .map((code) => String.fromCodePoint(code));
export const anyText = fc.string({ unit: character, maxLength: 8 });

const made = new Map<SqlType['kind'], fc.Arbitrary<Exclude<SqlValue, null>>>();

/** Not NULL. Small pools, so that equal values and equal beginnings come up. Made once: making one takes longer than using it. */
export function someValue(type: SqlType): fc.Arbitrary<Exclude<SqlValue, null>> {
  const known = made.get(type.kind) ?? arbitraryOf(type);
  made.set(type.kind, known);
  return known;
}

function arbitraryOf(type: SqlType): fc.Arbitrary<Exclude<SqlValue, null>> {
  switch (type.kind) {
    case 'integer':
      return fc.oneof(
        fc.integer(),
        fc.integer({ min: -3, max: 3 }),
        fc.constantFrom(-(2 ** 31), 2 ** 31 - 1),
      );
    case 'bigint':
      return fc.oneof(
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        fc.bigInt({ min: -300n, max: 300n }),
        fc.constantFrom(-(2n ** 63n), 2n ** 63n - 1n, 2n ** 53n, -(2n ** 53n)),
      );
    case 'double':
      return fc.oneof(fc.double(), fc.constantFrom(0, -0, Number.NaN, Infinity, -Infinity, 1, -1, 5e-324));
    case 'decimal':
      return fc
        .oneof(
          fc.tuple(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), fc.nat(40)),
          fc.tuple(fc.bigInt({ min: -200n, max: 200n }), fc.nat(4)),
        )
        .map(([unscaled, scale]) => new Decimal(unscaled, scale));
    case 'text':
      return fc.oneof(
        anyText,
        fc.string({
          unit: fc.constantFrom('a', 'b', '\0', 'é', '\ud7ff', '\ue000', '\uffff', '😀'),
          maxLength: 4,
        }),
      );
    case 'boolean':
      return fc.boolean();
    case 'timestamp':
      return fc.bigInt({ min: -200_000_000_000_000_000n, max: 9_000_000_000_000_000_000n });
    case 'bytes':
      return fc.oneof(
        fc.uint8Array({ maxLength: 12 }),
        fc.array(fc.constantFrom(0, 1, 255), { maxLength: 4 }).map((bytes) => Uint8Array.from(bytes)),
      );
    case 'json':
      return fc.json({ maxDepth: 1 });
    case 'uuid':
      return fc.uuid();
  }
}

export function maybeNull(type: SqlType): fc.Arbitrary<SqlValue> {
  return fc.option(someValue(type), { freq: 6 });
}
