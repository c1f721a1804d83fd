/**
 * Sets out of two others, whatever they are made of: bitmaps are combined as bitmaps; else the smaller is gone through. What
 * comes out may be one of the two.
 */
import type { NumberSet } from '../../reading.ts';
import { Bitmap } from './bitmap.ts';
import { common, merged } from './sorted.ts';
import { SortedNumbers } from './sorted-numbers.ts';

export const NO_NUMBERS: NumberSet = new SortedNumbers(new Uint32Array(0));

/** Below this share of a bitmap, members of another set are taken from a copy one by one. */
const FEW_OF_MANY = 1 / 64;

export function intersect(a: NumberSet, b: NumberSet): NumberSet {
  if (a.size > b.size) return intersect(b, a);
  if (a.size === 0) return NO_NUMBERS;
  if (a instanceof Bitmap && b instanceof Bitmap) return a.and(b);
  const numbers = a.toArray();
  if (a instanceof SortedNumbers && b instanceof SortedNumbers) {
    const both = new Uint32Array(numbers.length);
    const size = common(numbers, numbers.length, b.toArray(), b.size, both);
    return new SortedNumbers(both.subarray(0, size));
  }
  return new SortedNumbers(numbers.filter((number) => b.has(number)));
}

/** How many two have in common. */
export function intersectionSize(a: NumberSet, b: NumberSet): number {
  if (a.size > b.size) return intersectionSize(b, a);
  if (a instanceof Bitmap && b instanceof Bitmap) return a.andSize(b);
  let size = 0;
  for (const number of a.toArray()) if (b.has(number)) size += 1;
  return size;
}

export function unite(a: NumberSet, b: NumberSet): NumberSet {
  if (a.size < b.size) return unite(b, a);
  if (b.size === 0) return a;
  if (a instanceof Bitmap && b instanceof Bitmap) return a.or(b);
  if (a instanceof Bitmap) {
    const all = a.clone();
    for (const number of b.toArray()) all.add(number);
    return all;
  }
  const [left, right] = [a.toArray(), b.toArray()];
  const all = new Uint32Array(left.length + right.length);
  return new SortedNumbers(all.subarray(0, merged(left, left.length, right, right.length, all)));
}

/** What `a` has and `b` does not. */
export function without(a: NumberSet, b: NumberSet): NumberSet {
  if (a.size === 0 || b.size === 0) return a;
  if (a instanceof Bitmap && b instanceof Bitmap) return a.andNot(b);
  if (a instanceof Bitmap && b.size < a.size * FEW_OF_MANY) {
    const rest = a.clone();
    for (const number of b.toArray()) rest.remove(number);
    return rest;
  }
  return new SortedNumbers(a.toArray().filter((number) => !b.has(number)));
}
