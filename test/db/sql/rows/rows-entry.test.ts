/** The bytes of entries about rows: fixed for good, and nothing else is taken for them. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TruthError } from '../../../../db/errors.ts';
import {
  decodeRows,
  encodeRows,
  type RowOperation,
  type RowsEntry,
} from '../../../../db/sql/rows/rows-entry.ts';
import type { Sequence } from '../../../../db/types.ts';

const AT = 7 as Sequence;
const bytes = (...values: number[]) => Uint8Array.from(values);

const EXAMPLE: RowsEntry = {
  actor: 'añna',
  table: 3,
  catalogVersion: 9,
  operations: [
    { kind: 'insert', key: bytes(2, 1), row: bytes(1, 0x12, 5) },
    { kind: 'update', key: bytes(2, 2), row: bytes(1) },
    { kind: 'delete', key: bytes(0xf0), row: bytes() },
  ],
};
const GOLDEN =
  '0105000003000000090000000300000061c3b16e61' +
  '0102000003000000' +
  '0201011205' +
  '0202000001000000' +
  '020201' +
  '0301000000000000' +
  'f0';

const operation: fc.Arbitrary<RowOperation> = fc
  .record({
    kind: fc.constantFrom('insert' as const, 'update' as const, 'delete' as const),
    key: fc.uint8Array({ minLength: 1, maxLength: 40 }),
    row: fc.uint8Array({ minLength: 1, maxLength: 60 }),
  })
  .map((made) => (made.kind === 'delete' ? { ...made, row: new Uint8Array(0) } : made));
const entry: fc.Arbitrary<RowsEntry> = fc.record({
  actor: fc.string({ minLength: 1, maxLength: 30 }),
  table: fc.nat(0xffff_ffff),
  catalogVersion: fc.nat(0xffff_ffff),
  operations: fc.array(operation, { minLength: 1, maxLength: 8 }),
});

describe('an entry about rows', () => {
  test('has the bytes it has always had', () => {
    expect(Buffer.from(encodeRows(EXAMPLE)).toString('hex')).toBe(GOLDEN);
    expect(decodeRows(Buffer.from(GOLDEN, 'hex'), AT)).toEqual(EXAMPLE);
  });

  test('comes back as it was', () => {
    fc.assert(
      fc.property(entry, (made) => {
        expect(decodeRows(encodeRows(made), AT)).toEqual(made);
      }),
    );
  });

  test('cut short, made longer or of other bytes is refused by a typed error, or is another entry', () => {
    const mutation = fc.record({ made: entry, at: fc.nat(200), byte: fc.nat(255), cut: fc.nat(100) });
    fc.assert(
      fc.property(mutation, ({ made, at, byte, cut }) => {
        const whole = encodeRows(made);
        const changed = Uint8Array.from(whole);
        changed[at % changed.length] = byte;
        for (const payload of [
          changed,
          whole.subarray(0, cut % whole.length),
          Buffer.concat([whole, bytes(byte)]),
        ])
          expectTyped(payload);
        expect(codeOf(whole.subarray(0, cut % whole.length))).not.toBeNull();
      }),
      { numRuns: 300 },
    );
  });

  test('is not made of any bytes whatever', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (payload) => expectTyped(payload)),
      { numRuns: 300 },
    );
    const huge = Buffer.from(GOLDEN, 'hex');
    huge.writeUInt32LE(0xffff_ffff, 12);
    expect(codeOf(huge)).toBe('CORRUPT');
  });

  test('of a newer release is refused as that', () => {
    const newer = Buffer.from(GOLDEN, 'hex');
    newer[0] = 2;
    expect(codeOf(newer)).toBe('UNSUPPORTED_VERSION');
  });
});

function expectTyped(payload: Uint8Array): void {
  expect([null, 'CORRUPT', 'UNSUPPORTED_VERSION']).toContain(codeOf(payload));
}

function codeOf(payload: Uint8Array): string | null {
  try {
    decodeRows(payload, AT);
    return null;
  } catch (error) {
    if (!(error instanceof TruthError)) throw error;
    return error.code;
  }
}
