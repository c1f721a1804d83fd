/**
 * Weights in steps, so that sums of them are exact: as long as a sum is below 2^53 steps it does not depend on the order in
 * which it was made, nor on what was taken off it meanwhile.
 */

/** Steps to the usual weight: sums are exact up to eight million times it, and single weights to nine digits of it. */
const STEPS = 0x4000_0000;
/** Sizes that the usual weight is taken for at least and at most, far from where doubles end. */
const USUAL_MIN = 1e-90;
const USUAL_MAX = 1e90;

export class WeightSteps {
  /** A power of two. */
  readonly #step: number;

  /** `usual`: the size that weights have as a rule; 0 counts as 1. */
  constructor(usual: number) {
    const size = Math.abs(usual) || 1;
    this.#step = powerOfTwoBelow(Math.min(Math.max(size, USUAL_MIN), USUAL_MAX)) / STEPS;
  }

  /** What is too large to have a step of its own stays as it is. */
  rounded(weight: number): number {
    const steps = weight / this.#step;
    return Math.abs(steps) < Number.MAX_SAFE_INTEGER ? Math.round(steps) * this.#step : weight;
  }
}

/** The largest power of two that is not above `value`. */
function powerOfTwoBelow(value: number): number {
  let power = 1;
  while (power > value) power /= 2;
  while (power * 2 <= value) power *= 2;
  return power;
}
