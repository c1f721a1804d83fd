import { describe, expect, test } from 'vitest';
import { keptWindow, trendOf } from '../../../../../db/ranking/retrieve/score/trend.ts';
import type { SignalType, WindowName } from '../../../../../db/ranking/schema/model.ts';
import { NOW } from '../../support/arbitrary.ts';
import { answer, itemOf, numbersOf, queryOf, worldOf } from '../../support/asking.ts';
import { CITY, exampleSchema, VIEW } from '../../support/example-schema.ts';
import { readersOf, type WorldEvent } from '../../support/world.ts';

const [view] = exampleSchema.signals;

function keeping(...windows: WindowName[]): SignalType {
  return { ...view!, windows };
}

describe('a window that a signal does not keep', () => {
  test.each([
    ['24h', ['24h', 'all'], '24h'],
    ['24h', ['1h', '7d', 'all'], '7d'],
    ['24h', ['1h', 'all'], '1h'],
    ['24h', ['all'], 'all'],
    ['all', ['1h'], 'all'],
  ] as const)('is replaced by the nearest: %s of %j by %s', (asked, kept, found) => {
    expect(keptWindow(keeping(...kept), asked)).toBe(found);
  });

  test('leaves the velocity of all time where nothing else is kept', () => {
    expect(trendOf(keeping('all'), '24h')).toEqual({
      scalar: 'signal',
      signal: VIEW,
      measure: { measure: 'velocity', window: 'all' },
    });
  });
});

describe('what trends', () => {
  const hours = 3_600_000_000;
  const viewed = (target: number, user: number, times: number, hoursAgo: number): readonly WorldEvent[] =>
    Array.from({ length: times }, () => ({
      signal: VIEW,
      target,
      user,
      at: NOW - hoursAgo * hours,
      weight: 1,
    }));
  const world = worldOf({
    items: [itemOf({ title: 'jazz' }), itemOf({ title: 'jazz night' }), itemOf({ title: 'blue' }), itemOf()],
    users: [
      { tuple: 1, taste: null },
      { tuple: 2, taste: null },
    ],
    cities: ['paris', 'rome'],
    events: [
      ...viewed(1, 1, 6, 2),
      ...viewed(2, 2, 4, 2),
      ...viewed(3, 1, 3, 2),
      ...viewed(3, 2, 2, 30),
      ...viewed(4, 2, 50, 24 * 9),
    ],
  });
  const readers = readersOf(world);
  const cohort = {
    clause: 'cohort',
    name: 'parisians',
    predicate: { test: 'compare', attribute: CITY, operator: '=', value: 'paris' },
    signal: VIEW,
    window: '24h',
    limit: 10,
  } as const;
  const trending = { clause: 'trending', signal: VIEW, window: '24h', limit: 2 } as const;

  test('trends among everybody', () => {
    expect(numbersOf(answer(queryOf({ sort: 'trending', within: [trending] }), readers))).toEqual([1, 2]);
  });

  test('trends among a cohort by the same formula, and is ordered by what the cohort does', () => {
    expect(numbersOf(answer(queryOf({ sort: 'trending', within: [cohort] }), readers))).toEqual([1, 3]);
  });

  test('is searched within what trends among a cohort', () => {
    const search = { clause: 'search', text: 'jazz', limit: 10 } as const;
    expect(numbersOf(answer(queryOf({ within: [cohort, search] }), readers))).toEqual([1]);
    expect(numbersOf(answer(queryOf({ verb: 'search', text: 'blue', within: [cohort] }), readers))).toEqual([
      3,
    ]);
  });

  test('is not what was wanted last week', () => {
    const all = { ...trending, limit: 10 };
    expect(numbersOf(answer(queryOf({ sort: 'trending', within: [all] }), readers))).not.toContain(4);
  });
});
