import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TruthError } from '../../../../db/errors.ts';
import { DuplicatesView } from '../../../../db/ranking/entities/duplicates-view.ts';
import { EntitiesView } from '../../../../db/ranking/entities/entities-view.ts';
import type { Micros } from '../../../../db/ranking/ground.ts';
import type { RankingCommand, RankingDecision } from '../../../../db/ranking/kernel/index.ts';
import type { Definition } from '../../../../db/ranking/schema/definition.ts';
import { MemoryParts, NOW, RankingLog } from '../entities/ranking-log.ts';
import { attribute, EVERYTHING, embedding, ITEM, profile, signal, USER } from '../schema/definitions.ts';

const name = fc.constantFrom('item', 'user', 'creator', 'view', 'like', 'affinity', 'nothing', '', 'a b');
const key = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('a', 'b', 'c', 'ann', 'u', 'v') },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 4 }) },
);
const number = fc.oneof(fc.double(), fc.integer({ min: -2, max: 3 }));
const time = fc.oneof(
  fc.constantFrom(null, NOW - 5, NOW + 60_000_000, NOW + 1e15, -3, Number.NaN, 0.5),
) as fc.Arbitrary<Micros | null>;
const field = fc.oneof(
  number,
  key,
  fc.boolean(),
  fc.constant(null),
  fc.array(key, { maxLength: 3 }),
  fc.array(number, { minLength: 3, maxLength: 5 }),
);
const set = fc.dictionary(
  fc.oneof(
    {
      weight: 20,
      arbitrary: fc.constantFrom(
        'category',
        'tags',
        'length',
        'rating',
        'live',
        'released',
        'title',
        'made_by',
      ),
    },
    { weight: 20, arbitrary: fc.constantFrom('content', 'country', 'age', 'premium', 'city', 'name') },
    { weight: 1, arbitrary: fc.string({ maxLength: 10 }) },
  ),
  field,
  { maxKeys: 4 },
);
const failure = fc.constantFrom('each' as const, 'all' as const);

const changes: readonly Definition[] = [
  ...EVERYTHING,
  { ...ITEM, attributes: ITEM.attributes.slice(2) },
  {
    ...ITEM,
    attributes: [...ITEM.attributes, attribute('colour', 'keyword')],
    states: ['active', 'archived', 'draft'],
  },
  { ...ITEM, embeddings: [embedding('content', { dimensions: 3 })] },
  { ...USER, attributes: USER.attributes.map((each) => ({ ...each, dimension: each.type === 'keyword' })) },
  { ...USER, attributes: USER.attributes.map((each) => ({ ...each, dimension: each.name === 'age' })) },
  signal('view', { decay: { kind: 'linear', lifetimeMicros: 1e9 } }),
  profile('for_you', { terms: [] }),
  { define: 'drop', what: 'signal', name: 'like' },
  { define: 'drop', what: 'entity', name: 'item' },
  { define: 'drop', what: 'cohort', name: 'french' },
];

const command: fc.Arbitrary<RankingCommand> = fc.oneof(
  fc.record({
    command: fc.constant('define' as const),
    definition: fc.constantFrom(...changes),
    permission: fc.constantFrom('safe' as const, 'rebuild' as const, 'cascade' as const),
    run: fc.constantFrom('apply' as const, 'dry run' as const),
  }),
  fc.record({
    command: fc.constant('put-entities' as const),
    entities: fc.array(
      fc.oneof(
        {
          weight: 6,
          arbitrary: fc.record({
            action: fc.constant('put' as const),
            kind: name,
            key,
            set,
            state: fc.constantFrom(null, null, 'active', 'archived', 'x'),
            at: time,
          }),
        },
        { weight: 1, arbitrary: fc.record({ action: fc.constant('delete' as const), kind: name, key }) },
      ),
      { maxLength: 6 },
    ),
    failure,
  }),
  fc.record({
    command: fc.constant('signals' as const),
    signals: fc.array(
      fc.record({
        signal: name,
        target: key,
        user: fc.option(key),
        weight: fc.option(number),
        at: time,
        id: fc.option(key),
      }),
      { maxLength: 8 },
    ),
    failure,
  }),
  fc.record({
    command: fc.constant('relate' as const),
    relationship: name,
    from: key,
    to: key,
    weight: fc.oneof(fc.constantFrom('default' as const, null), number),
    at: time,
  }),
  fc.record({
    command: fc.constant('expose' as const),
    experiment: key,
    arm: key,
    user: fc.option(key),
    kind: name,
    items: fc.array(key, { maxLength: 3 }),
  }),
);

describe('deciding', () => {
  test('answers every command, twice the same, and its entries give the same state live, replayed and restored', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(command, fc.boolean()), { maxLength: 40 }),
        fc.nat(40),
        (steps, place) => {
          const log = new RankingLog();
          log.define(...EVERYTHING);
          let saved: { entities: MemoryParts; duplicates: MemoryParts; commits: number } | null = null;
          for (const [index, [each, commits]] of steps.entries()) {
            log.now = (log.now + 1_000) as Micros;
            const decided = log.decide(each);
            expect(shown(log.decide(each))).toEqual(shown(decided));
            if (decided.outcome === 'refused') expect(decided.error).toBeInstanceOf(TruthError);
            else log.write(each);
            if (commits) log.commit();
            if (index !== place) continue;
            const [entities, duplicates] = [MemoryParts.of(log.entities), MemoryParts.of(log.duplicates)];
            saved = { entities, duplicates, commits: log.commits.length };
          }
          log.commit();
          expect(log.inFlight.isEmpty).toBe(true);
          expect(log.tenant.schema).toEqual(log.schema);
          expect(log.replayed(new EntitiesView()).digest()).toBe(log.entities.digest());
          expect(log.replayed(new DuplicatesView()).digest()).toBe(log.duplicates.digest());
          if (saved === null) return;
          const [entities, duplicates] = [new EntitiesView(), new DuplicatesView()];
          entities.restore(saved.entities);
          duplicates.restore(saved.duplicates);
          expect(log.replayed(entities, saved.commits).digest()).toBe(log.entities.digest());
          expect(log.replayed(duplicates, saved.commits).digest()).toBe(log.duplicates.digest());
        },
      ),
      { numRuns: 40 },
    );
  });
});

function shown(decision: RankingDecision): unknown {
  if (decision.outcome === 'refused') return decision.error.message;
  return { ...decision, entries: 'entries' in decision ? decision.entries.map((each) => ({ ...each })) : [] };
}
