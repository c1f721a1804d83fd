import { describe, expect, test } from 'vitest';
import { bucketOf } from '../../../../db/ranking/evaluate/bucket.ts';
import { ExperimentTally } from '../../../../db/ranking/evaluate/experiment.ts';
import { experimentLines } from '../../../../db/ranking/evaluate/experiment-report.ts';
import {
  type EntityNumber,
  type KindId,
  MICROS_PER_DAY,
  type Micros,
} from '../../../../db/ranking/ground.ts';

const ITEM = 1 as KindId;

function shown(arm: string, user: number, items: readonly number[], at = 0, experiment = 'rows') {
  return {
    ...({ entry: 'exposure', experiment, arm, kind: ITEM, at: at as Micros } as const),
    user: user as EntityNumber,
    items: items as readonly EntityNumber[],
  };
}

function event(user: number, target: number, at: number) {
  return { user: user as EntityNumber, target: target as EntityNumber, at: at as Micros };
}

describe('an experiment', () => {
  test('counts what its users go for of what they were shown, once, within a day', () => {
    const tally = new ExperimentTally('rows');
    tally.exposure(shown('old', 1, [1, 2, 3]));
    tally.exposure(shown('new', 2, [1, 2]));
    tally.exposure(shown('new', 3, [4, 5], MICROS_PER_DAY));
    tally.exposure(shown('other', 9, [1], 0, 'another'));
    tally.went(ITEM, event(1, 1, 5));
    tally.went(ITEM, event(1, 1, 6));
    tally.went(ITEM, event(1, 9, 6));
    tally.went(2, event(2, 1, 7));
    tally.went(ITEM, event(2, 2, MICROS_PER_DAY - 1));
    tally.went(ITEM, event(2, 1, MICROS_PER_DAY));
    tally.went(ITEM, event(3, 4, MICROS_PER_DAY - 1));
    tally.went(ITEM, event(3, 5, MICROS_PER_DAY + 1));
    const { arms, others } = tally.report({ position: 9, complete: true });
    expect(others).toEqual(['another']);
    expect(
      arms.map(({ arm, users, exposures, shown: items, went }) => [arm, users, exposures, items, went]),
    ).toEqual([
      ['old', 1, 1, 3, 1],
      ['new', 2, 2, 4, 2],
    ]);
    expect(arms[0]!.lift).toBe(null);
    expect(arms[1]!.lift!.lift).toBeCloseTo(0.5, 12);
  });

  test('its interval is that of users drawn independently, and holds the true rate', () => {
    const tally = new ExperimentTally('rows');
    for (let user = 1; user <= 400; user++) {
      tally.exposure(shown('old', user, [1, 2, 3, 4]));
      if (user % 5 === 0) for (const item of [1, 2, 3, 4]) tally.went(ITEM, event(user, item, 1));
    }
    const [{ rate, interval }] = tally.report({ position: 1, complete: true }).arms as never as [
      { rate: number; interval: [number, number] },
    ];
    expect(rate).toBeCloseTo(0.2, 12);
    expect(interval[1] - rate).toBeCloseTo(1.96 * Math.sqrt((0.2 * 0.8) / 399), 6);
    expect(rate - interval[0]).toBeCloseTo(interval[1] - rate, 12);
  });

  test('says who was in several arms', () => {
    const tally = new ExperimentTally('rows');
    tally.exposure(shown('old', 1, [1]));
    tally.exposure(shown('new', 1, [1]));
    const lines = [...experimentLines(tally.report({ position: 3, complete: true }))];
    expect(lines.at(-1)).toContain('1 users were in several arms');
  });
});

describe('buckets', () => {
  test('are the same for ever', () => {
    expect(['ann', 'bob', 'żółw'].map((key) => bucketOf(key, 'rows'))).toEqual(BUCKETS);
  });

  test('are even, and one experiment says nothing about another', () => {
    const users = Array.from({ length: 4000 }, (_, at) => `user-${at}`);
    const low = users.filter((user) => bucketOf(user, 'rows') < 5000);
    expect(Math.abs(low.length - 2000)).toBeLessThan(160);
    const both = low.filter((user) => bucketOf(user, 'columns') < 5000);
    expect(Math.abs(both.length - low.length / 2)).toBeLessThan(120);
    expect(users.every((user) => bucketOf(user, 'rows') >= 0 && bucketOf(user, 'rows') < 10_000)).toBe(true);
  });
});

/** xxHash64 of "rows\\0ann" and so on, modulo 10,000. */
const BUCKETS = [4876, 7134, 6020];
