/** Questions as tests put them: everything at its plainest but what the test is about. */
import type { EntityNumber, ProfileId } from '../../../../db/ranking/ground.ts';
import type { RankingReaders } from '../../../../db/ranking/reading.ts';
import { type QueryLimits, Retriever } from '../../../../db/ranking/retrieve/index.ts';
import type { Query, QueryResult } from '../../../../db/ranking/retrieve/query.ts';
import type { Profile, Scalar, Term } from '../../../../db/ranking/schema/model.ts';
import { NOW } from './arbitrary.ts';
import { ITEM, items } from './example-schema.ts';
import type { World, WorldItem } from './world.ts';

/** Far more than any test needs, on a clock that stands still. */
export const LIMITS: QueryLimits = {
  clock: () => 0,
  deadlineMicros: 1_000_000,
  steps: 100_000_000,
  candidates: 2_000,
};

export const AGE: Scalar = { scalar: 'feature', feature: 'age_hours' };

export function termOf(of: Scalar, more: Partial<Term> = {}): Term {
  return { stage: 'base', label: 'term', weight: 1, of, normalised: false, ...more };
}

/** Everything, by length. */
export function profileOf(more: Partial<Profile> = {}): Profile {
  return {
    id: 1 as ProfileId,
    name: 'example',
    version: 1,
    kind: ITEM,
    candidates: [{ source: 'all', limit: 20_000 }],
    terms: [termOf({ scalar: 'attribute', attribute: items.attributes[1]!.id })],
    gates: [],
    exploration: null,
    composition: 'sum',
    diversity: { perCreator: null, perAttribute: [], mix: null },
    pins: [],
    boosts: [],
    text: '',
    ...more,
  };
}

export function queryOf(more: Partial<Query> = {}): Query {
  return {
    verb: 'retrieve',
    kind: items,
    user: 0 as EntityNumber,
    profile: profileOf(),
    sort: null,
    context: null,
    text: null,
    vector: null,
    filter: null,
    within: [],
    exclude: [],
    diversity: {},
    window: null,
    limit: 10,
    cursor: null,
    now: NOW,
    seed: 7,
    explain: true,
    select: [],
    warnings: [],
    ...more,
  };
}

export function itemOf(more: Partial<WorldItem> = {}): WorldItem {
  return {
    state: 0,
    createdAt: NOW - 3_600_000_000_000,
    creator: 0,
    category: null,
    length: null,
    title: '',
    tags: [],
    vector: null,
    ...more,
  };
}

export function worldOf(more: Partial<World> = {}): World {
  return { items: [], users: [], creators: 0, cities: [], events: [], states: [], follows: [], ...more };
}

export function answer(query: Query, readers: RankingReaders, limits: QueryLimits = LIMITS): QueryResult {
  return new Retriever().answer(query, readers, 100, limits);
}

export function numbersOf(result: QueryResult): readonly number[] {
  return result.hits.map(({ number }) => number);
}
