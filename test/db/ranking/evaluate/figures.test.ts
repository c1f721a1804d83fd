import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bootstrapInterval } from '../../../../db/ranking/evaluate/bootstrap.ts';
import { DayTally } from '../../../../db/ranking/evaluate/day-tally.ts';
import { differencesOf, figuresOf } from '../../../../db/ranking/evaluate/figures.ts';
import { discountedGain } from '../../../../db/ranking/evaluate/metrics.ts';
import { MomentSample } from '../../../../db/ranking/evaluate/moment-sample.ts';
import { Tally } from '../../../../db/ranking/evaluate/tally.ts';
import { MICROS_PER_DAY, type Micros } from '../../../../db/ranking/ground.ts';

const moment = fc.record({
  user: fc.integer({ min: 1, max: 5 }),
  target: fc.integer({ min: 1, max: 30 }),
  young: fc.boolean(),
  lists: fc.tuple(list(), list()),
});

function list() {
  return fc.uniqueArray(fc.integer({ min: 1, max: 30 }), { maxLength: 20 });
}

type Moment = typeof moment extends fc.Arbitrary<infer Value> ? Value : never;

function tallyOf(moments: readonly Moment[]): Tally {
  const tally = new Tally(['a', 'b']);
  for (const { user, target, young, lists } of moments) {
    const recommended = lists.map((items) => ({ items, variety: new Map([['genre', items.length / 20]]) }));
    tally.moment(user, target, young ? ['young'] : [], recommended);
  }
  return tally;
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

describe('figures', () => {
  test('are what the definitions say, by ranker and by cohort', () => {
    fc.assert(
      fc.property(fc.array(moment, { maxLength: 40 }), (moments) => {
        const figures = figuresOf(tallyOf(moments), 30);
        for (const ranker of [0, 1] as const) {
          const { metrics, recall, coverage, cohorts } = figures[ranker]!;
          const places = moments.map(({ lists, target }) => lists[ranker].indexOf(target) + 1);
          const hits = (k: number) => mean(places.map((place) => (place > 0 && place <= k ? 1 : 0)));
          expect(metrics['HR@1']).toBeCloseTo(hits(1), 12);
          expect(metrics['HR@10']).toBeCloseTo(hits(10), 12);
          expect(metrics['HR@20']).toBeCloseTo(hits(20), 12);
          expect(metrics.MRR).toBeCloseTo(mean(places.map((place) => (place > 0 ? 1 / place : 0))), 12);
          const gains = places.map((place) => (place > 0 && place <= 10 ? 1 / Math.log2(place + 1) : 0));
          expect(metrics['NDCG@10']).toBeCloseTo(mean(gains), 12);
          const users = [...new Set(moments.map(({ user }) => user))];
          const shares = users.map((each) =>
            mean(moments.flatMap(({ user }, at) => (user === each ? [places[at]! > 0 ? 1 : 0] : []))),
          );
          expect(recall).toBeCloseTo(mean(shares), 12);
          expect(coverage).toBeCloseTo(new Set(moments.flatMap(({ lists }) => lists[ranker])).size / 30, 12);
          const young = places.filter((_, at) => moments[at]!.young);
          expect(cohorts.map(({ moments: count }) => count)).toEqual(
            young.length === 0 ? [] : [young.length],
          );
          if (young.length > 0)
            expect(cohorts[0]!.metrics['HR@20']).toBeCloseTo(mean(young.map((p) => (p > 0 ? 1 : 0))), 12);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('many moments are kept past the first columns', () => {
    const tally = new Tally(['only']);
    for (let at = 0; at < 3000; at++) tally.moment(at % 7, at % 2, [], [{ items: [1], variety: new Map() }]);
    expect(figuresOf(tally, 1)[0]!.metrics['HR@1']).toBe(0.5);
    expect(tally.users.length).toBe(3000);
  });
});

describe('the interval of a difference', () => {
  const users = Uint32Array.from({ length: 400 }, (_, at) => at);
  const differences = Float64Array.from(users, (at) => (at % 4 === 0 ? 1 : 0));

  test('holds the mean, is the same each time, and is about two standard errors to each side', () => {
    const interval = bootstrapInterval(differences, users, 1);
    expect(interval).toEqual(bootstrapInterval(differences, users, 1));
    expect(interval.difference).toBe(0.25);
    const half = 1.96 * Math.sqrt((0.25 * 0.75) / 400);
    expect(interval.low).toBeGreaterThan(0.25 - 1.3 * half);
    expect(interval.low).toBeLessThan(0.25 - 0.7 * half);
    expect(interval.high).toBeGreaterThan(0.25 + 0.7 * half);
    expect(interval.high).toBeLessThan(0.25 + 1.3 * half);
  });

  test('is wider where a few users have all the moments', () => {
    const few = users.map((at) => at % 4);
    const wide = bootstrapInterval(differences, few, 1);
    const narrow = bootstrapInterval(differences, users, 1);
    expect(wide.high - wide.low).toBeGreaterThan(2 * (narrow.high - narrow.low));
  });

  test('is of the first ranker against the others, in three metrics', () => {
    const tally = new Tally(['a', 'b']);
    const variety = new Map();
    tally.moment(
      1,
      5,
      [],
      [
        { items: [5], variety },
        { items: [6, 5], variety },
      ],
    );
    expect(differencesOf(tally, 1)).toEqual([
      { ranker: 'a', against: 'b', metric: 'HR@10', difference: 0, low: 0, high: 0 },
      expect.objectContaining({ metric: 'NDCG@10', difference: expect.closeTo(1 - 1 / Math.log2(3), 12) }),
      { ranker: 'a', against: 'b', metric: 'MRR', difference: 0.5, low: 0.5, high: 0.5 },
    ]);
  });
});

describe('a sample of moments', () => {
  function chosenOf(wanted: number | null, count: number): number[] {
    const sample = new MomentSample(wanted);
    for (let at = 0; at < count; at++) sample.offer(10 + Math.floor(at / 100), at % 100, at);
    expect(sample.offered).toBe(count);
    return [...sample.chosen()];
  }

  test('has as many as were wanted, spread evenly, and a smaller one is part of it', () => {
    const [large, small] = [chosenOf(1000, 20_000), chosenOf(200, 20_000)];
    expect([large.length, small.length]).toEqual([1000, 200]);
    expect(small.filter((each) => !large.includes(each))).toEqual([]);
    const firstHalf = large.filter((each) => each < 10_000).length;
    expect(firstHalf).toBeGreaterThan(430);
    expect(firstHalf).toBeLessThan(570);
    expect(large).toEqual([...large].sort((a, b) => a - b));
  });

  test('is everything where less is there than was wanted, or nothing was said', () => {
    expect(chosenOf(50, 20)).toEqual(Array.from({ length: 20 }, (_, at) => at));
    expect(chosenOf(null, 20)).toEqual(Array.from({ length: 20 }, (_, at) => at));
  });
});

describe('lists of a day', () => {
  const at = (days: number) => (days * MICROS_PER_DAY) as Micros;

  test('the gain is how often each was gone for on the day, against the best order', () => {
    expect(discountedGain([3, 2, 1], [1, 2, 3])).toBe(1);
    const ideal = 3 + 2 / Math.log2(3) + 1 / 2;
    expect(discountedGain([1, 0, 3], [3, 2, 1])).toBeCloseTo((1 + 3 / 2) / ideal, 12);
    expect(discountedGain([1], [])).toBe(0);
  });

  test('the first day is not asked about, nor one on which nothing happened', () => {
    const days = new DayTally(['a']);
    expect(days.isDue(at(10.2))).toBe(false);
    expect(days.isDue(at(10.9))).toBe(false);
    expect(days.isDue(at(11.1))).toBe(true);
    expect(days.startOf(at(11.1))).toBe(at(11));
    days.begin(at(11.1), [[7, 8]]);
    days.went(8, at(11.1));
    days.went(8, at(11.5));
    days.went(9, at(10.5));
    days.begin(at(14), [[8]]);
    days.finish();
    expect(days.days).toBe(1);
    expect(days.means()[0]).toBeCloseTo(1 / Math.log2(3), 12);
  });
});
