import { describe, expect, test } from 'vitest';
import {
  describeClause,
  describePredicate,
  Trace,
} from '../../../../../db/ranking/retrieve/explain/index.ts';
import type { CandidateClause } from '../../../../../db/ranking/retrieve/query.ts';
import type { Predicate } from '../../../../../db/ranking/schema/model.ts';
import { AGE, worldOf } from '../../support/asking.ts';
import { CATEGORY, items, LENGTH, LIKE, TAGS } from '../../support/example-schema.ts';
import { readersOf } from '../../support/world.ts';

describe('a trace', () => {
  test('counts for each stage the time since the one before', () => {
    let now = 0;
    const trace = new Trace(() => now);
    now = 5;
    trace.row('plan', 'profile', 10, 10);
    now = 12;
    trace.row('scoring', '3 terms', 10, 4);
    expect(trace.rows.map(({ micros }) => micros)).toEqual([5, 7]);
    expect(trace.rows[1]).toMatchObject({ stage: 'scoring', before: 10, after: 4 });
  });
});

describe('what people read in EXPLAIN', () => {
  test.each<[string, Predicate]>([
    ['category = music', { test: 'compare', attribute: CATEGORY, operator: '=', value: 'music' }],
    [
      '(length between 1 and 2) or (not seen)',
      {
        test: 'or',
        of: [
          { test: 'between', attribute: LENGTH, low: 1, high: 2 },
          { test: 'state', state: 'seen', set: false },
        ],
      },
    ],
    ['not (tags has a value)', { test: 'not', of: { test: 'has', attribute: TAGS, value: null } }],
    ['category in (a, b)', { test: 'in', attribute: CATEGORY, values: ['a', 'b'] }],
    ['a feature < 3', { test: 'feature', feature: AGE, operator: '<', value: 3 }],
  ])('%s', (text, predicate) => {
    expect(describePredicate(predicate, items)).toBe(text);
  });

  test('names signals and keys of clauses', () => {
    const { entities } = readersOf(worldOf());
    const clause = { clause: 'trending', signal: LIKE, window: '24h', limit: 50 } as const;
    expect(describeClause(clause, entities, items)).toBe('trending by like within 24h, 50 at most');
    const creator = { clause: 'creator', creator: 3 } as unknown as CandidateClause;
    expect(describeClause(creator, entities, items)).toBe('made by c3');
  });
});
