import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Baselines } from '../../../../db/ranking/evaluate/baselines.ts';
import { MICROS_PER_DAY, type Micros } from '../../../../db/ranking/ground.ts';

interface Went {
  readonly user: number;
  readonly item: number;
  readonly at: number;
}

const history = fc
  .array(
    fc.record({
      user: fc.integer({ min: 1, max: 6 }),
      item: fc.integer({ min: 1, max: 40 }),
      hours: fc.integer({ min: 0, max: 9 }),
    }),
    { maxLength: 120 },
  )
  .map((events) => {
    let hours = 0;
    return events.map(({ user, item, hours: step }): Went => {
      hours += step;
      return { user, item, at: (hours * MICROS_PER_DAY) / 24 };
    });
  });

test('popularity and neighbours are what a plain look over all of the past gives', () => {
  fc.assert(
    fc.property(history, (events) => {
      const baselines = new Baselines('users');
      for (const { user, item, at } of events) {
        baselines.saw(user, item);
        baselines.went(user, item, at as Micros);
      }
      const now = ((events.at(-1)?.at ?? 0) + MICROS_PER_DAY / 3) as Micros;
      const [count, faded, lately, neighbours] = baselines.lists(1, now);
      expect(count).toEqual(best(events, () => 1));
      const fading = best(events, ({ at }) => 2 ** (-(now - at) / MICROS_PER_DAY));
      expect(faded!.length).toBe(fading.length);
      expect(lately).toEqual(best(events, ({ at }) => (at > now - MICROS_PER_DAY ? 1 : 0)));
      expect(new Set(neighbours)).toEqual(new Set(plainNeighbours(events, 1).slice(0, 20)));
    }),
    { numRuns: 60 },
  );
});

test('what fades is in the order of what is left of it', () => {
  const baselines = new Baselines('nobody');
  baselines.went(1, 1, 0 as Micros);
  baselines.went(2, 1, 0 as Micros);
  baselines.went(3, 2, (2 * MICROS_PER_DAY) as Micros);
  expect(baselines.lists(0, (2 * MICROS_PER_DAY) as Micros)).toEqual([[1, 2], [2, 1], [2]]);
  expect(baselines.names.length).toBe(3);
});

function best(events: readonly Went[], worth: (event: Went) => number): number[] {
  const seen = new Set(events.filter(({ user }) => user === 1).map(({ item }) => item));
  const sums = new Map<number, number>();
  for (const event of events) sums.set(event.item, (sums.get(event.item) ?? 0) + worth(event));
  return [...sums]
    .filter(([item, sum]) => sum > 0 && !seen.has(item))
    .sort(([item, sum], [other, than]) => than - sum || item - other)
    .slice(0, 20)
    .map(([item]) => item);
}

/** All of them: 40 items and few people are within every bound. */
function plainNeighbours(events: readonly Went[], user: number): number[] {
  const count = (item: number) => events.filter((each) => each.item === item).length;
  const own = events.filter((each) => each.user === user).map(({ item }) => item);
  const sums = new Map<number, number>();
  for (const item of own.slice(-10))
    for (const { user: other } of events.filter((each) => each.item === item && each.user !== user))
      for (const { item: theirs } of events.filter((each) => each.user === other)) {
        if (theirs === item || own.includes(theirs)) continue;
        sums.set(theirs, (sums.get(theirs) ?? 0) + 1 / Math.sqrt(count(item) * count(theirs)));
      }
  return [...sums].sort(([item, sum], [other, than]) => than - sum || item - other).map(([item]) => item);
}
