import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TruthError } from '../../../../db/errors.ts';
import { Decimal } from '../../../../db/numeric/index.ts';
import { RowDecoder, RowEncoder, type SqlType, type StoredColumn } from '../../../../db/sql/types/index.ts';
import { anyType, maybeNull } from './arbitrary-values.ts';

const TEXT: SqlType = { kind: 'text', lengthMax: null };
const columnIds = fc.uniqueArray(fc.oneof(fc.nat(20), fc.nat(65_535)), { minLength: 1, maxLength: 8 });
const table = columnIds.chain((ids) =>
  fc.array(anyType, { minLength: ids.length, maxLength: ids.length }).chain((types) =>
    fc.record({
      columns: fc.constant(ids.map((id, index): StoredColumn => ({ id, type: types[index]! }))),
      row: fc.tuple(...types.map(maybeNull)),
    }),
  ),
);

describe('stored rows', () => {
  test('give back every column, in whatever order it is wanted', () => {
    fc.assert(
      fc.property(
        table,
        fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
        ({ columns, row }, order) => {
          const bytes = new RowEncoder(columns).encode(row);
          const shuffled = columns
            .map((column, place) => ({ column, place, by: order.next().value }))
            .sort((one, other) => one.by - other.by);
          const wanted = shuffled.map(({ column }) => ({ ...column, missing: 'never' }));
          expect(new RowDecoder(wanted).decode(bytes)).toEqual(shuffled.map(({ place }) => row[place]));
        },
      ),
      { numRuns: 150 },
    );
  });

  test('tell apart a NULL and a column that was added later, and pass over one that is no longer wanted', () => {
    const encoder = new RowEncoder([
      { id: 1, type: { kind: 'integer' } },
      { id: 2, type: TEXT },
      { id: 4, type: { kind: 'boolean' } },
    ]);
    const decoder = new RowDecoder([
      { id: 4, type: { kind: 'boolean' }, missing: false },
      { id: 9, type: TEXT, missing: 'new' },
      { id: 1, type: { kind: 'integer' }, missing: 5 },
    ]);
    expect(decoder.decode(encoder.encode([null, 'dropped', true]))).toEqual([true, 'new', null]);
  });

  test('keep the digits of a decimal, and zero with its sign', () => {
    const columns: StoredColumn[] = [
      { id: 0, type: { kind: 'decimal', precision: null, scale: null } },
      { id: 1, type: { kind: 'double' } },
    ];
    const decoded = new RowDecoder(columns.map((column) => ({ ...column, missing: null }))).decode(
      new RowEncoder(columns).encode([Decimal.parse('-1.500'), -0]),
    );
    expect(String(decoded[0])).toBe('-1.500');
    expect(Object.is(decoded[1], -0)).toBe(true);
  });

  test('are small: five ordinary columns in under forty bytes', () => {
    const types: SqlType[] = [
      { kind: 'bigint' },
      TEXT,
      { kind: 'decimal', precision: 10, scale: 2 },
      { kind: 'timestamp' },
      { kind: 'boolean' },
    ];
    const encoder = new RowEncoder(types.map((type, id) => ({ id, type })));
    const row = [123_456n, 'a name', Decimal.parse('199.99'), 1_790_000_000_000_000n, true];
    expect(encoder.encode(row).length).toBeLessThan(40);
  });

  test('that are damaged are refused as CORRUPT, or read as other values, but never as anything else', () => {
    fc.assert(
      fc.property(table, fc.nat(), fc.nat(255), fc.nat(), ({ columns, row }, at, byte, cut) => {
        const bytes = new RowEncoder(columns).encode(row);
        const damaged = bytes.slice(0, bytes.length - (cut % 3));
        damaged[at % damaged.length] = byte;
        decodeOrCorrupt(columns, damaged);
      }),
      { numRuns: 500 },
    );
  });

  test('made of anything are refused the same way', () => {
    fc.assert(
      fc.property(
        table,
        fc.uint8Array({ maxLength: 60 }),
        fc.boolean(),
        ({ columns }, bytes, isVersioned) => {
          if (isVersioned && bytes.length > 0) bytes[0] = 1;
          decodeOrCorrupt(columns, bytes);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('cut short say so', () => {
    const columns: StoredColumn[] = [{ id: 3, type: TEXT }];
    const bytes = new RowEncoder(columns).encode(['some text that is longer']);
    const decoder = new RowDecoder([{ ...columns[0]!, missing: null }]);
    expect(() => decoder.decode(bytes.slice(0, -1))).toThrow(/damaged at byte/);
    expect(() => decoder.decode(Uint8Array.of(2))).toThrow(/version is 2/);
  });
});

function decodeOrCorrupt(columns: readonly StoredColumn[], bytes: Uint8Array): void {
  const decoder = new RowDecoder(columns.map((column) => ({ ...column, missing: null })));
  try {
    decoder.decode(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(TruthError);
    expect((error as TruthError).code).toBe('CORRUPT');
  }
}
