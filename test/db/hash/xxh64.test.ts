import fc from 'fast-check';
import { expect, test } from 'vitest';
import createXxhash from 'xxhash-wasm';
import { xxh64, xxh64Low } from '../../../db/hash/index.ts';

const reference = await createXxhash();

test('the published value of the empty message', () => {
  expect(xxh64(new Uint8Array())).toBe(0xef46db3751d8e999n);
});

test('every length up to three stripes and a tail equals the reference', () => {
  for (let length = 0; length <= 130; length++) {
    const message = Uint8Array.from({ length }, (_, at) => (at * 37 + 11) & 0xff);
    expect(xxh64(message, 77n)).toBe(reference.h64Raw(message, 77n));
  }
});

test('any message under any seed equals the reference', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), fc.bigInt(0n, 2n ** 64n - 1n), (message, seed) => {
      expect(xxh64(message, seed)).toBe(reference.h64Raw(message, seed));
    }),
  );
});

test('a message longer than the window equals the reference', () => {
  const message = new Uint8Array(1_000_003).map((_, at) => (at * 131) & 0xff);
  expect(xxh64(message)).toBe(reference.h64Raw(message));
});

test('the low half of a part is the low half of its hash, also past the window', () => {
  const message = new Uint8Array(600_000).map((_, at) => (at * 131) & 0xff);
  fc.assert(
    fc.property(fc.nat(message.length), fc.nat(message.length), (one, other) => {
      const [start, end] = [Math.min(one, other), Math.max(one, other)];
      const whole = reference.h64Raw(message.subarray(start, end), 0n);
      expect(xxh64Low(message, start, end)).toBe(Number(whole & 0xffff_ffffn));
    }),
    { numRuns: 30 },
  );
});
