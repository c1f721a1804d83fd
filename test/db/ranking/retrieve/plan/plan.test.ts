import { describe, expect, test } from 'vitest';
import type { EntityNumber } from '../../../../../db/ranking/ground.ts';
import { planOf } from '../../../../../db/ranking/retrieve/plan/index.ts';
import type { Query } from '../../../../../db/ranking/retrieve/query.ts';
import type { Predicate } from '../../../../../db/ranking/schema/model.ts';
import { AGE, itemOf, profileOf, queryOf, worldOf } from '../../support/asking.ts';
import { CATEGORY, ENGAGEMENT, FOLLOWS, LIKE } from '../../support/example-schema.ts';
import { readersOf } from '../../support/world.ts';

const many = Array.from({ length: 3_000 }, (_, at) => itemOf({ category: at < 10 ? 'rare' : 'common' }));
const { entities } = readersOf(worldOf({ items: many }));
const rare: Predicate = { test: 'compare', attribute: CATEGORY, operator: '=', value: 'rare' };
const top = { source: 'top', signal: LIKE, measure: { measure: 'score' }, limit: 100 } as const;
const profile = profileOf({ candidates: [top, { source: 'neighbours', limit: 50 }] });

function strategy(more: Partial<Query>, candidates = 2_000): string {
  return planOf(queryOf({ profile, ...more }), entities, candidates).strategy;
}

describe('candidates come from', () => {
  test('the sources of the profile where everything is too much', () => {
    expect(strategy({})).toBe('sources');
  });

  test('everything that passes where a filter leaves little', () => {
    expect(strategy({ filter: rare })).toBe('all');
    expect(strategy({ filter: { test: 'not', of: rare } })).toBe('sources');
  });

  test('what the user has of a state where it must have it', () => {
    expect(strategy({ filter: { test: 'state', state: 'saved', set: true } })).toBe('all');
  });

  test('the sources all the same where they say what belongs to the answer', () => {
    const following = profileOf({ candidates: [{ source: 'following', relationship: FOLLOWS, limit: 50 }] });
    expect(strategy({ filter: rare, profile: following })).toBe('sources');
  });

  test('the clauses of WITHIN, and a search within them', () => {
    const within = [{ clause: 'creator', creator: 1 as EntityNumber }] as const;
    expect(strategy({ within })).toBe('within');
    expect(strategy({ within, verb: 'search', text: 'jazz' })).toBe('search');
  });
});

describe('conditions', () => {
  test('are sorted by what has to be known to decide them', () => {
    const filter: Predicate = {
      test: 'and',
      of: [
        { test: 'feature', feature: AGE, operator: '<', value: 3 },
        { test: 'state', state: 'seen', set: false },
        { test: 'and', of: [rare, { test: 'state', state: 'saved', set: true }] },
        { test: 'compare', attribute: ENGAGEMENT, operator: '>', value: 0.5 },
      ],
    };
    const { conditions } = planOf(queryOf({ filter }), entities, 2_000);
    expect(conditions.attributes).toEqual(rare);
    expect(conditions.owned).toEqual(['saved']);
    expect(conditions.states.map((one) => one.test === 'state' && one.state)).toEqual([
      'seen',
      'hidden',
      'blocked',
    ]);
    expect(conditions.features).toHaveLength(2);
  });

  test('hide what was hidden unless the query is about it', () => {
    const filter: Predicate = { test: 'state', state: 'hidden', set: true };
    const { conditions } = planOf(queryOf({ filter }), entities, 2_000);
    expect(conditions.states).toEqual([{ test: 'state', state: 'blocked', set: false }]);
  });
});
