import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TruthError } from '../../../../db/errors.ts';
import { readMessage, readStartup } from '../../../../db/server/pg/client-message.ts';
import { FROM_CLIENT, LOGIN_BYTES_MAX } from '../../../../db/server/pg/constants.ts';
import { MessageReader } from '../../../../db/server/pg/message-reader.ts';
import { MessageWriter } from '../../../../db/server/pg/message-writer.ts';

function messageOf(kind: number, body: Uint8Array): Buffer {
  const out = new MessageWriter();
  const start = out.begin(kind);
  out.bytes(body);
  out.end(start);
  return Buffer.from(out.taken());
}

/** Cuts bytes into chunks at the given places. */
function chunks(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...places].map((from, index) =>
    Buffer.from(bytes.subarray(from, places[index] ?? bytes.length)),
  );
}

test('messages come out as they went in, wherever the network cuts them', () => {
  const message = fc.tuple(fc.integer({ min: 1, max: 255 }), fc.uint8Array({ maxLength: 300 }));
  fc.assert(
    fc.property(
      fc.array(message, { maxLength: 8 }),
      fc.array(fc.nat(), { maxLength: 12 }),
      (messages, cuts) => {
        const reader = new MessageReader(LOGIN_BYTES_MAX);
        reader.lettered = true;
        const found: [number, number[]][] = [];
        const bytes = Buffer.concat(messages.map(([kind, body]) => messageOf(kind, body)));
        for (const chunk of chunks(bytes, cuts)) {
          reader.push(chunk);
          while (reader.next())
            found.push([reader.kind, [...reader.body.bytes(reader.body.remaining, 'body')]]);
        }
        expect(found).toEqual(messages.map(([kind, body]) => [kind, [...body]]));
        expect(reader.waitingBytes).toBe(0);
      },
    ),
  );
});

test('a length that is not allowed is refused before anything is kept for it', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 5, maxLength: 40 }), fc.boolean(), (bytes, lettered) => {
      const reader = new MessageReader(64);
      reader.lettered = lettered;
      reader.push(Buffer.from(bytes));
      try {
        while (reader.next());
        expect(reader.waitingBytes).toBeLessThanOrEqual(40);
      } catch (error) {
        expect(error).toBeInstanceOf(TruthError);
      }
    }),
  );
});

test('whatever is in a message, it is read or refused, and nothing else happens', () => {
  const kinds = fc.constantFrom(...Object.values(FROM_CLIENT), 0, 1, 255);
  fc.assert(
    fc.property(kinds, fc.uint8Array({ maxLength: 200 }), (kind, body) => {
      const reader = new MessageReader(LOGIN_BYTES_MAX);
      reader.lettered = true;
      reader.push(messageOf(kind, body));
      expect(reader.next()).toBe(true);
      try {
        readMessage(reader.kind, reader.body);
      } catch (error) {
        expect(error).toBeInstanceOf(TruthError);
      }
    }),
    { numRuns: 1000 },
  );
});

/** What PostgreSQL 15 says when it is asked for `convert_from('\\x…', 'UTF8')`. */
test.each([
  [[0xff], '0xff'],
  [[0x61, 0xc3, 0xa9, 0x80], '0x80'],
  [[0xc3], '0xc3'],
  [[0xc3, 0x28, 0x61], '0xc3 0x28'],
  [[0xe2, 0x82], '0xe2 0x82'],
  [[0xef, 0xbf, 0x41], '0xef 0xbf 0x41'],
  [[0xef, 0xbf, 0xbd, 0xed, 0xa0, 0x80], '0xed 0xa0 0x80'],
  [[0xf0, 0x9f, 0x98, 0x80, 0xf0, 0x9f, 0x98, 0x2e, 0x2e], '0xf0 0x9f 0x98 0x2e'],
  [[0xc0, 0x80], '0xc0 0x80'],
  [[...Buffer.from('ééééé😀€'.repeat(9)), 0xf8, 0x80], '0xf8'],
])('of a text that is no UTF-8 the bytes to blame are shown: %j', (bytes, shown) => {
  const reader = new MessageReader(LOGIN_BYTES_MAX);
  reader.lettered = true;
  reader.push(messageOf(FROM_CLIENT.QUERY, Buffer.from([...bytes, 0])));
  reader.next();
  const message = readMessage(reader.kind, reader.body);
  if (message.message !== 'garbled') throw new Error(`it was read as ${message.message}`);
  expect(message.error.message).toBe(`invalid byte sequence for encoding "UTF8": ${shown}`);
  expect(message.simple).toBe(true);
});

test('a count that is only claimed costs nothing', () => {
  const reader = new MessageReader(LOGIN_BYTES_MAX);
  reader.lettered = true;
  reader.push(messageOf(FROM_CLIENT.BIND, Buffer.from([0, 0, 0xff, 0xff])));
  reader.next();
  expect(() => readMessage(reader.kind, reader.body)).toThrow(/ends inside parameter formats/);
});

test('whatever comes first, it is read or refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 4, maxLength: 120 }), fc.boolean(), (bytes, isStartup) => {
      const reader = new MessageReader(LOGIN_BYTES_MAX);
      const body = isStartup ? [0, 3, 0, 0, ...bytes] : [...bytes];
      const packet = Buffer.from([0, 0, 0, body.length + 4, ...body]);
      reader.push(packet);
      expect(reader.next()).toBe(true);
      try {
        readStartup(reader.body);
      } catch (error) {
        expect(error).toBeInstanceOf(TruthError);
      }
    }),
    { numRuns: 1000 },
  );
});
