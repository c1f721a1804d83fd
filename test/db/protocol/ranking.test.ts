import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TruthError } from '../../../db/errors.ts';
import {
  ByteReader,
  ByteWriter,
  decodeSignals,
  encodeSignals,
  FRAME_HEADER,
  type SignalBatch,
} from '../../../db/protocol/index.ts';

function bodyOf(batch: SignalBatch): Buffer {
  const out = new ByteWriter();
  encodeSignals(out, 7, batch);
  return Buffer.from(out.taken().subarray(FRAME_HEADER.bytes));
}

function decoded(body: Buffer): SignalBatch {
  const reader = new ByteReader();
  reader.reset(body, 0, body.length);
  return decodeSignals(reader);
}

const signal = fc.record({
  signal: fc.string({ minLength: 1, maxLength: 20 }),
  target: fc.string({ maxLength: 40 }),
  user: fc.option(fc.string({ minLength: 1, maxLength: 40 })),
  weight: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true })),
  at: fc.option(fc.nat({ max: Number.MAX_SAFE_INTEGER })),
  id: fc.option(fc.string({ minLength: 1, maxLength: 40 })),
});
const batch = fc.record({
  signals: fc.array(signal, { minLength: 1, maxLength: 20 }),
  failure: fc.constantFrom('each', 'all'),
}) as fc.Arbitrary<SignalBatch>;

test('a batch of signals arrives as it was sent', () => {
  fc.assert(
    fc.property(batch, (sent) => {
      expect(decoded(bodyOf(sent))).toEqual(sent);
    }),
  );
});

test('bytes that are no batch are refused by name, whatever they are', () => {
  fc.assert(
    fc.property(batch, fc.nat(), fc.nat({ max: 255 }), fc.nat(), (sent, at, byte, cut) => {
      const body = bodyOf(sent);
      body[at % body.length] = byte;
      for (const bytes of [body, body.subarray(0, cut % body.length)]) {
        try {
          decoded(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(TruthError);
        }
      }
    }),
  );
});

test.each([
  [{ weight: Number.NaN }, 'finite'],
  [{ at: -1 }, 'microseconds'],
  [{ target: 'x'.repeat(70_000) }, '256'],
])('what cannot be said is refused before a byte of it is written: %j', (wrong, word) => {
  const out = new ByteWriter();
  const good = { signal: 'view', target: 'a', user: null, weight: null, at: null, id: null };
  const given = { signals: [good, { ...good, ...wrong }], failure: 'each' } as unknown as SignalBatch;
  expect(() => encodeSignals(out, 1, given)).toThrow(word);
  expect(out.length).toBe(0);
});
