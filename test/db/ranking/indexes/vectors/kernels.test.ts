import { describe, expect, test } from 'vitest';
import { Arena, ROOM } from '../../../../../db/ranking/indexes/vectors/arena.ts';
import { Random } from './random.ts';
import { dotDistance, shifted, squareDistance } from './reference.ts';

const DIMENSIONS = [1, 3, 8, 12, 128, 131];

/** Lays vectors into an arena; gives their addresses. */
function laid(arena: Arena, vectors: readonly Float32Array[], bytes: number): number[] {
  return vectors.map((vector) => {
    const address = arena.allocate(bytes)!;
    arena.floats.set(vector, address >>> 2);
    return address;
  });
}

describe('the kernels', () => {
  for (const dimensions of DIMENSIONS)
    test(`sum ${dimensions} dimensions in one order, bit by bit, alone and together`, () => {
      const random = new Random(dimensions);
      const arena = new Arena();
      const { kernels } = arena;
      const bytes = Math.ceil(dimensions / 8) * 32;
      const vectors = Array.from({ length: 12 }, () => random.vector(dimensions));
      const [query, ...addresses] = laid(arena, vectors, bytes);
      const rows = vectors.slice(1);
      for (const [name, one, distance] of [
        ['dots', 'dot', dotDistance],
        ['squares', 'square', squareDistance],
      ] as const)
        for (const count of [1, 3, 4, 7, 11]) {
          arena.words.set(addresses, ROOM.list >>> 2);
          kernels[name](query!, ROOM.list, count, ROOM.distances, bytes);
          const expected = rows.slice(0, count).map((row) => distance(vectors[0]!, row));
          const at = ROOM.distances >>> 2;
          expect([...arena.floats.subarray(at, at + count)]).toEqual(expected);
          expect(addresses.slice(0, count).map((row) => kernels[one](query!, row, bytes))).toEqual(expected);
        }
    });

  test('choose neighbours that are nearer to the middle than to each other', () => {
    const random = new Random(4);
    const arena = new Arena();
    const bytes = 32;
    for (let run = 0; run < 30; run++) {
      const middle = random.vector(6);
      const vectors = Array.from({ length: 20 }, () => random.vector(6)).sort(
        (a, b) => squareDistance(middle, a) - squareDistance(middle, b),
      );
      const addresses = laid(arena, vectors, bytes);
      arena.words.set(addresses, ROOM.list >>> 2);
      arena.floats.set(
        vectors.map((each) => squareDistance(middle, each)),
        ROOM.distances >>> 2,
      );
      const count = arena.kernels.chooseBySquare(
        ROOM.list,
        ROOM.distances,
        20,
        5,
        ROOM.chosen,
        ROOM.places,
        bytes,
      );
      const expected: number[] = [];
      for (let at = 0; at < 20 && expected.length < 5; at++) {
        const apart = expected.every(
          (other) => squareDistance(vectors[at]!, vectors[other]!) >= squareDistance(middle, vectors[at]!),
        );
        if (apart) expected.push(at);
      }
      const places = ROOM.places >>> 2;
      expect([...arena.words.subarray(places, places + count)]).toEqual(expected);
    }
  });

  test('shift a preference and bring it to length 1, each on top of the one before', () => {
    const random = new Random(9);
    const arena = new Arena();
    const dimensions = 20;
    const items = Array.from({ length: 3 }, () => random.vector(dimensions));
    const addresses = laid(arena, [new Float32Array(dimensions), ...items], 96);
    const steps = [
      { item: 0, by: 1 },
      { item: 1, by: 0.25 },
      { item: 2, by: -0.1 },
      { item: 1, by: Number.POSITIVE_INFINITY },
      { item: 0, by: 1e30 },
    ];
    let expected = new Float32Array(dimensions);
    for (const [at, { item, by }] of steps.entries()) {
      const place = (ROOM.list >>> 2) + at * 3;
      arena.words[place] = addresses[0]!;
      arena.words[place + 1] = addresses[item + 1]!;
      arena.floats[place + 2] = by;
      expected = shifted(expected, items[item]!, by) as Float32Array<ArrayBuffer>;
    }
    arena.kernels.shift(ROOM.list, steps.length, 96);
    const at = addresses[0]! >>> 2;
    expect(arena.floats.slice(at, at + dimensions)).toEqual(expected);
  });

  test('leave a preference as it is where nothing would be left of it', () => {
    const arena = new Arena();
    const [v, x] = laid(arena, [Float32Array.of(1, 0), Float32Array.of(1, 0)], 32);
    arena.words.set([v!, x!], ROOM.list >>> 2);
    arena.floats[(ROOM.list >>> 2) + 2] = -1;
    arena.kernels.shift(ROOM.list, 1, 32);
    expect([...arena.floats.slice(v! >>> 2, (v! >>> 2) + 2)]).toEqual([1, 0]);
  });
});

describe('an arena', () => {
  test('grows, and what is in it stays', () => {
    const arena = new Arena();
    const first = arena.allocate(64)!;
    arena.floats[first >>> 2] = 42;
    const second = arena.allocate(10_000_000 - (10_000_000 % 32))!;
    expect(arena.floats[first >>> 2]).toBe(42);
    arena.bytes.fill(1, second, second + 32);
    arena.release(second, 10_000_000 - (10_000_000 % 32));
    expect(arena.allocate(10_000_000 - (10_000_000 % 32))).toBe(second);
    expect(arena.bytes[second]).toBe(0);
    expect(arena.hasRoom(4_294_967_296)).toBe(false);
    expect(arena.allocate(4_294_967_296)).toBe(null);
  });
});
