/** Small worlds and questions about them, for fast-check. */
import fc from 'fast-check';
import type { EntityNumber, Micros, ProfileId } from '../../../../db/ranking/ground.ts';
import { MICROS_PER_DAY, MICROS_PER_HOUR } from '../../../../db/ranking/ground.ts';
import type { CandidateClause, Query } from '../../../../db/ranking/retrieve/query.ts';
import type {
  CandidateSource,
  Diversity,
  Predicate,
  Profile,
  Scalar,
  SignalMeasure,
  Term,
  WindowName,
} from '../../../../db/ranking/schema/model.ts';
import {
  CATEGORY,
  CITY,
  CONTENT,
  DIMENSIONS,
  ENGAGEMENT,
  FOLLOWS,
  ITEM,
  items,
  LENGTH,
  LIKE,
  SHARE,
  SKIP,
  TAGS,
  VIEW,
} from './example-schema.ts';
import type { World } from './world.ts';

export const NOW = (20_000 * MICROS_PER_DAY + 5.5 * MICROS_PER_HOUR) as Micros;
const ITEMS_MAX = 40;
const USERS = 5;
const CREATORS = 4;
const WORDS = ['jazz', 'night', 'blue', 'train', 'live'];
const CITIES = ['paris', 'rome'];
const CATEGORIES = ['music', 'news', 'sport'];

const ago = fc.integer({ min: 0, max: 45 * 24 }).map((hours) => NOW - hours * MICROS_PER_HOUR);
const vector = fc.array(fc.integer({ min: -3, max: 3 }), { minLength: DIMENSIONS, maxLength: DIMENSIONS });
const item = (count: number) => fc.integer({ min: 1, max: count });
const user = fc.integer({ min: 1, max: USERS });

const worldItem = fc.record({
  state: fc.constantFrom(0, 0, 0, 0, 1),
  createdAt: ago,
  creator: fc.integer({ min: 0, max: CREATORS }),
  category: fc.option(fc.constantFrom(...CATEGORIES), { nil: null }),
  length: fc.option(fc.integer({ min: 0, max: 9 }), { nil: null }),
  title: fc.array(fc.constantFrom(...WORDS), { maxLength: 4 }).map((words) => words.join(' ')),
  tags: fc.uniqueArray(fc.constantFrom('a', 'b', 'c'), { maxLength: 3 }),
  vector: fc.option(vector, { nil: null, freq: 4 }),
});

/** `items`: how many there are at least and at most. */
export function worlds(least = 1, most = ITEMS_MAX): fc.Arbitrary<World> {
  return fc.integer({ min: least, max: most }).chain((count) =>
    fc.record({
      items: fc.array(worldItem, { minLength: count, maxLength: count }),
      users: fc.array(
        fc.record({
          tuple: fc.integer({ min: 0, max: CITIES.length }),
          taste: fc.option(vector, { nil: null }),
        }),
        { minLength: USERS, maxLength: USERS },
      ),
      creators: fc.constant(CREATORS),
      cities: fc.constant(CITIES),
      events: fc.array(
        fc.record({
          signal: fc.constantFrom(VIEW, VIEW, LIKE, SKIP, SHARE),
          target: item(count),
          user,
          at: ago,
          weight: fc.integer({ min: 0, max: 3 }),
        }),
        { maxLength: 3 * count },
      ),
      states: fc.array(
        fc.record({
          user,
          state: fc.constantFrom('seen', 'saved', 'hidden', 'liked' as const),
          item: item(count),
        }),
        { maxLength: 2 * count },
      ),
      follows: fc.uniqueArray(
        fc.record({
          user,
          creator: fc.integer({ min: 1, max: CREATORS }),
          weight: fc.integer({ min: 0, max: 5 }),
        }),
        { maxLength: 8, selector: (edge) => `${edge.user} ${edge.creator}` },
      ),
    }),
  );
}

const window: fc.Arbitrary<WindowName> = fc.constantFrom('1h', '24h', '7d', '30d', 'all');
const signal = fc.constantFrom(VIEW, LIKE, SKIP, SHARE);

const measure: fc.Arbitrary<SignalMeasure> = fc.oneof(
  fc.constant({ measure: 'score' } as const),
  fc.record({ measure: fc.constantFrom('count', 'weight', 'velocity', 'acceleration'), window }),
  fc.record({ measure: fc.constant('ratio'), to: signal, window }),
);

const leaf: fc.Arbitrary<Scalar> = fc.oneof(
  fc.integer({ min: -3, max: 5 }).map((value): Scalar => ({ scalar: 'number', value })),
  fc.constantFrom(LENGTH, ENGAGEMENT).map((attribute): Scalar => ({ scalar: 'attribute', attribute })),
  fc.record({ scalar: fc.constant('signal'), signal, measure }) as fc.Arbitrary<Scalar>,
  fc
    .constantFrom('age_hours', 'text', 'neighbours', 'fused')
    .map((feature): Scalar => ({ scalar: 'feature', feature })),
  fc.constant({ scalar: 'relationship', relationship: FOLLOWS, to: 'creator' } as Scalar),
  fc.constantFrom('seen', 'liked').map((state): Scalar => ({ scalar: 'state', state })),
  fc
    .constantFrom('user', 'query')
    .map((other): Scalar => ({ scalar: 'similarity', slot: CONTENT, with: other })),
);

export const scalars: fc.Arbitrary<Scalar> = fc.letrec<{ scalar: Scalar }>((tie) => ({
  scalar: fc.oneof({ depthSize: 'small', withCrossShrink: true }, leaf, apply(tie('scalar'))),
})).scalar;

function apply(part: fc.Arbitrary<Scalar>): fc.Arbitrary<Scalar> {
  const of = (count: number) => fc.array(part, { minLength: count, maxLength: count });
  return fc.oneof(
    fc.record({ scalar: fc.constant('apply'), function: fc.constantFrom('+', '*', 'min', 'max'), of: of(3) }),
    fc.record({
      scalar: fc.constant('apply'),
      function: fc.constantFrom('-', '/', 'saturate', 'decay', 'pow'),
      of: of(2),
    }),
    fc.record({
      scalar: fc.constant('apply'),
      function: fc.constantFrom('-', 'log1p', 'exp', 'sqrt', 'abs', 'sigmoid'),
      of: of(1),
    }),
    fc.record({ scalar: fc.constant('apply'), function: fc.constant('clamp'), of: of(3) }),
  ) as fc.Arbitrary<Scalar>;
}

/** Sums of features without growth: numbers stay where doubles are exact enough to compare. */
const mildScalar: fc.Arbitrary<Scalar> = fc.oneof(
  leaf,
  fc.tuple(leaf, leaf).map(([one, other]): Scalar => ({ scalar: 'apply', function: '+', of: [one, other] })),
  leaf.map((one): Scalar => ({ scalar: 'apply', function: 'log1p', of: [one] })),
);

const term: fc.Arbitrary<Term> = fc.record({
  stage: fc.constantFrom('base', 'personalisation', 'relationship', 'signals', 'recency', 'penalties'),
  label: fc.constant('term'),
  weight: fc.constantFrom(1, 0.5, 2, -1),
  of: mildScalar,
  normalised: fc.boolean(),
});

const attributeTest: fc.Arbitrary<Predicate> = fc.oneof(
  fc.record({
    test: fc.constant('compare'),
    attribute: fc.constant(CATEGORY),
    operator: fc.constantFrom('=', '<>'),
    value: fc.constantFrom(...CATEGORIES),
  }) as fc.Arbitrary<Predicate>,
  fc.record({
    test: fc.constant('compare'),
    attribute: fc.constantFrom(LENGTH, ENGAGEMENT),
    operator: fc.constantFrom('<', '<=', '>', '>='),
    value: fc.integer({ min: 0, max: 8 }),
  }) as fc.Arbitrary<Predicate>,
  fc.record({
    test: fc.constant('between'),
    attribute: fc.constant(LENGTH),
    low: fc.constant(2),
    high: fc.constant(6),
  }) as fc.Arbitrary<Predicate>,
  fc.record({
    test: fc.constant('in'),
    attribute: fc.constant(CATEGORY),
    values: fc.constant(['music', 'sport']),
  }) as fc.Arbitrary<Predicate>,
  fc.record({
    test: fc.constant('has'),
    attribute: fc.constant(TAGS),
    value: fc.constantFrom('a', 'b', null),
  }) as fc.Arbitrary<Predicate>,
);

const stateTest: fc.Arbitrary<Predicate> = fc.record({
  test: fc.constant('state'),
  state: fc.constantFrom('seen', 'saved', 'hidden', 'liked'),
  set: fc.boolean(),
});

const featureTest: fc.Arbitrary<Predicate> = fc.record({
  test: fc.constant('feature'),
  feature: mildScalar,
  operator: fc.constantFrom('<', '<=', '>', '>='),
  value: fc.integer({ min: -1, max: 3 }),
});

export const predicates: fc.Arbitrary<Predicate> = fc.letrec<{ predicate: Predicate }>((tie) => ({
  predicate: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    attributeTest,
    stateTest,
    featureTest,
    fc.record({
      test: fc.constantFrom('and', 'or'),
      of: fc.array(tie('predicate'), { minLength: 1, maxLength: 3 }),
    }) as fc.Arbitrary<Predicate>,
    fc.record({ test: fc.constant('not'), of: tie('predicate') }) as fc.Arbitrary<Predicate>,
  ),
})).predicate;

const source: fc.Arbitrary<CandidateSource> = fc.oneof(
  fc.record({
    source: fc.constant('top'),
    signal,
    measure,
    limit: fc.constant(500),
  }) as fc.Arbitrary<CandidateSource>,
  fc.record({
    source: fc.constant('similar'),
    slot: fc.constant(CONTENT),
    to: fc.constantFrom('user', 'query'),
    limit: fc.constant(5),
  }) as fc.Arbitrary<CandidateSource>,
  fc.record({
    source: fc.constant('following'),
    relationship: fc.constant(FOLLOWS),
    limit: fc.constant(5),
  }) as fc.Arbitrary<CandidateSource>,
  fc
    .constantFrom('neighbours', 'text', 'new', 'all')
    .map((name): CandidateSource => ({ source: name, limit: 500 })),
);

const diversity: fc.Arbitrary<Partial<Diversity>> = fc.oneof(
  { weight: 3, arbitrary: fc.constant({}) },
  {
    weight: 2,
    arbitrary: fc.record(
      {
        perCreator: fc.constantFrom(null, 1, 2),
        perAttribute: fc.constantFrom([], [{ attribute: CATEGORY, max: 2 }], [{ attribute: TAGS, max: 1 }]),
        mix: fc.constantFrom(null, CATEGORY),
      },
      { requiredKeys: [] },
    ),
  },
);

const profile: fc.Arbitrary<Profile> = fc.record({
  id: fc.constant(1 as ProfileId),
  name: fc.constant('example'),
  version: fc.constant(1),
  kind: fc.constant(ITEM),
  candidates: fc.array(source, { minLength: 1, maxLength: 4 }),
  terms: fc
    .array(term, { minLength: 1, maxLength: 4 })
    .map((terms) => terms.map((one, at): Term => ({ ...one, stage: 'base', label: `term ${at}` }))),
  gates: fc.array(predicates, { maxLength: 1 }),
  exploration: fc.constant(null),
  composition: fc.constantFrom('sum', 'sum', 'product'),
  diversity: fc.constant({ perCreator: null, perAttribute: [], mix: null }),
  pins: fc.constant([]),
  boosts: fc.constant([]),
  text: fc.constant(''),
});

const limit = fc.constantFrom(1, 3, 10, 40);

function clause(count: number, asking: number): fc.Arbitrary<CandidateClause> {
  const someone = asking === 0 ? user : fc.constant(asking);
  const cohort: Predicate = { test: 'compare', attribute: CITY, operator: '=', value: 'paris' };
  return fc.oneof(
    fc.record({ clause: fc.constant('trending'), signal: fc.option(signal, { nil: null }), window, limit }),
    fc.record({
      clause: fc.constant('cohort'),
      name: fc.constant('parisians'),
      predicate: fc.constant(cohort),
      signal: fc.option(signal, { nil: null }),
      window,
      limit,
    }),
    fc.record({ clause: fc.constant('following'), relationship: fc.constant(FOLLOWS), user: someone, limit }),
    fc.record({ clause: fc.constant('related'), item: item(count), limit }),
    fc.record({
      clause: fc.constant('state'),
      state: fc.constantFrom('saved', 'liked', 'hidden'),
      user: someone,
    }),
    fc.record({ clause: fc.constant('search'), text: fc.constantFrom(...WORDS, 'jazz night'), limit }),
    fc.record({ clause: fc.constant('creator'), creator: fc.integer({ min: 1, max: CREATORS }) }),
    fc.record({ clause: fc.constant('items'), items: fc.array(item(count), { maxLength: 12 }) }),
  ) as fc.Arbitrary<CandidateClause>;
}

/** About a world of `count` items. */
export function queries(count: number): fc.Arbitrary<Query> {
  return fc.integer({ min: 0, max: USERS }).chain((asking) =>
    fc
      .record({
        verb: fc.constantFrom('retrieve', 'retrieve', 'search' as const),
        kind: fc.constant(items),
        user: fc.constant(asking as EntityNumber),
        profile,
        sort: fc.constant(null),
        context: fc.constant(null),
        text: fc.option(fc.constantFrom(...WORDS, 'blue train'), { nil: null }),
        vector: fc.option(
          vector.map((values) => ({ slot: CONTENT, values: Float32Array.from(values) })),
          { nil: null },
        ),
        filter: fc.option(predicates, { nil: null }),
        within: fc.array(clause(count, asking), { maxLength: 3 }),
        exclude: fc.array(item(count) as fc.Arbitrary<EntityNumber>, { maxLength: 2 }),
        diversity,
        window: fc.constant(null),
        limit: fc.integer({ min: 1, max: 12 }),
        cursor: fc.constant(null),
        now: fc.constant(NOW),
        seed: fc.integer({ min: 0, max: 1_000 }),
        explain: fc.constant(true),
        select: fc.constant([]),
        warnings: fc.constant([]),
      })
      // A search without a text or a vector is none.
      .map(
        (query): Query =>
          query.verb === 'search' && query.text === null ? { ...query, text: 'jazz' } : query,
      ),
  );
}

/** A world and a question about it. */
export const questions: fc.Arbitrary<{ readonly world: World; readonly query: Query }> = worlds().chain(
  (world) => queries(world.items.length).map((query) => ({ world, query })),
);
