import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TruthError } from '../../../db/errors.ts';
import { eventType, streamName } from '../../../db/streams/event.ts';

describe('a stream name', () => {
  test.each(['orders', 'orders-1', 'Bestellung für Ä', '注文', '🐢', 'a'.repeat(512), 'é'.repeat(256)])(
    'may be %s',
    (text) => {
      expect(streamName(text)).toBe(text);
    },
  );

  test.each([
    ['', 'empty'],
    ['a'.repeat(513), '513 bytes'],
    ['é'.repeat(257), '514 bytes'],
    ['a\nb', 'U+000a at 1'],
    ['\u0000', 'U+0000 at 0'],
    ['a\u007f', 'U+007f'],
    ['\u0085', 'U+0085'],
    ['\ud800', 'surrogate'],
    ['$all', 'kept for streams of the system'],
  ])('may not be %j', (text, reason) => {
    expect(() => streamName(text)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(reason) }),
    );
  });

  test('is either taken as it is or refused with a message, never changed', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 600, unit: 'binary' }), (text) => {
        try {
          expect(streamName(text)).toBe(text);
          expect(Buffer.from(text).toString()).toBe(text);
        } catch (error) {
          expect(error).toBeInstanceOf(TruthError);
        }
      }),
    );
  });
});

describe('an event type', () => {
  test('may begin with a dollar and has 1 to 256 bytes', () => {
    expect(eventType('$link')).toBe('$link');
    expect(() => eventType('x'.repeat(257))).toThrow('257 bytes');
    expect(() => eventType('')).toThrow('empty');
  });
});
