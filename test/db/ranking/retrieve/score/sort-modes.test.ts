import { describe, expect, test } from 'vitest';
import type { EntityNumber } from '../../../../../db/ranking/ground.ts';
import { MICROS_PER_DAY, MICROS_PER_HOUR } from '../../../../../db/ranking/ground.ts';
import type { SortMode } from '../../../../../db/ranking/retrieve/query.ts';
import { NOW } from '../../support/arbitrary.ts';
import { answer, itemOf, numbersOf, queryOf, worldOf } from '../../support/asking.ts';
import { exampleSchema, items, LIKE, SHARE, SKIP, VIEW } from '../../support/example-schema.ts';
import { readersOf, type WorldEvent } from '../../support/world.ts';

function events(signal: number, target: number, times: number, hoursAgo: number): readonly WorldEvent[] {
  return Array.from({ length: times }, () => ({
    signal,
    target,
    user: 1,
    at: NOW - hoursAgo * MICROS_PER_HOUR,
    weight: 1,
  }));
}

/** 1: loved of old. 2: new and rising. 3: quarrelled about. 4: liked by the few who saw it. */
const world = worldOf({
  items: [
    itemOf({ title: 'delta', length: 40, createdAt: NOW - 400 * MICROS_PER_DAY }),
    itemOf({ title: 'alpha', length: 10, createdAt: NOW - 6 * MICROS_PER_HOUR }),
    itemOf({ title: 'charlie', length: 30, createdAt: NOW - 20 * MICROS_PER_DAY }),
    itemOf({ title: 'bravo', createdAt: NOW - 40 * MICROS_PER_DAY, vector: [1, 0, 0, 0] }),
  ],
  users: [{ tuple: 0, taste: [1, 0, 0, 0] }],
  events: [
    ...events(VIEW, 1, 60, 24 * 200),
    ...events(LIKE, 1, 30, 24 * 200),
    ...events(VIEW, 2, 8, 2),
    ...events(LIKE, 2, 3, 2),
    ...events(SHARE, 2, 2, 3),
    ...events(VIEW, 3, 40, 24 * 5),
    ...events(LIKE, 3, 10, 24 * 5),
    ...events(SKIP, 3, 9, 24 * 5),
    ...events(VIEW, 4, 10, 24 * 20),
    ...events(LIKE, 4, 9, 24 * 20),
  ],
  states: [
    { user: 1, state: 'saved', item: 1 },
    { user: 1, state: 'saved', item: 3 },
  ],
});
const readers = readersOf(world);
const me = { user: 1 as EntityNumber };

function sorted(sort: SortMode, more = {}): readonly number[] {
  return numbersOf(answer(queryOf({ sort, ...me, ...more }), readers));
}

describe('sorting by', () => {
  test.each([
    ['new', [2, 3, 4, 1]],
    ['old', [1, 4, 3, 2]],
    ['alphabetical_asc', [2, 4, 3, 1]],
    ['alphabetical_desc', [1, 3, 4, 2]],
    ['shortest', [2, 3, 1, 4]],
    ['longest', [1, 3, 2, 4]],
    ['most_viewed', [1, 3, 4, 2]],
    ['most_liked', [1, 3, 4, 2]],
    ['most_shared', [2, 1, 3, 4]],
    ['top_hour', [1, 2, 3, 4]],
    ['top_today', [2, 1, 3, 4]],
    ['top_week', [2, 3, 1, 4]],
    ['top_month', [4, 2, 3, 1]],
    ['top_year', [4, 2, 3]],
    ['top_all_time', [1, 4, 2, 3]],
    ['hot', [2, 4, 1, 3]],
    ['rising', [2, 1, 3, 4]],
    ['trending', [2, 1, 3, 4]],
    ['controversial', [3, 1, 4, 2]],
    ['live_viewer_count', [1, 2, 3, 4]],
    ['date_saved', [3, 1]],
    ['personalized', [4, 1, 3]],
  ] as const)('%s', (sort, order) => {
    expect(sorted(sort)).toEqual(order);
  });

  test('hidden gems prefers what few saw and most of them liked', () => {
    expect(sorted('hidden_gems')[0]).toBe(4);
  });

  test('relevance is the order of the lists that were searched', () => {
    expect(sorted('relevance', { verb: 'search', text: 'bravo' })).toEqual([4]);
  });

  test('shuffle is another order for another seed, and the same for the same', () => {
    const orders = [1, 2, 3, 4, 5, 6].map((seed) => sorted('shuffle', { seed }).join(' '));
    expect(new Set(orders).size).toBeGreaterThan(1);
    expect(sorted('shuffle', { seed: 1 }).join(' ')).toBe(orders[0]);
  });

  test('hot cools by the power of 1.8 of its age', () => {
    const { hits } = answer(queryOf({ sort: 'hot', ...me }), readers);
    expect(hits[0]!.score).toBeCloseTo(Math.log10(5) / (6 + 2) ** 1.8, 12);
  });

  test('controversial is the product of both sides over the square of their sum', () => {
    const { hits } = answer(queryOf({ sort: 'controversial', ...me }), readers);
    expect(hits[0]!.score).toBeCloseTo((10 * 9) / 19 ** 2, 5);
  });

  test('what the schema lacks counts 0, and is said', () => {
    const bare = { ...exampleSchema, signals: [] };
    for (const sort of [
      'most_commented',
      'hot',
      'top_week',
      'trending',
      'rising',
      'controversial',
    ] as const) {
      const result = answer(queryOf({ sort }), readersOf(world, bare));
      expect(result.warnings.join()).toContain('it counts 0');
      expect(result.hits.every(({ score }) => score === 0)).toBe(true);
    }
    const none = { ...items, attributes: [] };
    const result = answer(
      queryOf({ sort: 'longest', kind: none }),
      readersOf(world, { ...exampleSchema, kinds: [none] }),
    );
    expect(result.warnings.join()).toContain('duration');
  });

  test('a mode hides what the profile hides', () => {
    const gates = [{ test: 'state', state: 'saved', set: false } as const];
    const { profile } = queryOf();
    expect(sorted('new', { profile: { ...profile, gates } })).toEqual([2, 4]);
  });
});
