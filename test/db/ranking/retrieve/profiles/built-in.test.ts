import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { EntityNumber } from '../../../../../db/ranking/ground.ts';
import { MICROS_PER_DAY, MICROS_PER_HOUR } from '../../../../../db/ranking/ground.ts';
import { BUILT_IN_PROFILES, builtInProfile, isBuiltIn } from '../../../../../db/ranking/retrieve/index.ts';
import { NOW, worlds } from '../../support/arbitrary.ts';
import { answer, itemOf, numbersOf, queryOf, worldOf } from '../../support/asking.ts';
import { CONTENT, exampleSchema, items, LIKE, VIEW } from '../../support/example-schema.ts';
import { readersOf, type World, type WorldEvent } from '../../support/world.ts';

function ask(name: string, world: World, more = {}) {
  const profile = builtInProfile(name, exampleSchema, items);
  return answer(queryOf({ profile, ...more }), readersOf(world));
}

function liked(user: number, target: number, hoursAgo: number): WorldEvent {
  return { signal: LIKE, target, user, at: NOW - hoursAgo * MICROS_PER_HOUR, weight: 1 };
}

const old = itemOf({ createdAt: NOW - 300 * MICROS_PER_DAY });

describe('the profiles that every schema has', () => {
  test('answer in any world, with parts that add up', () => {
    fc.assert(
      fc.property(worlds(1, 12), fc.integer({ min: 0, max: 5 }), (world, user) => {
        for (const name of BUILT_IN_PROFILES) {
          const verb = name === 'search' ? 'search' : 'retrieve';
          const { hits } = ask(name, world, { user: user as EntityNumber, verb, text: 'jazz' });
          for (const { score, contributions } of hits) {
            expect(contributions.reduce((sum, { contribution }) => sum + contribution, 0)).toBe(score);
          }
        }
      }),
      { numRuns: 20 },
    );
  });

  test('are made once for a schema', () => {
    expect(builtInProfile('for_you', exampleSchema, items)).toBe(
      builtInProfile('for_you', exampleSchema, items),
    );
    expect(isBuiltIn('for_you') && !isBuiltIn('for_me')).toBe(true);
    expect(() => builtInProfile('for_me', exampleSchema, items)).toThrowError(
      expect.objectContaining({ code: 'NOT_FOUND', message: expect.stringContaining('for_you') }),
    );
  });

  test('do with a schema that has nothing but a kind', () => {
    const bare = { ...exampleSchema, signals: [], relationships: [] };
    const kind = { ...items, attributes: [], embeddings: [], creator: null };
    for (const name of BUILT_IN_PROFILES) {
      const profile = builtInProfile(name, bare, kind);
      const world = worldOf({ items: [old, old] });
      const result = answer(queryOf({ profile, kind }), readersOf(world, bare));
      if (!['following', 'related', 'search'].includes(name)) expect(result.hits).toHaveLength(2);
    }
  });
});

describe('for you', () => {
  const me = { user: 1 as EntityNumber };

  test('comes first what goes with what the user liked', () => {
    // 1 and 2 go together, 3 and 4 do; 4 is liked by more people.
    const events = [
      ...[2, 3, 4].flatMap((user) => [liked(user, 1, 300), liked(user, 2, 300)]),
      ...[5, 6, 7, 8].flatMap((user) => [liked(user, 3, 300), liked(user, 4, 300)]),
      liked(1, 1, 5),
    ];
    const users = Array.from({ length: 8 }, () => ({ tuple: 0, taste: null }));
    const world = worldOf({
      items: [old, old, old, old],
      users,
      events,
      states: [{ user: 1, state: 'seen', item: 1 }],
    });
    const found = numbersOf(ask('for_you', world, me));
    expect(found[0]).toBe(2);
    expect(found.at(-1)).toBe(1);
  });

  test('has for somebody new what trends before what was popular once', () => {
    const events = [
      ...Array.from({ length: 6 }, () => liked(2, 1, 24 * 100)),
      ...Array.from({ length: 4 }, () => liked(2, 2, 3)),
    ];
    const users = [0, 0].map(() => ({ tuple: 0, taste: null }));
    const world = worldOf({ items: [old, old, old], users, events });
    expect(numbersOf(ask('for_you', world, me))).toEqual([2, 1, 3]);
  });

  test('goes by lasting taste where nothing trends, however long ago the user was here', () => {
    // 1 and 2 go together; of everything there is as much these days as there always was.
    const often = (item: number) =>
      Array.from({ length: 12 }, (_, at) => [liked(20 + at, item, 24 * 60), liked(40 + at, item, 10 * at)]);
    const events = [
      ...[1, 2, 3, 4].flatMap(often).flat(),
      ...[2, 3, 4].flatMap((user) => [liked(user, 1, 24 * 90), liked(user, 2, 24 * 90)]),
      liked(1, 1, 24 * 80),
    ];
    const users = Array.from({ length: 60 }, () => ({ tuple: 0, taste: null }));
    const world = worldOf({ items: [old, old, old, old], users, events });
    const [first] = ask('for_you', world, me).hits;
    expect(first?.number).toBe(2);
    const [taste] = first!.contributions;
    expect(taste?.label).toBe('goes with what the user is at');
    expect(taste!.contribution).toBeGreaterThan(3);
  });

  test('goes by what is new where it trends and the user has long been away', () => {
    const events = [
      ...Array.from({ length: 30 }, (_, at) => [1, 2].map((item) => liked(2 + at, item, 24 * 90))).flat(),
      ...Array.from({ length: 20 }, (_, at) => liked(40 + at, 3, 2)),
      liked(1, 1, 24 * 80),
    ];
    const users = Array.from({ length: 60 }, () => ({ tuple: 0, taste: null }));
    const world = worldOf({ items: [old, old, old, old], users, events });
    expect(numbersOf(ask('for_you', world, me))[0]).toBe(3);
  });

  test('follows preferences and who is followed where nothing else is known', () => {
    const world = worldOf({
      items: [
        { ...old, vector: [0, 1, 0, 0] },
        { ...old, vector: [1, 0, 0, 0] },
        { ...old, creator: 1 },
      ],
      users: [{ tuple: 0, taste: [1, 0, 0, 0] }],
      creators: 1,
      follows: [{ user: 1, creator: 1, weight: 1 }],
    });
    expect(numbersOf(ask('for_you', world, me))).toEqual([2, 3, 1]);
  });

  test('shows nothing that the user has disliked, hidden or blocked', () => {
    const world = worldOf({
      items: [old, old, old, old],
      users: [{ tuple: 0, taste: null }],
      states: [
        { user: 1, state: 'disliked', item: 1 },
        { user: 1, state: 'hidden', item: 2 },
        { user: 1, state: 'blocked', item: 3 },
      ],
    });
    expect(numbersOf(ask('for_you', world, me))).toEqual([4]);
  });
});

describe('other profiles', () => {
  test('following is what those made whom the user follows, the young first', () => {
    const world = worldOf({
      items: [
        { ...old, creator: 1 },
        itemOf({ creator: 1, createdAt: NOW - 1 }),
        itemOf({ creator: 2, createdAt: NOW - 1 }),
      ],
      users: [{ tuple: 0, taste: null }],
      creators: 2,
      follows: [{ user: 1, creator: 1, weight: 1 }],
    });
    expect(numbersOf(ask('following', world, { user: 1 }))).toEqual([2, 1]);
  });

  test('related is what goes with an item, then what is like it, never the item itself', () => {
    const world = worldOf({
      items: [
        { ...old, vector: [1, 0, 0, 0] },
        { ...old, vector: [3, 0, 0, 0] },
        { ...old, vector: [0, 1, 0, 0] },
      ],
      users: [{ tuple: 0, taste: null }],
      events: [liked(1, 1, 5), liked(1, 3, 5)],
    });
    const within = [{ clause: 'related', item: 1 as EntityNumber, limit: 10 }] as const;
    expect(numbersOf(ask('related', world, { within }))).toEqual([3, 2]);
  });

  test('search fuses text, vector and what is wanted', () => {
    const viewed = (target: number) => ({ signal: VIEW, target, user: 1, at: NOW - 1, weight: 1 });
    const world = worldOf({
      items: [
        { ...old, title: 'jazz night' },
        { ...old, title: 'night jazz' },
        { ...old, title: 'blue', vector: [1, 0, 0, 0] },
        { ...old, title: 'blue night' },
      ],
      users: [{ tuple: 0, taste: null }],
      events: [viewed(2), viewed(4)],
    });
    const text = ask('search', world, { verb: 'search', text: 'jazz' });
    expect(numbersOf(text)).toEqual([2, 1]);
    const vector = { slot: CONTENT, values: Float32Array.of(1, 0, 0, 0) };
    const hybrid = ask('search', world, { verb: 'search', text: 'jazz', vector });
    expect(new Set(numbersOf(hybrid))).toEqual(new Set([1, 2, 3]));
    expect(ask('search', { ...world, events: [] }, { verb: 'search', text: 'jazz' }).hits[0]?.number).toBe(1);
  });
});
