import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SlotId } from '../../../../../db/ranking/ground.ts';
import { Bitmap, SortedNumbers } from '../../../../../db/ranking/indexes/bitmaps/index.ts';
import { Arenas } from '../../../../../db/ranking/indexes/vectors/arena.ts';
import { NearestRows } from '../../../../../db/ranking/indexes/vectors/nearest-rows.ts';
import { Scan } from '../../../../../db/ranking/indexes/vectors/scan.ts';
import { type Found, SlotIndex } from '../../../../../db/ranking/indexes/vectors/slot-index.ts';
import { ROW } from '../../../../../db/ranking/indexes/vectors/vector-rows.ts';
import type { NumberSet } from '../../../../../db/ranking/reading.ts';
import type { EmbeddingSlot } from '../../../../../db/ranking/schema/model.ts';
import { clustered, Random } from './random.ts';
import { kept, similarityOf } from './reference.ts';

type Metric = EmbeddingSlot['metric'];

const METRICS: readonly Metric[] = ['cosine', 'dot', 'l2'];
/** All indexes of this file share one memory: each new one would reserve gigabytes of addresses. */
const arenas = new Arenas();

function newIndex(dimensions: number, metric: Metric, graphFrom: number, sweptFrom = 8): SlotIndex {
  const slot: EmbeddingSlot = { id: 1 as SlotId, name: 'content', dimensions, metric, source: 'given' };
  return new SlotIndex(slot, {
    ...{ arenas, seed: { low: 1, high: 2 }, position: { sequence: 1 } },
    linking: { graphFrom, sweptFrom },
  });
}

/** What an index should have, and the answers it should give. */
class Model {
  readonly vectors = new Map<number, { readonly vector: Float32Array; active: boolean }>();
  readonly metric: Metric;

  constructor(metric: Metric) {
    this.metric = metric;
  }

  nearest(
    query: Float32Array,
    limit: number,
    within: NumberSet | null,
  ): { items: number[]; scores: number[] } {
    const normal = kept(this, query);
    const all = [...this.vectors]
      .filter(([number, { active }]) => (within === null ? active : within.has(number)))
      .map(([number, { vector }]) => ({ number, score: similarityOf(this, normal, vector) }))
      .sort((a, b) => b.score - a.score || a.number - b.number)
      .slice(0, limit);
    return { items: all.map(({ number }) => number), scores: all.map(({ score }) => score) };
  }
}

const change = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('set' as const), number: fc.integer({ min: 1, max: 60 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('remove' as const), number: fc.integer({ min: 1, max: 60 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('turn' as const), number: fc.integer({ min: 1, max: 60 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('advance' as const), number: fc.nat(20) }) },
);

describe('the vectors of a slot', () => {
  test('are compared exactly as long as there is no graph', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...METRICS),
        fc.array(change, { maxLength: 120 }),
        fc.nat(),
        fc.integer({ min: 1, max: 30 }),
        (metric, changes, seed, limit) => {
          const random = new Random(seed);
          const index = newIndex(5, metric, Number.MAX_SAFE_INTEGER);
          const model = new Model(metric);
          for (const each of changes) apply(each, index, model, random);
          const query = random.vector(5);
          expectSame(index.nearest(query, limit, null), model.nearest(query, limit, null));
          const within = SortedNumbers.of([1, 2, 3, 5, 8, 13, 21, 34, 55, 89]);
          expectSame(index.nearest(query, limit, within), model.nearest(query, limit, within));
          const many = Bitmap.range(10, 1_000);
          expectSame(index.nearest(query, limit, many), model.nearest(query, limit, many));
          expect([index.rows.held, index.rows.active]).toEqual([
            model.vectors.size,
            [...model.vectors.values()].filter(({ active }) => active).length,
          ]);
          index.rows.discard();
        },
      ),
      { numRuns: 60 },
    );
  });

  test('are found in a graph too, whatever came and went', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...METRICS),
        fc.array(change, { minLength: 60, maxLength: 400 }),
        fc.nat(),
        (metric, changes, seed) => {
          const random = new Random(seed);
          const index = newIndex(5, metric, 20, 4);
          const model = new Model(metric);
          for (const each of changes) apply(each, index, model, random);
          const targets = Uint32Array.from(model.vectors.keys());
          const scores = new Float64Array(targets.length);
          for (let query = 0; query < 5; query++) {
            const vector = random.vector(5);
            index.similarity(vector, targets, targets.length, scores);
            const normal = kept({ metric }, vector);
            expect([...scores]).toEqual(
              [...model.vectors.values()].map((each) => similarityOf({ metric }, normal, each.vector)),
            );
            for (const within of [null, Bitmap.range(1, 40)])
              expectSame(searched(index, vector, 10, within), model.nearest(vector, 10, within));
          }
          index.rows.discard();
        },
      ),
      { numRuns: 40 },
    );
  });

  test('has the vector as it was given last, at length 1 where only directions are compared', () => {
    const index = newIndex(3, 'cosine', 10);
    index.set(7, Float32Array.of(3, 0, 4), true);
    expect(index.vector(7)).toEqual(Float32Array.of(0.6, 0, 0.8));
    index.set(7, Float32Array.of(0, 2, 0), true);
    expect(index.vector(7)).toEqual(Float32Array.of(0, 1, 0));
    expect(index.vector(8)).toBe(null);
    index.set(7, new Float32Array(3), true);
    expect(index.vector(7)).toBe(null);
  });

  test('counts what has no vector as zeros', () => {
    for (const metric of METRICS) {
      const index = newIndex(2, metric, 10);
      index.set(1, Float32Array.of(3, 4), true);
      const out = new Float64Array(2);
      index.similarity(Float32Array.of(0, 2), Uint32Array.of(9, 1), 2, out);
      const expected = { cosine: [0, Math.fround(0.8)], dot: [0, 8], l2: [-4, -13] };
      expect([...out]).toEqual(expected[metric]);
    }
  });

  test('never gives a distance that is no number, however long vectors are', () => {
    for (const metric of METRICS) {
      const index = newIndex(2, metric, 10);
      const huge = Float32Array.of(3e38, -3e38);
      index.set(1, huge, true);
      index.set(2, Float32Array.of(-3e38, -3e38), true);
      const { items, scores } = index.nearest(huge, 5, null);
      expect([...items]).toEqual([1, 2]);
      for (const score of scores) expect(Number.isFinite(score)).toBe(true);
    }
  });

  test('hash to the same, in whatever order and rows they came', () => {
    const random = new Random(11);
    const vectors = Array.from({ length: 40 }, () => random.vector(6));
    const one = newIndex(6, 'l2', 10, 3);
    const other = newIndex(6, 'l2', 1_000);
    for (const [at, vector] of vectors.entries()) one.set(at + 1, vector, true);
    one.linking!.advance(100);
    for (let number = 1; number <= 20; number++) one.remove(number);
    one.rows.hash();
    for (const [at, vector] of vectors.entries()) one.set(at + 1, vector, at % 2 === 0);
    for (const [at, vector] of [...vectors.entries()].reverse()) other.set(at + 1, vector, true);
    expect(one.rows.hash()).toBe(other.rows.hash());
    other.set(5, vectors[6]!, true);
    expect(one.rows.hash()).not.toBe(other.rows.hash());
    other.set(5, vectors[4]!, true);
    expect(one.rows.hash()).toBe(other.rows.hash());
  });
});

describe('the graph of a slot', () => {
  for (const metric of METRICS)
    test(`finds nearly all of the nearest among thousands (${metric})`, () => {
      const dimensions = 32;
      const vectors = clustered(3_500, dimensions, 3);
      const index = newIndex(dimensions, metric, 1_000);
      const model = new Model(metric);
      for (const [at, vector] of vectors.entries()) set(index, model, at + 1, vector);
      index.linking!.advance(Number.MAX_SAFE_INTEGER);
      expect(index.linking!.waiting.length).toBe(0);
      const queries = clustered(3_530, dimensions, 3).slice(3_500);
      expect(recallOf(index, model, queries, null)).toBeGreaterThanOrEqual(0.98);
      const half = Bitmap.of(vectors.flatMap((_, at) => (at % 2 === 0 ? [at + 1] : [])));
      expect(recallOf(index, model, queries, half)).toBeGreaterThanOrEqual(0.98);
      for (const query of queries) {
        const found = searched(index, query, 10, null);
        expectSame(index.nearest(query, 10, null), { items: [...found.items], scores: [...found.scores] });
      }
    });

  test('goes on finding them when most have been replaced', () => {
    const dimensions = 16;
    const vectors = clustered(6_000, dimensions, 5);
    const index = newIndex(dimensions, 'cosine', 500, 100);
    const model = new Model('cosine');
    for (const [at, vector] of vectors.entries()) {
      set(index, model, (at % 2_000) + 1, vector);
      index.linking!.advance(2);
    }
    const gone = index.rows.rows - index.rows.held - index.rows.free.length;
    expect(gone).toBeLessThan(index.rows.held * 0.6);
    const queries = clustered(6_050, dimensions, 5).slice(6_000);
    expect(recallOf(index, model, queries, null)).toBeGreaterThanOrEqual(0.97);
  });

  test('finds what is like many others', () => {
    const index = newIndex(8, 'cosine', 50);
    const model = new Model('cosine');
    const random = new Random(2);
    const same = random.vector(8);
    for (let number = 1; number <= 3_000; number++)
      set(index, model, number, number % 3 === 0 ? random.vector(8) : same);
    index.linking!.advance(Number.MAX_SAFE_INTEGER);
    const queries = Array.from({ length: 20 }, () => random.vector(8));
    expect(recallOf(index, model, queries, null)).toBeGreaterThanOrEqual(0.95);
  });

  test('is empty again when all have gone, and begins anew', () => {
    const index = newIndex(4, 'l2', 10, 2);
    const model = new Model('l2');
    const random = new Random(8);
    for (let round = 0; round < 3; round++) {
      for (let number = 1; number <= 100; number++) set(index, model, number, random.vector(4));
      index.linking!.advance(1_000);
      expect(index.linking!.linked).toBe(100);
      const query = random.vector(4);
      expectSame(searched(index, query, 10, null), model.nearest(query, 10, null));
      for (let number = 1; number <= 100; number++) index.remove(number);
      expect([index.linking!.linked, index.rows.held, index.rows.free.length]).toEqual([
        0,
        0,
        index.rows.rows,
      ]);
      expect(index.nearest(query, 10, null).items.length).toBe(0);
    }
    expect(index.rows.rows).toBe(100);
  });
});

/** By the graph and what waits for it, however few there are. */
function searched(index: SlotIndex, query: Float32Array, limit: number, within: NumberSet | null): Found {
  const { rows, linking } = index;
  const { graph, waiting } = linking!;
  const found = new NearestRows();
  found.clear(Math.max(64, limit + 32), rows.numbers);
  const active = ROW.held | ROW.active;
  const accept = (row: number): boolean =>
    within === null
      ? (rows.flags[row]! & active) === active
      : (rows.flags[row]! & ROW.held) !== 0 && within.has(rows.numbers[row]!);
  graph.search(rows.prepare(query), found, accept, Number.MAX_SAFE_INTEGER);
  const scan = new Scan(rows, rows.prepare(query), found);
  for (const row of waiting) if (accept(row)) scan.add(row);
  scan.end();
  const list = new Uint32Array(found.size);
  const distances = new Float64Array(found.size);
  const count = Math.min(limit, found.take(list, distances));
  return {
    items: list.slice(0, count).map((row) => rows.numbers[row]!),
    scores: distances.slice(0, count).map((distance) => 0 - distance),
  };
}

function apply(
  each: { readonly do: 'set' | 'remove' | 'turn' | 'advance'; readonly number: number },
  index: SlotIndex,
  model: Model,
  random: Random,
): void {
  const { number } = each;
  const known = model.vectors.get(number);
  if (each.do === 'advance') index.linking!.advance(number);
  else if (each.do === 'set') set(index, model, number, random.vector(5), known?.active ?? true);
  else if (each.do === 'remove') {
    index.remove(number);
    model.vectors.delete(number);
  } else if (known !== undefined) {
    known.active = !known.active;
    index.setActive(number, known.active);
  }
}

function set(index: SlotIndex, model: Model, number: number, vector: Float32Array, active = true): void {
  index.set(number, vector, active);
  model.vectors.set(number, { vector: kept(model, vector), active });
}

function expectSame(found: Found, expected: { items: number[]; scores: number[] }): void {
  expect([...found.items]).toEqual(expected.items);
  expect([...found.scores]).toEqual(expected.scores);
}

/** Share of the true ten nearest that were found. */
function recallOf(
  index: SlotIndex,
  model: Model,
  queries: readonly Float32Array[],
  within: NumberSet | null,
): number {
  let hits = 0;
  for (const query of queries) {
    const { items, scores } = searched(index, query, 10, within);
    const expected = model.nearest(query, 10, within);
    // Of equally near ones any will do.
    const worst = expected.scores.at(-1)!;
    expect(items.length).toBe(expected.items.length);
    hits += scores.filter((score) => score >= worst).length;
  }
  return hits / queries.length / 10;
}
