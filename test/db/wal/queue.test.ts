import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Sequence } from '../../../db/types.ts';
import {
  createQueueMemory,
  PIECE_KIND,
  type Piece,
  QueueConsumer,
  QueueProducer,
} from '../../../db/wal/queue.ts';

const RING_BYTES = 65_536;

test('whatever is allocated and published comes out whole and in order, around the ring any number of times', () => {
  const step = fc.oneof(
    fc.record({
      kind: fc.constant('publish' as const),
      sizes: fc.array(fc.integer({ min: 1, max: 1200 }), { minLength: 1, maxLength: 4 }),
    }),
    fc.record({ kind: fc.constant('take' as const), count: fc.integer({ min: 1, max: 5 }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const queue = createQueueMemory(RING_BYTES, false);
      const producer = new QueueProducer(queue);
      const consumer = new QueueConsumer(queue);
      const memory = new Uint8Array(queue.memory.buffer);
      const expected: number[] = [];
      const received: number[] = [];
      let made = 0;
      const take = (count: number): void => {
        const piece = emptyPiece();
        const pieces = Math.min(count, consumer.available);
        for (let at = 0; at < pieces; at++) {
          consumer.peek(at, piece);
          received.push(...memory.subarray(piece.offset, piece.offset + piece.length));
        }
        consumer.release(pieces);
      };
      for (const each of steps) {
        if (each.kind === 'take') {
          take(each.count);
          continue;
        }
        const bytes = each.sizes.map((size) => size * 8);
        if (!producer.hasRoom(sum(bytes), Math.max(...bytes))) continue;
        for (const size of bytes) {
          const address = producer.allocate(size, 1);
          made = (made + 1) % 256;
          memory.fill(made, address, address + size);
          for (let at = 0; at < size; at++) expected.push(made);
        }
        producer.publish(PIECE_KIND.groupEnd, made as Sequence, 'group_sync');
      }
      take(Number.MAX_SAFE_INTEGER);
      expect(Buffer.compare(Buffer.from(received), Buffer.from(expected))).toBe(0);
      expect(producer.queuedBytes).toBe(0);
      expect(producer.queuedEntries).toBe(0);
    }),
    { numRuns: 200 },
  );
});

test('a piece carries its kind, durability and a sequence past 2^32', () => {
  const queue = createQueueMemory(RING_BYTES, false);
  const producer = new QueueProducer(queue);
  const consumer = new QueueConsumer(queue);
  const last = (2 ** 45 + 12_345) as Sequence;
  producer.allocate(64, 3);
  producer.publish(PIECE_KIND.seal, last, 'sync');
  const piece = emptyPiece();
  consumer.peek(0, piece);
  expect(piece).toMatchObject({ kind: PIECE_KIND.seal, length: 64, durability: 'sync', last, entries: 3 });
});

test('a full table of slots refuses before it overwrites one that is in use', () => {
  const queue = createQueueMemory(RING_BYTES, false);
  const producer = new QueueProducer(queue);
  const consumer = new QueueConsumer(queue);
  let published = 0;
  while (producer.hasRoom(8, 8)) {
    producer.allocate(8, 1);
    producer.publish(PIECE_KIND.groupEnd, (published + 1) as Sequence, 'async');
    published += 1;
  }
  expect(consumer.available).toBe(published);
  const piece = emptyPiece();
  consumer.peek(0, piece);
  expect(piece.last).toBe(1);
  consumer.release(published);
  expect(producer.hasRoom(8, 8)).toBe(true);
});

function emptyPiece(): Piece {
  return { kind: 1, offset: 0, length: 0, durability: 'sync', last: 0 as Sequence, entries: 0 };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
