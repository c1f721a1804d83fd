import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { queries, worlds } from '../../support/arbitrary.ts';
import { answer, itemOf, LIMITS, numbersOf, profileOf, queryOf, worldOf } from '../../support/asking.ts';
import { CATEGORY, LIKE, VIEW } from '../../support/example-schema.ts';
import { expected } from '../../support/reference.ts';
import { readersOf } from '../../support/world.ts';

describe('lists that are kept in order', () => {
  test('are read as far as the best by trend may be, in worlds too large to look at everything', () => {
    const crowds = worlds(120, 160).chain((world) =>
      queries(world.items.length).map((query) => ({
        world,
        query: {
          ...query,
          verb: 'retrieve' as const,
          within: [
            { clause: 'trending' as const, signal: VIEW, window: '24h' as const, limit: 4 },
            ...query.within,
          ],
        },
      })),
    );
    fc.assert(
      fc.property(crowds, ({ world, query }) => {
        const readers = readersOf(world);
        expect(numbersOf(answer(query, readers))).toEqual(expected(query, readers).numbers);
      }),
      { numRuns: 15 },
    );
  });

  test('are read on where a filter leaves few of them', () => {
    const many = Array.from({ length: 1_400 }, (_, at) =>
      itemOf({ category: at % 100 === 99 ? 'rare' : 'common', length: at }),
    );
    const events = many.map((_, at) => ({
      signal: LIKE,
      target: at + 1,
      user: 1,
      at: queryOf().now - 1,
      weight: 1,
    }));
    const world = worldOf({ items: many, events, users: [{ tuple: 0, taste: null }] });
    const profile = profileOf({
      candidates: [
        { source: 'top', signal: LIKE, measure: { measure: 'count', window: '24h' }, limit: 5 },
        { source: 'neighbours', limit: 5 },
      ],
    });
    const filter = { test: 'compare', attribute: CATEGORY, operator: '=', value: 'rare' } as const;
    // Fewer can be looked at than pass.
    const limits = { ...LIMITS, candidates: 1_000 };
    const readers = readersOf(world);
    const wide = {
      test: 'not',
      of: { test: 'compare', attribute: CATEGORY, operator: '=', value: 'none' },
    } as const;
    expect(answer(queryOf({ profile, filter, limit: 20 }), readers, limits).hits).toHaveLength(14);
    const sourced = answer(queryOf({ profile, filter: wide, limit: 3 }), readers, limits);
    expect(sourced.plan[0]?.detail).toContain('sources');
    expect(sourced.hits).toHaveLength(3);
  });

  test('that give too little are filled up with the newest', () => {
    const many = Array.from({ length: 1_100 }, (_, at) => itemOf({ length: at }));
    const profile = profileOf({
      candidates: [{ source: 'top', signal: LIKE, measure: { measure: 'score' }, limit: 100 }],
    });
    const result = answer(queryOf({ profile, limit: 20 }), readersOf(worldOf({ items: many })));
    expect(result.hits).toHaveLength(20);
    expect(result.plan.some(({ detail }) => detail.startsWith('newest'))).toBe(true);
  });

  test('of everything are cut to the newest where there is too much, with a warning', () => {
    const many = Array.from({ length: 300 }, (_, at) => itemOf({ length: at, createdAt: 1_000 + at }));
    const result = answer(queryOf({ limit: 5 }), readersOf(worldOf({ items: many })), {
      ...LIMITS,
      candidates: 100,
    });
    expect(numbersOf(result)).toEqual([300, 299, 298, 297, 296]);
    expect(result.total).toBe(300);
    expect(result.warnings[0]).toContain('use a FILTER');
  });
});
