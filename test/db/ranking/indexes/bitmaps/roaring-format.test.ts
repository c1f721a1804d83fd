import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TruthError } from '../../../../../db/errors.ts';
import { Bitmap, decodeRoaring, encodeRoaring } from '../../../../../db/ranking/indexes/bitmaps/index.ts';
import { members, sorted } from './members.ts';

/** By the letter of RoaringFormatSpec. */
const EXAMPLES: readonly { readonly name: string; readonly numbers: Uint32Array; readonly hex: string }[] = [
  { name: 'nothing', numbers: new Uint32Array(0), hex: '3a30000000000000' },
  {
    name: 'three numbers',
    numbers: Uint32Array.of(1, 5, 9),
    hex: '3a300000 01000000 0000 0200 10000000 0100 0500 0900',
  },
  {
    name: 'a run of ten in the second container',
    numbers: Uint32Array.from({ length: 10 }, (_, at) => 65_537 + at),
    hex: '3b30 0000 01 0100 0900 0100 0100 0900',
  },
  {
    name: 'a run and, in another container, a number',
    numbers: Uint32Array.of(1, 2, 3, 4, 5, 6, 7, 65_538),
    hex: '3b30 0100 01 0000 0600 0100 0000 0100 0100 0600 0200',
  },
];

describe('the portable format', () => {
  for (const { name, numbers, hex } of EXAMPLES)
    test(`writes ${name} as the specification says`, () => {
      const bytes = encodeRoaring(Bitmap.fromSorted(numbers));
      expect(Buffer.from(bytes).toString('hex')).toBe(hex.replaceAll(' ', ''));
      expect(decodeRoaring(bytes).toArray()).toEqual(numbers);
    });

  test('writes offsets beside runs from four containers on', () => {
    const numbers = [0, 1, 2, 3].flatMap((key) => Array.from({ length: 9 }, (_, at) => key * 65_536 + at));
    const bytes = encodeRoaring(Bitmap.of(numbers));
    // Cookie 4, flags 1, keys and sizes 16, then offsets: the first container stands behind them.
    expect(new DataView(bytes.buffer).getUint32(21, true)).toBe(4 + 1 + 16 + 16);
    expect([...decodeRoaring(bytes)]).toEqual(numbers);
  });

  test('gives back what it took', () => {
    fc.assert(
      fc.property(members, (numbers) => {
        const bitmap = Bitmap.of(numbers);
        const back = decodeRoaring(encodeRoaring(bitmap));
        expect(back.toArray()).toEqual(sorted(numbers));
        expect(back.size).toBe(bitmap.size);
        expect(encodeRoaring(back)).toEqual(encodeRoaring(bitmap));
      }),
      { numRuns: 60 },
    );
  });

  test('reads what lies in the middle of a Node buffer', () => {
    const members = [1, 5, 70_000, 70_002, 1_000_000];
    const bytes = encodeRoaring(Bitmap.of(members));
    const buffer = Buffer.concat([Buffer.from('abc'), bytes]).subarray(3);
    expect([...decodeRoaring(buffer)]).toEqual(members);
  });

  test('writes the same bytes for the same members, however they came to be', () => {
    const bitmap = Bitmap.range(0, 5_000);
    for (let number = 3_500; number < 5_000; number++) bitmap.remove(number);
    for (let number = 0; number < 3_500; number += 2) bitmap.remove(number);
    const same = Bitmap.of(bitmap.toArray());
    expect(encodeRoaring(bitmap)).toEqual(encodeRoaring(same));
  });

  test('refuses whatever is none, with a reason', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 64 }), announced), (bytes) => {
        expectRefusedOrRead(bytes);
      }),
      { numRuns: 300 },
    );
  });

  test('refuses what was changed or cut, or reads a set from it', () => {
    fc.assert(
      fc.property(members, fc.nat(), fc.nat(255), fc.nat(), (numbers, place, value, end) => {
        const bytes = encodeRoaring(Bitmap.of(numbers));
        expect(() => decodeRoaring(bytes.subarray(0, end % bytes.length))).toThrow(TruthError);
        bytes[place % bytes.length] = value;
        expectRefusedOrRead(bytes);
      }),
      { numRuns: 100 },
    );
  });
});

/** Bytes that begin like a bitmap. */
const announced = fc
  .tuple(
    fc.constantFrom('3a300000', '3b300000', '3b30ffff', '3a300000ffffffff'),
    fc.uint8Array({ maxLength: 40 }),
  )
  .map(([head, rest]) => Uint8Array.from([...Buffer.from(head, 'hex'), ...rest]));

function expectRefusedOrRead(bytes: Uint8Array): void {
  try {
    const numbers = decodeRoaring(bytes).toArray();
    expect(numbers).toEqual(sorted(numbers));
  } catch (error) {
    expect(error).toBeInstanceOf(TruthError);
    expect((error as TruthError).code).toBe('CORRUPT');
  }
}
