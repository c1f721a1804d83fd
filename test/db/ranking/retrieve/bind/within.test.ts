import { describe, expect, test } from 'vitest';
import { bound, boundIn, historyOf, schema } from './example.ts';

const view = schema.signals.find(({ name }) => name === 'view')!.id;
const like = schema.signals.find(({ name }) => name === 'like')!.id;
const follows = schema.relationships.find(({ name }) => name === 'follows')!.id;
const interest = schema.relationships.find(({ name }) => name === 'interest')!.id;
const young = schema.cohorts[0]!;

function within(clauses: string) {
  return bound(`RETRIEVE items FOR USER @u1 ${clauses}`).within;
}

describe('where candidates come from', () => {
  test('the last clause is carried out first', () => {
    expect(
      within(
        "WITHIN SEARCH 'jazz' WITHIN TRENDING view 1h TOP 9 WITHIN COHORT us_young TRENDING like 7d TOP 500",
      ),
    ).toEqual([
      {
        clause: 'cohort',
        name: 'us_young',
        predicate: young.predicate,
        signal: like,
        window: '7d',
        limit: 500,
      },
      { clause: 'trending', signal: view, window: '1h', limit: 9 },
      { clause: 'search', text: 'jazz', limit: 1_000 },
    ]);
  });

  test('each clause', () => {
    expect(within('WITHIN TRENDING')).toEqual([
      { clause: 'trending', signal: null, window: '24h', limit: 1_000 },
    ]);
    expect(within('WITHIN TRENDING view WINDOW 7d')).toMatchObject([{ window: '7d' }]);
    expect(within('WITHIN FOLLOWING')).toEqual([
      { clause: 'following', relationship: follows, user: 1, limit: 1_000 },
    ]);
    expect(within('WITHIN FOLLOWING interest TOP 3')).toMatchObject([{ relationship: interest, limit: 3 }]);
    expect(within('RELATED TO @i3')).toEqual([{ clause: 'related', item: 3, limit: 500 }]);
    expect(within('WITHIN SAVED')).toEqual([{ clause: 'state', state: 'saved', user: 1 }]);
    expect(within('WITHIN CREATOR @c2')).toEqual([{ clause: 'creator', creator: 2 }]);
    expect(within('WITHIN ITEMS [@i2, @i1, @i2]')).toEqual([{ clause: 'items', items: [2, 1] }]);
  });

  test('a cohort may be said in place', () => {
    const [clause] = within("WITHIN COHORT (country = 'US', NOT age_group:[a, b])");
    expect(clause).toMatchObject({
      clause: 'cohort',
      name: "country = 'US', NOT age_group IN ('a', 'b')",
      predicate: { test: 'and', of: [{ test: 'compare', value: 'US' }, { test: 'not' }] },
      signal: null,
      window: '24h',
    });
  });

  test('items nobody knows are left out of a list, with a warning', () => {
    const query = bound('RETRIEVE items WITHIN ITEMS [@i1, @x, @y]');
    expect(query.within).toEqual([{ clause: 'items', items: [1] }]);
    expect(query.warnings).toEqual(['WITHIN ITEMS: 2 of 3 are not known and left out: "x", "y"']);
  });

  test('a signal that keeps no day trends in the longest window it has', () => {
    const history = historyOf('DEFINE ENTITY item (); DEFINE SIGNAL play ON item WINDOWS (1h, 7d)');
    expect(boundIn(history, 'RETRIEVE items WITHIN TRENDING play').within).toMatchObject([{ window: '7d' }]);
    expect(() => boundIn(history, 'RETRIEVE items WITHIN TRENDING play 24h')).toThrow('WITHIN TRENDING');
  });
});

describe('what makes no sense is refused', () => {
  test.each([
    ['RETRIEVE items WITHIN FOLLOWING', 'WITHIN FOLLOWING: nobody is asked for: say whose: FOR USER @key'],
    ['RETRIEVE items WITHIN SAVED', 'WITHIN SAVED: nobody is asked for: say whose: FOR USER @key'],
    [
      'RETRIEVE items WITHIN CREATOR @c0',
      'WITHIN CREATOR: there is no creator "c0"; write it first, or check the key',
    ],
    [
      'RETRIEVE creators WITHIN CREATOR @c1',
      'WITHIN CREATOR: creator has no creator: define it with one: … REFERENCES creator',
    ],
    [
      'RETRIEVE items WITHIN TRENDING veiw',
      'WITHIN TRENDING: there is no signal "veiw": did you mean "view"?',
    ],
    [
      'RETRIEVE creators WITHIN TRENDING view',
      'WITHIN TRENDING: signal view is about item, not about creator: use a signal about creator',
    ],
    [
      'RETRIEVE items WITHIN COHORT us_yuong',
      'WITHIN COHORT: there is no cohort "us_yuong": did you mean "us_young"?',
    ],
    [
      "RETRIEVE items WITHIN COHORT (contry = 'US')",
      'WITHIN COHORT: there is no attribute of user, signal or feature "contry": did you mean "country"?',
    ],
    [
      'RETRIEVE items FOR USER @u1 WITHIN FOLLOWING folows',
      'WITHIN FOLLOWING: there is no relationship "folows": did you mean "follows"?',
    ],
  ])('%s', (text, message) => {
    expect(() => bound(text)).toThrow(message);
  });

  test('a cohort asks for dimensions of users only', () => {
    expect(() => bound('RETRIEVE items WITHIN COHORT (seen)')).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    );
  });

  test('of several relationships one has to be said', () => {
    const users = 'DEFINE ENTITY item (); DEFINE ENTITY user ();';
    const none = historyOf(users);
    expect(() => boundIn(none, 'RETRIEVE items FOR USER @u1 WITHIN FOLLOWING')).toThrow(
      'no relationship leads from users to item',
    );
    const one = historyOf(`${users} DEFINE RELATIONSHIP bookmarks FROM user TO item`);
    expect(boundIn(one, 'RETRIEVE items FOR USER @u1 WITHIN FOLLOWING').within).toMatchObject([
      { relationship: 1 },
    ]);
    const two = historyOf(
      `${users} DEFINE RELATIONSHIP a FROM user TO item; DEFINE RELATIONSHIP b FROM user TO item`,
    );
    expect(() => boundIn(two, 'RETRIEVE items FOR USER @u1 WITHIN FOLLOWING')).toThrow(
      'a, b all lead there: say which: FOLLOWING a',
    );
    const away = historyOf(`${users} DEFINE RELATIONSHIP knows FROM user TO user`);
    expect(() => boundIn(away, 'RETRIEVE items FOR USER @u1 WITHIN FOLLOWING knows')).toThrow(
      'knows does not lead from users to item',
    );
  });
});
