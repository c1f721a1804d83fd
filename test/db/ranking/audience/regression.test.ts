/** What somebody's items say together, against elimination over a full matrix. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Companions } from '../../../../db/ranking/audience/companions.ts';
import { RecentItems } from '../../../../db/ranking/audience/recent-items.ts';
import { Regression } from '../../../../db/ranking/audience/regression.ts';

interface TakenUp {
  readonly user: number;
  readonly item: number;
}

const takenUp = fc.record({ user: fc.integer({ min: 1, max: 8 }), item: fc.integer({ min: 1, max: 12 }) });

function companionsOf(events: readonly TakenUp[]): Companions {
  const mark = { sequence: 1 };
  const recent = new RecentItems(32, mark);
  const companions = new Companions(mark);
  for (const [index, { user, item }] of events.entries()) {
    const place = recent.add(user, item, index * 16, 15);
    if (place >= 0) companions.adopt(item, recent, place);
  }
  return companions;
}

function solved(companions: Companions, items: readonly number[], weights: readonly number[]): number[] {
  const said = Float64Array.from(weights);
  new Regression(32).solve(companions, Uint32Array.from(items), said, items.length);
  return [...said];
}

/** Sums of each row times the solution, of a matrix that is written out. */
function products(companions: Companions, items: readonly number[], solution: readonly number[]): number[] {
  const shared = (of: number, other: number): number => {
    companions.open(of);
    return companions.weightOf(other);
  };
  return items.map((row) =>
    items.reduce((sum, column, at) => {
      const both = row === column ? 0 : (shared(row, column) + shared(column, row)) / 2;
      const own = row === column ? companions.people(row) + 50 : 0;
      return sum + (both + own) * solution[at]!;
    }, 0),
  );
}

test('is the solution of what the items have in common, with a ridge', () => {
  fc.assert(
    fc.property(
      fc.array(takenUp, { maxLength: 200 }),
      fc.uniqueArray(fc.integer({ min: 1, max: 14 }), { maxLength: 12 }),
      (events, items) => {
        const companions = companionsOf(events);
        const weights = items.map((_, at) => 1 / (at + 1));
        const back = products(companions, items, solved(companions, items, weights));
        for (const [at, weight] of weights.entries()) expect(back[at]).toBeCloseTo(weight, 9);
      },
    ),
  );
});

test('one item alone says as much as its people allow', () => {
  const companions = companionsOf([1, 2, 3].map((user) => ({ user, item: 7 })));
  expect(solved(companions, [7], [1])).toEqual([Regression.alone(companions, 7)]);
});

test('two that always come together say less each than two that never do', () => {
  const users = Array.from({ length: 200 }, (_, at) => at + 1);
  const companions = companionsOf([
    ...users.flatMap((user) => [1, 2].map((item) => ({ user, item }))),
    ...users.flatMap((user) => [{ user: user + 200 * (user % 2), item: 3 + (user % 2) }]),
  ]);
  const [one, other] = solved(companions, [1, 2], [1, 1]);
  expect(one! + other!).toBeLessThan(1.6 * Regression.alone(companions, 1));
  expect(one! + other!).toBeGreaterThan(Regression.alone(companions, 1));
});

test('stays finite where full lists have forgotten what would make the matrix a positive one', () => {
  // Everybody goes through the same circle of items, so each list has its neighbours in it and nothing of those further away.
  const events = Array.from({ length: 8_000 }, (_, at) => ({
    user: 1 + Math.floor(at / 12),
    item: 1 + ((at + Math.floor(at / 12)) % 12),
  }));
  const companions = companionsOf(events);
  const items = Array.from({ length: 12 }, (_, at) => at + 1);
  for (const value of solved(companions, items, new Array(12).fill(1)))
    expect(Number.isFinite(value)).toBe(true);
});
