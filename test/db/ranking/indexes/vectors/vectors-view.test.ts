import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TruthError } from '../../../../../db/errors.ts';
import type { ViewCommit } from '../../../../../db/materializer/index.ts';
import type { EntityNumber } from '../../../../../db/ranking/ground.ts';
import { Bitmap } from '../../../../../db/ranking/indexes/bitmaps/index.ts';
import { VectorsView } from '../../../../../db/ranking/indexes/vectors/index.ts';
import type { TenantId } from '../../../../../db/types.ts';
import { promisedBy, readerOf, written } from './parts.ts';
import { Random } from './random.ts';
import {
  CATALOGUE,
  CONTENT,
  CREATOR,
  commitOf,
  entityEntry,
  ITEM,
  kindsOf,
  LIKE,
  PREFERENCE,
  SKIP,
  schemaEntry,
  signalsEntry,
  TENANT,
  USER,
  wholeSchema,
} from './vector-log.ts';
import { VectorModel } from './vector-model.ts';
import { worldCommits } from './vector-world.ts';

const LOG_ID = Uint8Array.from({ length: 16 }, (_, at) => at + 1);
const DIMENSIONS = 6;

function newView(): VectorsView {
  return new VectorsView({ logId: LOG_ID }, () => ({ graphFrom: 30, sweptFrom: 5 }));
}

function applied(commits: readonly ViewCommit[], view = newView()): VectorsView {
  for (const commit of commits) view.onCommit(commit);
  return view;
}

/** Bytes of all parts, by name. */
function saved(view: VectorsView): Map<string, Uint8Array> {
  return written(promisedBy(view));
}

/** By name; comparing bytes themselves takes long. */
function hashesOf(parts: ReadonlyMap<string, Uint8Array>): Map<string, string> {
  return new Map([...parts].map(([name, bytes]) => [name, createHash('sha256').update(bytes).digest('hex')]));
}

function restored(parts: ReadonlyMap<string, Uint8Array>): VectorsView {
  const view = newView();
  view.restore(readerOf(parts));
  return view;
}

const world = fc.record({
  seed: fc.nat(),
  commits: fc.integer({ min: 2, max: 40 }),
  metric: fc.constantFrom('cosine', 'dot', 'l2'),
});

describe('the view of vectors', () => {
  test('has what entities were given, what catalogues come to, and where signals moved preferences', () => {
    fc.assert(
      fc.property(world, ({ seed, commits, metric }) => {
        const log = worldCommits({ seed, commits, dimensions: DIMENSIONS, metric });
        const reader = applied(log.commits).tenant(TENANT);
        const model = new VectorModel({ dimensions: DIMENSIONS, metric });
        for (const change of log.changes) model.apply(change);
        for (let number = 1; number <= log.numbers; number++) {
          const entity = number as EntityNumber;
          expect(reader.vector(ITEM, CONTENT, entity)).toEqual(model.item(number));
          expect(reader.vector(USER, PREFERENCE, entity)).toEqual(model.preference(number));
          const catalogue = reader.vector(CREATOR, CATALOGUE, entity);
          const expected = model.catalogue(number);
          expect(catalogue === null).toBe(expected === null);
          for (let at = 0; at < DIMENSIONS && expected !== null; at++)
            expect(catalogue![at]).toBeCloseTo(expected[at]!, 5);
        }
      }),
      { numRuns: 15 },
    );
  });

  test('is the same live, replayed, and from a checkpoint anywhere', () => {
    fc.assert(
      fc.property(world, fc.nat(), ({ seed, commits, metric }, place) => {
        const { commits: log } = worldCommits({ seed, commits, dimensions: DIMENSIONS, metric });
        const at = place % log.length;
        const live = newView();
        let promised = new Map<string, () => Iterable<Uint8Array>>();
        for (const [index, commit] of log.entries()) {
          live.onCommit(commit);
          if (index % 3 === 0) live.digest();
          if (index === at) promised = promisedBy(live);
        }
        // Written only now, although the view has gone on.
        const parts = written(promised);
        expect(hashesOf(parts)).toEqual(hashesOf(saved(applied(log.slice(0, at + 1)))));
        const later = applied(log.slice(at + 1), restored(parts));
        const again = applied(log);
        for (const _step of again.digestAhead()) again.tenant(TENANT);
        expect([later.digest(), again.digest()]).toEqual([live.digest(), live.digest()]);
        expect(hashesOf(saved(later))).toEqual(hashesOf(saved(live)));
        expect(hashesOf(saved(again))).toEqual(hashesOf(saved(live)));
        expectSameAnswers(later, live, seed);
      }),
      { numRuns: 15 },
    );
  });

  test('writes again only the pages that have changed', () => {
    const random = new Random(1);
    const items = Array.from({ length: 6_000 }, (_, at) =>
      entityEntry(ITEM, at + 1, { vector: random.vector(64) }),
    );
    const view = applied([commitOf(1, [wholeSchema({ dimensions: 64, metric: 'cosine' })])]);
    for (let from = 0; from < items.length; from += 500)
      view.onCommit(commitOf(2 + from / 500, items.slice(from, from + 500)));
    const before = saved(view);
    view.onCommit(commitOf(100, [entityEntry(USER, 1, {}), signalsEntry([like(1, 5)])]));
    const after = saved(view);
    const anew = [...after.keys()].filter((name) => !before.has(name) && !name.startsWith('state-'));
    expect(anew).toEqual([]);
    const [then, now] = [hashesOf(before), hashesOf(after)];
    for (const [name, hash] of now) if (then.has(name)) expect(hash).toBe(then.get(name));
    expect([...after.keys()].filter((name) => name.startsWith('rows-')).length).toBeGreaterThan(0);
    expectSameAnswers(restored(after), view, 7);
  });

  test('refuses a checkpoint that does not add up', () => {
    const { commits } = worldCommits({ seed: 5, commits: 40, dimensions: DIMENSIONS, metric: 'cosine' });
    const parts = saved(applied(commits));
    expect(parts.size).toBeGreaterThan(1);
    fc.assert(
      fc.property(
        fc.nat(),
        fc.nat(),
        fc.oneof(fc.nat(255), fc.constant('cut' as const)),
        (part, place, value) => {
          const changed = new Map(parts);
          const name = [...parts.keys()][part % parts.size]!;
          const bytes = parts.get(name)!.slice();
          const at = place % bytes.length;
          if (value !== 'cut') bytes[at] = value;
          changed.set(name, value === 'cut' ? bytes.subarray(0, at) : bytes);
          expectCorruptOrUsable(changed);
        },
      ),
      { numRuns: 120 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        expectCorruptOrUsable(new Map([['state-1', bytes]]));
      }),
      { numRuns: 40 },
    );
    expect(() => restored(new Map([['rows-1', new Uint8Array(3)]]))).toThrow(/no part/);
  });

  test('does without the parts of a tenant that has none', () => {
    const view = applied([commitOf(1, [signalsEntry([like(1, 1)]), entityEntry(ITEM, 1, {})])]);
    expect(promisedBy(view).size).toBe(0);
    expect(restored(new Map()).digest()).toBe(view.digest());
    const reader = view.tenant(TENANT);
    const out = Float64Array.of(7, 7);
    reader.similarity(ITEM, CONTENT, new Float32Array(3), Uint32Array.of(1, 2), 2, out);
    expect([...out]).toEqual([0, 0]);
    expect(reader.nearest(ITEM, CONTENT, new Float32Array(3), 5, null).items.length).toBe(0);
    expect(reader.vector(ITEM, CONTENT, 1 as EntityNumber)).toBe(null);
  });

  test('keeps tenants apart', () => {
    const other = 9 as TenantId;
    const schema = wholeSchema({ dimensions: 2, metric: 'l2' });
    const view = applied([
      commitOf(1, [schema, entityEntry(ITEM, 1, { vector: Float32Array.of(1, 2) })]),
      commitOf(2, [schema, entityEntry(ITEM, 1, { vector: Float32Array.of(3, 4) })], other),
    ]);
    const vectors = [TENANT, other].map((tenant) =>
      view.tenant(tenant).vector(ITEM, CONTENT, 1 as EntityNumber),
    );
    expect(vectors).toEqual([Float32Array.of(1, 2), Float32Array.of(3, 4)]);
    expectSameAnswers(restored(saved(view)), view, 1);
  });
});

describe('a preference', () => {
  const start = [
    commitOf(1, [
      wholeSchema({ dimensions: 2, metric: 'cosine' }),
      entityEntry(ITEM, 1, { vector: Float32Array.of(1, 0) }),
      entityEntry(ITEM, 2, { vector: Float32Array.of(0, 1) }),
      entityEntry(ITEM, 3, {}),
      entityEntry(USER, 1, {}),
    ]),
  ];
  const preference = (view: VectorsView): Float32Array | null =>
    view.tenant(TENANT).vector(USER, PREFERENCE, 1 as EntityNumber);

  test('begins with the first thing somebody moves towards', () => {
    const view = applied([...start, commitOf(2, [signalsEntry([like(1, 2)])])]);
    expect(preference(view)).toEqual(Float32Array.of(0, 1));
  });

  test('does not begin by moving away, late, without a user, or towards what has no vector', () => {
    const signals = [
      { signal: SKIP, user: 1, item: 1, weight: 1 },
      { ...like(1, 1), late: true },
      { ...like(0, 1) },
      { ...like(1, 3) },
      { ...like(1, 99) },
      { ...like(1, 1), weight: 0 },
    ];
    expect(preference(applied([...start, commitOf(2, [signalsEntry(signals)])]))).toBe(null);
  });

  test('goes with the user', () => {
    const view = applied([
      ...start,
      commitOf(2, [signalsEntry([like(1, 2)]), entityEntry(USER, 1, { state: 255 })]),
    ]);
    expect(preference(view)).toBe(null);
  });

  test('is found like any other vector', () => {
    const view = applied([
      ...start,
      commitOf(2, [entityEntry(USER, 2, {}), signalsEntry([like(1, 1), like(2, 2)])]),
    ]);
    const { items } = view.tenant(TENANT).nearest(USER, PREFERENCE, Float32Array.of(1, 0.1), 5, null);
    expect([...items]).toEqual([1, 2]);
  });
});

describe('a change of the schema', () => {
  const slots = { dimensions: 2, metric: 'l2' } as const;
  const filled = [
    commitOf(1, [
      wholeSchema(slots),
      entityEntry(CREATOR, 1, {}),
      entityEntry(ITEM, 1, { vector: Float32Array.of(3, 4), creator: 1 }),
      entityEntry(ITEM, 2, { vector: Float32Array.of(0, 2), creator: 1, state: 1 }),
    ]),
  ];
  const [item, , creator] = kindsOf(slots);

  test('that drops an embedding drops its vectors, and what was made of them', () => {
    const without = schemaEntry(2, [{ step: 'put', what: 'entity', value: { ...item!, embeddings: [] } }]);
    const reader = applied([...filled, commitOf(2, [without])]).tenant(TENANT);
    expect(reader.vector(ITEM, CONTENT, 1 as EntityNumber)).toBe(null);
    expect(reader.vector(CREATOR, CATALOGUE, 1 as EntityNumber)).toBe(null);
  });

  test('that adds a catalogue works it out of what is there', () => {
    const kinds = kindsOf(slots).map((value) => ({
      ...{ step: 'put', what: 'entity' },
      value: value.id === CREATOR ? { ...value, embeddings: [] } : value,
    })) as Parameters<typeof schemaEntry>[1];
    const later = schemaEntry(2, [{ step: 'put', what: 'entity', value: creator! }]);
    const [first] = filled;
    const view = applied([
      commitOf(1, [schemaEntry(1, kinds)]),
      { ...first!, entries: first!.entries.slice(1) },
      commitOf(3, [later]),
    ]);
    const vector = view.tenant(TENANT).vector(CREATOR, CATALOGUE, 1 as EntityNumber)!;
    expect([...vector]).toEqual([Math.fround(0.6), Math.fround(0.8)]);
  });

  test('that gives states other places goes by their names', () => {
    const states = ['archived', 'active'];
    const turned = schemaEntry(2, [{ step: 'put', what: 'entity', value: { ...item!, states } }]);
    const view = applied([...filled, commitOf(2, [turned])]);
    const reader = view.tenant(TENANT);
    expect([...reader.nearest(ITEM, CONTENT, Float32Array.of(0, 0), 5, null).items]).toEqual([2]);
    expect([...reader.vector(CREATOR, CATALOGUE, 1 as EntityNumber)!]).toEqual([0, 1]);
    expectSameAnswers(restored(saved(view)), view, 3);
  });
});

describe('a query', () => {
  const reader = applied([commitOf(1, [wholeSchema({ dimensions: 3, metric: 'cosine' })])]).tenant(TENANT);

  test('of a wrong dimension, or with what is no number, is refused with the reason', () => {
    const ask =
      (query: Float32Array): (() => unknown) =>
      () =>
        reader.nearest(ITEM, CONTENT, query, 5, null);
    expect(ask(new Float32Array(2))).toThrow(/has 2 dimensions: embedding "content" has 3/);
    expect(ask(Float32Array.of(1, Number.NaN, 0))).toThrow(/NaN at index 1/);
    expect(() =>
      reader.similarity(
        ITEM,
        CONTENT,
        Float32Array.of(1, 2, Infinity),
        Uint32Array.of(1),
        1,
        new Float64Array(1),
      ),
    ).toThrow(/Infinity at index 2/);
    expect(ask(new Float32Array(3))).not.toThrow();
  });
});

function like(user: number, item: number): Parameters<typeof signalsEntry>[0][number] {
  return { signal: LIKE, user, item, weight: 1 };
}

function expectSameAnswers(one: VectorsView, other: VectorsView, seed: number): void {
  const random = new Random(seed);
  const [first, second] = [one.tenant(TENANT), other.tenant(TENANT)];
  for (const [kind, slot] of [
    [ITEM, CONTENT],
    [USER, PREFERENCE],
    [CREATOR, CATALOGUE],
  ] as const) {
    const dimensions = [1, 2, 3].map((number) => second.vector(kind, slot, number as EntityNumber)?.length);
    const query = random.vector(dimensions.find((count) => count !== undefined) ?? 0);
    if (query.length === 0) continue;
    for (const within of [null, Bitmap.range(1, 50)])
      expect(first.nearest(kind, slot, query, 20, within)).toEqual(
        second.nearest(kind, slot, query, 20, within),
      );
  }
  expect(one.digest()).toBe(other.digest());
}

/** Whatever is let in has to be able to answer. */
function expectCorruptOrUsable(parts: ReadonlyMap<string, Uint8Array>): void {
  let view: VectorsView;
  try {
    view = restored(parts);
  } catch (error) {
    if (error instanceof Error && /^there is no part/.test(error.message)) return;
    expect(error).toBeInstanceOf(TruthError);
    expect((error as TruthError).code).toBe('CORRUPT');
    return;
  }
  const query = new Random(1).vector(DIMENSIONS);
  for (const reader of [view.tenant(TENANT)]) reader.nearest(ITEM, CONTENT, query, 10, null);
  view.onCommit(commitOf(900, [signalsEntry([]), signalsEntry([like(1, 1), like(2, 3)])]));
  view.digest();
}
