import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { EntityNumber } from '../../../../../db/ranking/ground.ts';
import { decodeCursor, Retriever } from '../../../../../db/ranking/retrieve/index.ts';
import type { Contribution, Query, QueryResult } from '../../../../../db/ranking/retrieve/query.ts';
import { questions } from '../../support/arbitrary.ts';
import { answer, itemOf, LIMITS, numbersOf, profileOf, queryOf, worldOf } from '../../support/asking.ts';
import { CATEGORY, items, LENGTH, TITLE } from '../../support/example-schema.ts';
import { expected } from '../../support/reference.ts';
import { readersOf } from '../../support/world.ts';

const retriever = new Retriever();

function pages(query: Query, ask: (query: Query) => QueryResult): readonly QueryResult[] {
  const found = [ask(query)];
  for (let cursor = found[0]!.cursor; cursor !== null; cursor = found.at(-1)!.cursor) {
    found.push(ask({ ...query, cursor: decodeCursor(cursor) }));
    expect(found.length).toBeLessThan(200);
  }
  return found;
}

describe('a query', () => {
  test('finds what going through everything finds, in the same order with the same scores', () => {
    fc.assert(
      fc.property(questions, ({ world, query }) => {
        const readers = readersOf(world);
        const result = retriever.answer(query, readers, 1, LIMITS);
        const wanted = expected(query, readers);
        expect(numbersOf(result)).toEqual(wanted.numbers);
        expect(result.hits.map(({ score }) => score)).toEqual(wanted.scores);
      }),
      { numRuns: 200 },
    );
  });

  test('explains scores by contributions that add up to them, to the last bit', () => {
    fc.assert(
      fc.property(questions, ({ world, query }) => {
        const { hits } = retriever.answer(query, readersOf(world), 1, LIMITS);
        for (const { score, contributions } of hits) {
          expect(composed(contributions, query.profile.composition)).toBe(score);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('gives pages that leave nothing out and repeat nothing', () => {
    fc.assert(
      fc.property(questions, ({ world, query }) => {
        const readers = readersOf(world);
        const ask = (page: Query) => retriever.answer(page, readers, 1, LIMITS);
        const found = pages(query, ask).flatMap(numbersOf);
        expect(new Set(found).size).toBe(found.length);
        const everything = ask({ ...query, limit: 1_000, diversity: {} });
        expect([...found].sort()).toEqual([...numbersOf(everything)].sort());
        expect(found.length).toBe(everything.total);
      }),
      { numRuns: 60 },
    );
  });

  test('has the same answer each time it is asked', () => {
    fc.assert(
      fc.property(questions, ({ world, query }) => {
        const readers = readersOf(world);
        expect(answer(query, readers)).toEqual(answer(query, readers));
      }),
      { numRuns: 30 },
    );
  });
});

function composed(contributions: readonly Contribution[], composition: 'sum' | 'product'): number {
  return composition === 'product'
    ? contributions.reduce((product, { contribution }) => product * contribution, 1)
    : contributions.reduce((sum, { contribution }) => sum + contribution, 0);
}

const shelf = worldOf({
  items: [3, 9, 1, 7, 5].map((length, at) =>
    itemOf({
      length,
      title: `book ${at + 1}`,
      category: length > 4 ? 'long' : 'short',
      creator: 1 + (at % 2),
    }),
  ),
  creators: 2,
});
const readers = readersOf(shelf);

describe('an answer', () => {
  test('shows the attributes that were selected, computed ones too', () => {
    const select = items.attributes.filter(({ id }) => id === TITLE || id === CATEGORY || id === 5);
    const { hits } = answer(queryOf({ limit: 1, select }), readers);
    expect(hits[0]).toMatchObject({
      key: 'i2',
      creator: 'c2',
      score: 9,
      values: { title: 'book 2', category: 'long', engagement: 0 },
    });
  });

  test('says how it was found, stage by stage', () => {
    const filter = { test: 'compare', attribute: CATEGORY, operator: '=', value: 'long' } as const;
    const { plan, total } = answer(queryOf({ filter }), readers);
    expect(plan.map(({ stage }) => stage)).toEqual([
      'plan',
      'candidates',
      'conditions',
      'conditions',
      'conditions',
      'scoring',
      'arranging',
    ]);
    expect(plan[1]).toMatchObject({ detail: 'everything that passes', before: 3, after: 3 });
    expect(total).toBe(3);
  });

  test('has no plan and no contributions where nobody asked', () => {
    const { plan, hits } = answer(queryOf({ explain: false }), readers);
    expect(plan).toEqual([]);
    expect(hits[0]?.contributions).toEqual([]);
  });

  test('multiplies by boosts, and says so', () => {
    const predicate = { test: 'compare', attribute: LENGTH, operator: '=', value: 5 } as const;
    const profile = profileOf({ boosts: [{ predicate, factor: 2 }] });
    const { hits } = answer(queryOf({ profile }), readers);
    expect(hits.map(({ score }) => score)).toEqual([10, 9, 7, 3, 1]);
    expect(hits[0]?.contributions.at(-1)).toMatchObject({ stage: 'composition', weight: 2, contribution: 5 });
  });

  test('puts what is pinned where it is pinned, if it may be shown', () => {
    const pins = [
      { key: 'i3', place: 1 },
      { key: 'i1', place: 4 },
      { key: 'i9', place: 2 },
    ];
    const { hits } = answer(queryOf({ profile: profileOf({ pins }) }), readers);
    expect(hits.map(({ number }) => number)).toEqual([3, 2, 4, 1, 5]);
    expect(hits.map(({ placed }) => placed)).toEqual(['pinned', null, null, 'pinned', null]);
    const excluded = answer(queryOf({ profile: profileOf({ pins }), exclude: [3 as EntityNumber] }), readers);
    expect(numbersOf(excluded)).toEqual([2, 4, 5, 1]);
  });

  test('moves what is pinned behind the end up to it', () => {
    const { hits } = answer(queryOf({ profile: profileOf({ pins: [{ key: 'i2', place: 50 }] }) }), readers);
    expect(hits.map(({ number }) => number)).toEqual([4, 5, 1, 3, 2]);
  });

  test('warns when a cursor is of another position', () => {
    const { warnings } = answer(
      queryOf({ cursor: { position: 7, now: queryOf().now, seed: 7, offset: 0 } }),
      readers,
    );
    expect(warnings[0]).toContain('position 7');
  });
});

describe('a query that takes too long', () => {
  test('is stopped at its deadline, and the error says in which stage and what would help', () => {
    let now = 0;
    const limits = { ...LIMITS, deadlineMicros: 5, clock: () => now++ };
    expect(() => answer(queryOf(), readers, limits)).toThrowError(
      expect.objectContaining({ code: 'TIMEOUT', message: expect.stringContaining('to narrow it') }),
    );
  });

  test('is stopped when its steps are used up, wherever that is', () => {
    const stages = new Set<unknown>();
    for (let steps = 0; steps < 60; steps++) {
      try {
        answer(queryOf({ within: [{ clause: 'search', text: 'book', limit: 3 }] }), readers, {
          ...LIMITS,
          steps,
        });
      } catch (error) {
        expect(error).toMatchObject({ code: 'TIMEOUT' });
        stages.add((error as { details: { stage: string } }).details.stage);
      }
    }
    expect([...stages]).toEqual(expect.arrayContaining(['within', 'conditions', 'scoring']));
  });

  test('leaves the retriever as good as new', () => {
    const one = new Retriever();
    expect(() => one.answer(queryOf(), readers, 1, { ...LIMITS, steps: 3 })).toThrow();
    expect(numbersOf(one.answer(queryOf(), readers, 1, LIMITS))).toEqual([2, 4, 5, 1, 3]);
  });
});
