import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LinearAutoencoder } from '../../../../db/ranking/evaluate/linear-autoencoder.ts';

const RIDGE = 200;

const histories = fc
  .array(fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { maxLength: 9 }), { minLength: 1, maxLength: 60 })
  .map((lists) => new Map(lists.map((items, at) => [at + 1, items] as const)));

/**
 * Ridge regression of one item on all others, of which the closed form is the solution: (XᵀX + λI) of the others times what each
 * says is what they have in common with it.
 */
function regressed(
  of: number,
  itemsOf: ReadonlyMap<number, readonly number[]>,
  items: readonly number[],
): Map<number, number> {
  const others = items.filter((item) => item !== of);
  const together = (one: number, other: number): number =>
    [...itemsOf.values()].filter((taken) => taken.includes(one) && taken.includes(other)).length;
  const rows = others.map((one) => [
    ...others.map((other) => together(one, other) + (one === other ? RIDGE : 0)),
    together(one, of),
  ]);
  rows.forEach((row, at) => {
    const scale = row[at]!;
    for (let column = 0; column < row.length; column++) row[column]! /= scale;
    for (const other of rows) {
      const times = other === row ? 0 : other[at]!;
      for (let column = 0; column < row.length; column++) other[column]! -= times * row[column]!;
    }
  });
  return new Map(others.map((other, at) => [other, rows[at]!.at(-1)!]));
}

test('is a ridge regression of each item on all others', () => {
  fc.assert(
    fc.property(histories, (itemsOf) => {
      const items = [...new Set([...itemsOf.values()].flat())];
      const scores = new LinearAutoencoder(itemsOf).scores(1, 1);
      expect(new Set(scores.keys())).toEqual(new Set(items));
      for (const item of items) {
        const says = regressed(item, itemsOf, items);
        const sum = itemsOf.get(1)!.reduce((total, taken) => total + (says.get(taken) ?? 0), 0);
        expect(scores.get(item)).toBeCloseTo(sum, 9);
      }
    }),
    { numRuns: 50 },
  );
});

test('has the items that most people took, and learns when a quarter more has happened', () => {
  const itemsOf = new Map<number, number[]>([
    [1, [1, 2]],
    [2, [1, 2]],
    [3, [2, 3]],
  ]);
  const autoencoder = new LinearAutoencoder(itemsOf, 2);
  expect([...autoencoder.scores(1, 100).keys()]).toEqual([2, 1]);
  itemsOf.set(4, [3]).set(5, [3]).set(6, [3]);
  expect([...autoencoder.scores(1, 124).keys()]).toEqual([2, 1]);
  expect([...autoencoder.scores(1, 125).keys()]).toEqual([3, 2]);
});
