/** Numbers that look random and are the same in every run. */

const MULBERRY_STEP = 0x6d2b79f5;
const TWO_TO_32 = 0x1_0000_0000;

export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** At least 0, below 1. */
  next(): number {
    this.#state = (this.#state + MULBERRY_STEP) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / TWO_TO_32;
  }

  /** A whole number from 0, below `end`. */
  below(end: number): number {
    return Math.floor(this.next() * end);
  }

  /** Of the normal distribution around 0 with variance 1. */
  normal(): number {
    // 1 less it is never 0, which has no logarithm.
    const radius = Math.sqrt(-2 * Math.log(1 - this.next()));
    return radius * Math.cos(2 * Math.PI * this.next());
  }
}

/** Draws ranks from 0: rank r with a probability in proportion to 1 / (r + 1)^exponent. */
export class Zipf {
  /** Of all ranks up to the one at the index, as shares of all. */
  readonly #cumulative: Float64Array;

  constructor(count: number, exponent: number) {
    const cumulative = new Float64Array(count);
    let sum = 0;
    for (let rank = 0; rank < count; rank++) {
      sum += (rank + 1) ** -exponent;
      cumulative[rank] = sum;
    }
    for (let rank = 0; rank < count; rank++) cumulative[rank]! /= sum;
    this.#cumulative = cumulative;
  }

  draw(random: Random): number {
    const wanted = random.next();
    let [low, high] = [0, this.#cumulative.length - 1];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#cumulative[middle]! > wanted) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
