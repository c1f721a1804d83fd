import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  Bitmap,
  intersect,
  intersectionSize,
  NO_NUMBERS,
  SortedNumbers,
  unite,
  without,
} from '../../../../../db/ranking/indexes/bitmaps/index.ts';
import type { NumberSet } from '../../../../../db/ranking/reading.ts';
import { members, sorted } from './members.ts';

const forms = fc.constantFrom(
  (numbers: readonly number[]): NumberSet => Bitmap.fromSorted(sorted(numbers)),
  (numbers: readonly number[]): NumberSet => Bitmap.of(numbers),
  (numbers: readonly number[]): NumberSet => SortedNumbers.of(numbers),
);

describe('sets of numbers', () => {
  test('are combined alike, whatever they are made of', () => {
    fc.assert(
      fc.property(members, members, forms, forms, (left, right, one, other) => {
        const [a, b] = [one(left), other(right)];
        const theirs = new Set(right);
        const both = sorted(left.filter((number) => theirs.has(number)));
        expectSet(intersect(a, b), both);
        expectSet(unite(a, b), sorted([...left, ...right]));
        expectSet(without(a, b), sorted(left.filter((number) => !theirs.has(number))));
        expect(intersectionSize(a, b)).toBe(both.length);
        expectSet(a, sorted(left));
        expectSet(b, sorted(right));
      }),
      { numRuns: 30 },
    );
  });

  test('are empty where there is nothing', () => {
    expect([NO_NUMBERS.size, [...NO_NUMBERS], NO_NUMBERS.has(0)]).toEqual([0, [], false]);
    expect(intersect(NO_NUMBERS, Bitmap.of([1])).size).toBe(0);
  });
});

function expectSet(set: NumberSet, numbers: Uint32Array): void {
  expect(set.size).toBe(numbers.length);
  expect(set.toArray()).toEqual(numbers);
  expect(Uint32Array.from(set)).toEqual(numbers);
  for (const number of numbers.subarray(0, 20)) expect(set.has(number)).toBe(true);
  const has = new Set(numbers);
  for (let number = 0; number < 50; number++) expect(set.has(number)).toBe(has.has(number));
}
