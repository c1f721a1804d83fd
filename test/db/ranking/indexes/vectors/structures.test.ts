import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LinkLists } from '../../../../../db/ranking/indexes/vectors/link-lists.ts';
import { NearestRows } from '../../../../../db/ranking/indexes/vectors/nearest-rows.ts';
import { RowHeap } from '../../../../../db/ranking/indexes/vectors/row-heap.ts';
import { RowQueue } from '../../../../../db/ranking/indexes/vectors/row-queue.ts';
import { LEVELS_MAX, levelsOf } from '../../../../../db/ranking/indexes/vectors/upper-links.ts';

const distances = fc.array(fc.integer({ min: -5, max: 5 }), { maxLength: 200 });

describe('a heap of rows', () => {
  test('gives them nearest first, or farthest, ties by number', () => {
    fc.assert(
      fc.property(distances, fc.constantFrom('nearest', 'farthest'), (list, top) => {
        const numbers = Uint32Array.from(list, (_, row) => (row * 7_919) % 1_009);
        const heap = new RowHeap(top);
        heap.clear(numbers);
        for (const [row, distance] of list.entries()) heap.push(distance, row);
        const order = [...list.keys()].sort((a, b) => list[a]! - list[b]! || numbers[a]! - numbers[b]!);
        if (top === 'farthest') order.reverse();
        for (const row of order) {
          expect([heap.row, heap.distance + 0]).toEqual([row, list[row]! + 0]);
          heap.pop();
        }
        expect(heap.size).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  test('keeps the nearest of all that are offered', () => {
    fc.assert(
      fc.property(distances, fc.integer({ min: 1, max: 20 }), (list, limit) => {
        const numbers = Uint32Array.from(list, (_, row) => (row * 7_919) % 1_009);
        const found = new NearestRows();
        found.clear(limit, numbers);
        for (const [row, distance] of list.entries()) {
          if (found.full) expect(found.wants(distance, row) || distance >= found.bound).toBe(true);
          found.offer(distance, row);
        }
        const rows = new Uint32Array(limit);
        const count = found.take(rows, new Float64Array(limit));
        const order = [...list.keys()].sort((a, b) => list[a]! - list[b]! || numbers[a]! - numbers[b]!);
        expect([...rows.subarray(0, count)]).toEqual(order.slice(0, limit));
      }),
      { numRuns: 60 },
    );
  });
});

describe('a queue of rows', () => {
  test('gives them in the order they came', () => {
    const step = fc.oneof(fc.nat(100), fc.constant('shift' as const), fc.constant('odd only' as const));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const queue = new RowQueue();
        let model: number[] = [];
        for (const each of steps) {
          if (typeof each === 'number') {
            queue.push(each);
            model.push(each);
          } else if (each === 'odd only') {
            queue.keep((row) => row % 2 === 1);
            model = model.filter((row) => row % 2 === 1);
          } else if (model.length > 0) expect(queue.shift()).toBe(model.shift());
          expect([...queue.view()]).toEqual(model);
          expect(queue.size).toBe(model.length);
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('lists of links', () => {
  test('leave to a checkpoint what was there when it was taken', () => {
    const position = { sequence: 5 };
    const lists = new LinkLists(4, position);
    lists.reach(5_000);
    lists.write(4_999, Uint32Array.of(1, 2, 3, 4), 3);
    const held = lists.hold(1);
    const before = held.slice();
    position.sequence = 9;
    lists.write(4_999, Uint32Array.of(9), 1);
    expect(held).toEqual(before);
    expect(lists.hold(1)).not.toEqual(before);
    expect(lists.changed).toEqual([5, 9]);
  });
});

describe('levels', () => {
  test('are a sixteenth as many with each', () => {
    const counts = new Array<number>(LEVELS_MAX + 1).fill(0);
    for (let number = 1; number <= 1 << 20; number++) counts[levelsOf(number)]! += 1;
    for (let level = 1; level <= 3; level++) {
      const expected = (1 << 20) / (1 << (4 * level));
      const reached = counts.slice(level).reduce((sum, count) => sum + count, 0);
      expect(Math.abs(reached - expected)).toBeLessThan(expected * 0.1 + 60);
    }
  });
});
