/**
 * How much each of somebody's items says of what goes with it when they are taken together: two that mostly come together say one
 * thing between them, not the same thing twice. With G what each pair has of people in common and n the people of each, weights w
 * become the x of
 *
 *     (G + diag(n) + λI) x = w
 *
 * and what comes with item c is the sum of x · G[·, c] over the items: a linear regression of everything on these items alone,
 * with a ridge. Over all items at once it would be EASE^R (Steck, "Embarrassingly Shallow Autoencoders for Sparse Data", 2019),
 * which has to be fitted again for every signal; over one person's few it is solved when it is asked for.
 *
 * Lists that are full forget what is light, so the matrix need not be a positive one: no pivot becomes less than a part of what
 * stands on the diagonal. Sums run in the order of the items.
 */
import type { Companions } from './companions.ts';

/** λ: people that each item is taken to have besides its own, who have nothing else. */
const RIDGE = 50;
/** Of what each of two lists has of the other: they have it once for the pair in the order it came in, and half of it reversed. */
const OF_EACH_LIST = 0.5;
const PIVOT_LEAST = 0.25;

export class Regression {
  readonly #matrix: Float64Array;
  readonly #pivots: Float64Array;

  /** `most`: items there may be. */
  constructor(most: number) {
    this.#matrix = new Float64Array(most * most);
    this.#pivots = new Float64Array(most);
  }

  /** Turns the weights of `count` different items into what each says. */
  solve(companions: Companions, items: Uint32Array, weights: Float64Array, count: number): void {
    this.#fill(companions, items, count);
    this.#factor(count);
    this.#substitute(weights, count);
  }

  /** Of what an item says when it is the only one. */
  static alone(companions: Companions, item: number): number {
    return 1 / (companions.people(item) + RIDGE);
  }

  /** The lower triangle, row by row. */
  #fill(companions: Companions, items: Uint32Array, count: number): void {
    const matrix = this.#matrix;
    for (let row = 0; row < count; row++) {
      for (let column = 0; column < row; column++) matrix[row * count + column] = 0;
      matrix[row * count + row] = companions.people(items[row]!) + RIDGE;
    }
    for (let row = 0; row < count; row++) {
      companions.open(items[row]!);
      for (let column = 0; column < count; column++) {
        const weight = OF_EACH_LIST * companions.weightOf(items[column]!);
        if (column < row) matrix[row * count + column]! += weight;
        else if (column > row) matrix[column * count + row]! += weight;
      }
    }
  }

  /** Into L · D · Lᵀ. */
  #factor(count: number): void {
    const matrix = this.#matrix;
    const pivots = this.#pivots;
    for (let column = 0; column < count; column++) {
      const diagonal = matrix[column * count + column]!;
      let pivot = diagonal;
      for (let k = 0; k < column; k++) {
        const factor = matrix[column * count + k]!;
        pivot -= factor * factor * pivots[k]!;
      }
      pivots[column] = Math.max(pivot, PIVOT_LEAST * diagonal);
      for (let row = column + 1; row < count; row++) {
        let rest = matrix[row * count + column]!;
        for (let k = 0; k < column; k++)
          rest -= matrix[row * count + k]! * matrix[column * count + k]! * pivots[k]!;
        matrix[row * count + column] = rest / pivots[column]!;
      }
    }
  }

  #substitute(weights: Float64Array, count: number): void {
    const matrix = this.#matrix;
    for (let row = 1; row < count; row++)
      for (let k = 0; k < row; k++) weights[row]! -= matrix[row * count + k]! * weights[k]!;
    for (let row = count - 1; row >= 0; row--) {
      weights[row]! /= this.#pivots[row]!;
      for (let k = row + 1; k < count; k++) weights[row]! -= matrix[k * count + row]! * weights[k]!;
    }
  }
}
