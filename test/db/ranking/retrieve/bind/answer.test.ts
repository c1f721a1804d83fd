import { describe, expect, test } from 'vitest';
import { bindQuery } from '../../../../../db/ranking/retrieve/bind/index.ts';
import { parse, type QueryStatement } from '../../../../../db/ranking/retrieve/language/index.ts';
import { NOW } from '../../support/arbitrary.ts';
import { answer, itemOf, worldOf } from '../../support/asking.ts';
import { LIKE, VIEW } from '../../support/example-schema.ts';
import { readersOf, type WorldEvent } from '../../support/world.ts';

const HOUR = 3_600_000_000;

function views(item: number, user: number, times: number): WorldEvent[] {
  return Array.from({ length: times }, (_, index) => ({
    signal: VIEW,
    target: item,
    user,
    at: NOW - HOUR - index * 1_000_000,
    weight: 1,
  }));
}

const readers = readersOf(
  worldOf({
    items: [
      itemOf({ title: 'jazz piano', category: 'video', length: 10, creator: 1, tags: ['jazz'] }),
      itemOf({ title: 'jazz guitar', category: 'audio', length: 20, creator: 1, tags: ['jazz', 'guitar'] }),
      itemOf({ title: 'rock guitar', category: 'video', length: 30, creator: 2 }),
      itemOf({ title: 'jazz at night', category: 'video', length: 40, creator: 2 }),
    ],
    users: [
      { tuple: 1, taste: null },
      { tuple: 2, taste: null },
    ],
    creators: 2,
    cities: ['paris', 'rome'],
    events: [
      ...views(1, 1, 3),
      ...views(2, 1, 5),
      ...views(3, 1, 9),
      ...views(4, 2, 20),
      { signal: LIKE, target: 2, user: 1, at: NOW - HOUR, weight: 1 },
    ],
    states: [{ user: 1, state: 'seen', item: 3 }],
    follows: [{ user: 1, creator: 2, weight: 1 }],
  }),
);

function keys(text: string, parameters: Readonly<Record<string, string | number>> = {}) {
  const query = bindQuery(parse(text) as QueryStatement, {
    entities: readers.entities,
    parameters,
    now: NOW,
    profileVersion: () => null,
  });
  return answer(query, readers).hits.map(({ key }) => key);
}

describe('what is written is answered', () => {
  test('a search within what trends within a cohort', () => {
    expect(
      keys('SEARCH items QUERY "jazz" WITHIN TRENDING view 24h WITHIN COHORT parisians').toSorted(),
    ).toEqual(['i1', 'i2']);
    expect(keys("SEARCH items QUERY 'jazz' WITHIN COHORT (city = 'rome')")).toEqual(['i4']);
  });

  test.each<readonly [string, readonly string[]]>([
    ['RETRIEVE items SORT BY most_viewed', ['i4', 'i3', 'i2', 'i1']],
    ['RETRIEVE items SORT BY most_viewed LIMIT 2', ['i4', 'i3']],
    ['RETRIEVE items SORT BY longest FILTER category:video', ['i4', 'i3', 'i1']],
    ['RETRIEVE items SORT BY longest FILTER length BETWEEN $low AND 30, tags HAS $tag', ['i2']],
    ['RETRIEVE items SORT BY longest FILTER view.count(24h) > 4, NOT category:audio', ['i4', 'i3']],
    ['RETRIEVE items SORT BY longest FILTER engagement > 0.1', ['i2']],
    ['RETRIEVE items FOR USER @u1 SORT BY longest FILTER unseen', ['i4', 'i2', 'i1']],
    ['RETRIEVE items FOR USER @u1 WITHIN FOLLOWING SORT BY shortest', ['i3', 'i4']],
    ['RETRIEVE items WITHIN CREATOR @c1 SORT BY shortest EXCLUDE [@i1]', ['i2']],
    ['RETRIEVE items WITHIN ITEMS [@i2, @i4] SORT BY alphabetical_asc', ['i4', 'i2']],
    ['RETRIEVE items SORT BY longest DIVERSITY max_per_creator:1 LIMIT 2', ['i4', 'i2']],
  ])('%s', (text, expected) => {
    expect(keys(text, { low: 15, tag: 'jazz' })).toEqual(expected);
  });

  test('somebody nobody knows has an answer', () => {
    expect(keys('RETRIEVE items FOR USER @u0 USING PROFILE for_you')).not.toEqual([]);
  });
});
