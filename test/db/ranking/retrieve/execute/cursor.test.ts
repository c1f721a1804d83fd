import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Micros } from '../../../../../db/ranking/ground.ts';
import { decodeCursor, encodeCursor } from '../../../../../db/ranking/retrieve/execute/index.ts';

describe('a cursor', () => {
  test('reads what it writes', () => {
    const cursors = fc.record({
      position: fc.maxSafeNat(),
      now: fc.maxSafeNat().map((now) => now as Micros),
      seed: fc.maxSafeInteger(),
      offset: fc.nat(2 ** 31),
    });
    fc.assert(
      fc.property(cursors, (cursor) => {
        expect(decodeCursor(encodeCursor(cursor))).toEqual(cursor);
      }),
    );
  });

  test('that nobody made is refused, and nothing else is thrown', () => {
    const garbage = fc.oneof(
      fc.string(),
      fc.base64String(),
      fc
        .uint8Array({ minLength: 29, maxLength: 29 })
        .map((bytes) => Buffer.from(bytes).toString('base64url')),
    );
    fc.assert(
      fc.property(garbage, (text) => {
        try {
          expect(encodeCursor(decodeCursor(text))).toBe(text);
        } catch (error) {
          expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' });
        }
      }),
    );
  });
});
