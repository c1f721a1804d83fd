import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Budget } from '../../../../../db/ranking/retrieve/execute/budget.ts';
import { type Arrangement, arrange } from '../../../../../db/ranking/retrieve/score/arrange.ts';
import { bestOf, Ranked } from '../../../../../db/ranking/retrieve/score/ranked.ts';
import { LIMITS } from '../../support/asking.ts';

function arranged(more: Partial<Arrangement> & { readonly scores: Float64Array }) {
  const count = more.scores.length;
  const arrangement: Arrangement = {
    ids: Uint32Array.from({ length: count }, (_, at) => at + 1),
    count,
    fitting: null,
    pins: new Map(),
    exploration: null,
    limit: 10,
    offset: 0,
    ...more,
  };
  return arrange(arrangement, new Budget(LIMITS));
}

describe('a ranking', () => {
  test('is the same as sorting, ties by number', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -3, max: 3 }), { maxLength: 60 }), (values) => {
        const scores = Float64Array.from(values);
        const ids = Uint32Array.from(values, (_, at) => 100 - at);
        const ranked = new Ranked(
          ids,
          scores,
          Uint32Array.from(values, (_, at) => at),
        );
        const places = values.map(() => ranked.next());
        const sorted = values
          .map((value, at) => ({ value, at }))
          .sort((one, other) => other.value - one.value || ids[one.at]! - ids[other.at]!);
        expect(places).toEqual(sorted.map(({ at }) => at));
        expect(ranked.next()).toBe(-1);
      }),
    );
  });

  test('can be asked for its best, those of 0 and less left out', () => {
    expect(bestOf(Uint32Array.of(5, 6, 7, 8), Float64Array.of(1, 0, 3, -1), 4, 9)).toEqual(
      Uint32Array.of(7, 5),
    );
  });
});

describe('an arrangement', () => {
  test('keeps one place in so many for something new', () => {
    const scores = Float64Array.from({ length: 20 }, (_, at) => 20 - at);
    const { hits } = arranged({ scores, exploration: { share: 0.25, candidates: [19, 18, 0] }, limit: 12 });
    expect(hits.map(({ at }) => at)).toEqual([0, 1, 2, 19, 3, 4, 5, 18, 6, 7, 8, 9]);
    expect(hits.filter(({ placed }) => placed === 'explored').map(({ at }) => at)).toEqual([19, 18]);
  });

  test('explores the same however long its pages are', () => {
    const scores = Float64Array.from({ length: 40 }, (_, at) => 40 - at);
    const exploration = { share: 0.1, candidates: [39, 38, 37, 36, 35] };
    const whole = arranged({ scores, exploration, limit: 40 }).hits;
    const parts = [0, 8, 16, 24, 32].flatMap(
      (offset) => arranged({ scores, exploration, limit: 8, offset }).hits,
    );
    expect(parts).toEqual(whole);
  });

  test('lets what does not fit into a page wait for the next', () => {
    const fitting = () => {
      let odd = 0;
      return {
        fits: (id: number) => (id % 2 === 1 && odd >= 1 ? ('never' as const) : ('well' as const)),
        add: (id: number) => {
          odd += id % 2;
        },
      };
    };
    const scores = Float64Array.of(9, 8, 7, 6, 5);
    const first = arranged({ scores, fitting, limit: 3 });
    expect(first.hits.map(({ at }) => at)).toEqual([0, 1, 3]);
    expect(first.more).toBe(true);
    const second = arranged({ scores, fitting, limit: 3, offset: 3 });
    expect(second).toMatchObject({ start: 3, more: true });
    expect(second.hits.map(({ at }) => at)).toEqual([2]);
    const third = arranged({ scores, fitting, limit: 3, offset: 4 });
    expect(third.hits.map(({ at }) => at)).toEqual([4]);
    expect(third.more).toBe(false);
  });
});
