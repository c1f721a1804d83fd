import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TruthError } from '../../../db/errors.ts';
import {
  ByteWriter,
  CarryPool,
  encodeEmpty,
  encodeJson,
  FRAME_HEADER,
  FrameReader,
  KIND,
} from '../../../db/protocol/index.ts';

const LIMIT = 64 * 1024;

function frames(payloads: readonly string[]): Buffer {
  const out = new ByteWriter();
  for (const [index, text] of payloads.entries()) encodeJson(out, KIND.REPLY, index + 1, { text });
  return Buffer.from(out.taken());
}

function chunksOf(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] as number;
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

function readAll(chunks: readonly Buffer[], limit = LIMIT): { request: number; text: string }[] {
  const reader = new FrameReader(limit);
  const found: { request: number; text: string }[] = [];
  for (const chunk of chunks) {
    reader.push(chunk);
    while (reader.next()) {
      const body = reader.body.text(reader.body.remaining, 'body');
      found.push({ request: reader.request, text: (JSON.parse(body) as { text: string }).text });
    }
  }
  return found;
}

test('frames come out whole and in order however the bytes were cut', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 20 });
  const payloads = fc.array(fc.string({ maxLength: 5000, unit: 'grapheme' }), { maxLength: 20 });
  fc.assert(
    fc.property(payloads, sizes, (texts, cuts) => {
      const found = readAll(chunksOf(frames(texts), cuts));
      expect(found).toEqual(texts.map((text, index) => ({ request: index + 1, text })));
    }),
  );
});

test('bytes handed out stay as they were while later frames are read', () => {
  const bytes = frames(['first', 'second', 'third']);
  const reader = new FrameReader(LIMIT);
  const views: Uint8Array[] = [];
  for (const chunk of chunksOf(bytes, [7])) {
    reader.push(chunk);
    while (reader.next()) views.push(reader.body.bytes(reader.body.remaining, 'body'));
  }
  expect(views.map((view) => Buffer.from(view).toString())).toEqual([
    '{"text":"first"}',
    '{"text":"second"}',
    '{"text":"third"}',
  ]);
});

test('frames come out the same when the memory of each chunk is used again', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 20 });
  const payloads = fc.array(fc.string({ maxLength: 500 }), { maxLength: 20 });
  fc.assert(
    fc.property(payloads, sizes, fc.nat(5), (texts, cuts, framesATurn) => {
      const reader = new FrameReader(LIMIT);
      const found: string[] = [];
      const take = (most: number): void => {
        for (let taken = 0; taken < most && reader.next(); taken++) {
          const body = reader.body.text(reader.body.remaining, 'body');
          found.push((JSON.parse(body) as { text: string }).text);
        }
      };
      for (const chunk of chunksOf(frames(texts), cuts)) {
        const lent = Buffer.from(chunk);
        reader.push(lent);
        take(framesATurn);
        reader.giveBack();
        lent.fill(0xee);
      }
      take(Number.POSITIVE_INFINITY);
      expect(found).toEqual(texts);
    }),
  );
});

test('large frames in pieces come out the same when connections share the memory they are put together in', () => {
  const pool = new CarryPool();
  const sizes = fc.array(fc.integer({ min: 1000, max: 200_000 }), { minLength: 1, maxLength: 6 });
  const lengths = fc.array(fc.integer({ min: 1, max: 400_000 }), { maxLength: 6 });
  fc.assert(
    fc.property(fc.array(fc.tuple(lengths, sizes), { minLength: 1, maxLength: 4 }), (connections) => {
      const sent = connections.map(([each], connection) =>
        each.map((length, frame) => String.fromCharCode(97 + ((connection * 7 + frame) % 26)).repeat(length)),
      );
      const found: string[][] = sent.map(() => []);
      const readers = sent.map(() => new FrameReader(1024 * 1024, pool));
      const chunks = connections.map(([, cuts], index) => [...chunksOf(frames(sent[index] ?? []), cuts)]);
      for (let turn = 0; chunks.some((each) => turn < each.length); turn++) {
        for (const [index, reader] of readers.entries()) {
          const chunk = chunks[index]?.[turn];
          if (chunk === undefined) continue;
          reader.push(chunk);
          while (reader.next()) {
            const { text } = JSON.parse(reader.body.text(reader.body.remaining, 'body')) as { text: string };
            found[index]?.push(text);
          }
        }
      }
      expect(found).toEqual(sent);
    }),
    { numRuns: 30 },
  );
});

test('memory of large frames is used again, and never much more than is needed', () => {
  const pool = new CarryPool();
  const large = pool.take(900_000);
  pool.give(large);
  expect(pool.take(40_000)).not.toBe(large);
  expect(pool.take(500_000)).toBe(large);
  const small = pool.take(100);
  pool.give(small);
  expect(pool.take(100)).not.toBe(small);
});

test('a frame that is to be kept keeps its bytes, read or not', () => {
  const lent = frames(['kept', 'left']);
  const reader = new FrameReader(LIMIT);
  reader.push(lent);
  reader.next();
  reader.own();
  reader.giveBack();
  lent.fill(0xee);
  const kept = reader.body.bytes(reader.body.remaining, 'body');
  expect(reader.next()).toBe(true);
  expect(reader.body.text(reader.body.remaining, 'body')).toContain('left');
  expect(Buffer.from(kept).toString()).toContain('kept');
});

test('any single flipped bit of a frame is noticed', () => {
  const bytes = frames(['a frame to flip']);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = Buffer.from(bytes);
    flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
    const reader = new FrameReader(LIMIT);
    reader.push(flipped);
    // A length flipped upwards makes the frame wait for bytes that never come; everything else is refused.
    let taken = false;
    try {
      taken = reader.next();
    } catch (error) {
      expect(error).toBeInstanceOf(TruthError);
    }
    expect(taken).toBe(false);
  }
});

test('whatever bytes come in, only typed errors come out and no more is held than twice what came', () => {
  const bytes = fc.uint8Array({ maxLength: 4000 });
  const cuts = fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(bytes, cuts, (input, sizes) => {
      const reader = new FrameReader(LIMIT);
      let received = 0;
      try {
        for (const chunk of chunksOf(Buffer.from(input), sizes)) {
          reader.push(chunk);
          received += chunk.length;
          while (reader.next());
          expect(reader.heldBytes).toBeLessThanOrEqual(Math.max(512, 2 * received));
        }
      } catch (error) {
        if (!(error instanceof TruthError)) throw error;
        expect(['PROTOCOL', 'TOO_LARGE']).toContain(error.code);
      }
    }),
    { numRuns: 2000 },
  );
});

test('a length that is only claimed costs nothing', () => {
  const reader = new FrameReader(32 * 1024 * 1024);
  const header = Buffer.alloc(FRAME_HEADER.bytes);
  header.writeUInt32LE(32 * 1024 * 1024, FRAME_HEADER.at.length);
  reader.push(header);
  expect(reader.next()).toBe(false);
  expect(reader.heldBytes).toBeLessThanOrEqual(512);
  reader.push(Buffer.alloc(10_000));
  expect(reader.next()).toBe(false);
  expect(reader.heldBytes).toBeLessThanOrEqual(2 * 10_016);
  expect(reader.incomplete).toBe(true);
});

test('a body over the limit is refused from its header alone, saying both numbers', () => {
  const reader = new FrameReader(100);
  const header = Buffer.alloc(FRAME_HEADER.bytes);
  header.writeUInt32LE(101, FRAME_HEADER.at.length);
  reader.push(header);
  expect(() => reader.next()).toThrow(
    expect.objectContaining({ code: 'TOO_LARGE', details: { length: 101, limit: 100 } }),
  );
});

test('reserved bytes of the header must be zero', () => {
  const out = new ByteWriter();
  const start = out.begin(KIND.PING | (1 << 8), 1);
  out.end(start);
  const reader = new FrameReader(LIMIT);
  reader.push(Buffer.from(out.taken()));
  expect(() => reader.next()).toThrow(expect.objectContaining({ code: 'PROTOCOL' }));
});

test('a frame that could not be finished leaves nothing behind', () => {
  const out = new ByteWriter();
  encodeEmpty(out, KIND.PING, 1);
  const before = Buffer.from(out.taken());
  const start = out.begin(KIND.APPEND, 2);
  out.text('half of it');
  out.rewind(start);
  expect(Buffer.from(out.taken())).toEqual(before);
});
