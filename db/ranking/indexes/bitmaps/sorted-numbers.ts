import type { NumberSet } from '../../reading.ts';
import { firstAtLeast } from './sorted.ts';

/** A set of numbers as an ascending array: for few of them, and for those that are only gone through. */
export class SortedNumbers implements NumberSet {
  readonly #numbers: Uint32Array;

  /** Ascending, without doubles; not changed afterwards. */
  constructor(numbers: Uint32Array) {
    this.#numbers = numbers;
  }

  /** In any order, with doubles or without. */
  static of(numbers: Iterable<number>): SortedNumbers {
    const sorted = Uint32Array.from(numbers).sort();
    let size = 0;
    for (let at = 0; at < sorted.length; at++)
      if (at === 0 || sorted[at] !== sorted[at - 1]) sorted[size++] = sorted[at]!;
    return new SortedNumbers(sorted.subarray(0, size));
  }

  get size(): number {
    return this.#numbers.length;
  }

  has(number: number): boolean {
    const at = firstAtLeast(this.#numbers, 0, this.#numbers.length, number);
    return this.#numbers[at] === number;
  }

  [Symbol.iterator](): Iterator<number> {
    return this.#numbers.values();
  }

  /** The very array it was made of: not to be changed. */
  toArray(): Uint32Array {
    return this.#numbers;
  }
}
