/**
 * EASE^R (Steck, "Embarrassingly Shallow Autoencoders for Sparse Data", 2019): of everything that people took, a linear regression
 * of each item on all others, with a ridge, in closed form. With X who took what and P = (XᵀX + λI)⁻¹, what an item says of another
 * is -P[item, other] / P[other, other], and a user's list has the largest sums over all of her items.
 *
 * The inverse takes the cube of the items, so it is of those taken most often, and made again only when so much more has happened
 * that it matters; in between, users have all of their items, and weights are those of the last time. It always knows only what
 * was before.
 */

/** Items it is made of. */
export const AUTOENCODER_ITEMS = 1_000;
const RIDGE = 200;
/** It is made again when there is this much more than the last time. */
const GROWTH = 1.25;

export class LinearAutoencoder {
  readonly #itemsOf: ReadonlyMap<number, readonly number[]>;
  readonly #itemsMax: number;
  /** Places of items in the matrix, and the other way round. */
  #places = new Map<number, number>();
  #items: readonly number[] = [];
  #inverse: Float64Array = new Float64Array(0);
  #madeFrom = 0;

  /** `itemsOf`: what each user took, which others go on to fill. */
  constructor(itemsOf: ReadonlyMap<number, readonly number[]>, itemsMax = AUTOENCODER_ITEMS) {
    this.#itemsOf = itemsOf;
    this.#itemsMax = itemsMax;
  }

  /** Sums for each item that is known, by what a user took. `happened`: how much has been taken by everybody. */
  scores(user: number, happened: number): ReadonlyMap<number, number> {
    if (happened >= Math.max(1, this.#madeFrom * GROWTH)) this.#make(happened);
    const inverse = this.#inverse;
    const count = this.#items.length;
    const sums = new Float64Array(count);
    for (const item of new Set(this.#itemsOf.get(user) ?? [])) {
      const place = this.#places.get(item);
      if (place === undefined) continue;
      for (let other = 0; other < count; other++)
        if (other !== place)
          sums[other]! -= inverse[place * count + other]! / inverse[other * count + other]!;
    }
    return new Map(this.#items.map((item, place) => [item, sums[place]!]));
  }

  #make(happened: number): void {
    this.#madeFrom = happened;
    const taken = new Map<number, number>();
    for (const items of this.#itemsOf.values())
      for (const item of new Set(items)) taken.set(item, (taken.get(item) ?? 0) + 1);
    this.#items = [...taken]
      .sort(([item, count], [other, than]) => than - count || item - other)
      .slice(0, this.#itemsMax)
      .map(([item]) => item);
    this.#places = new Map(this.#items.map((item, place) => [item, place]));
    this.#inverse = this.#together();
    invert(this.#inverse, this.#items.length);
  }

  /** XᵀX + λI. */
  #together(): Float64Array {
    const count = this.#items.length;
    const matrix = new Float64Array(count * count);
    for (const items of this.#itemsOf.values()) {
      const places = [...new Set(items)]
        .map((item) => this.#places.get(item))
        .filter((at) => at !== undefined);
      for (const one of places) for (const other of places) matrix[one * count + other]! += 1;
    }
    for (let place = 0; place < count; place++) matrix[place * count + place]! += RIDGE;
    return matrix;
  }
}

/** In place, by Gauss and Jordan; no pivot is looked for, since the matrix is symmetric and positive. */
function invert(matrix: Float64Array, count: number): void {
  for (let pivot = 0; pivot < count; pivot++) {
    const from = pivot * count;
    const factor = 1 / matrix[from + pivot]!;
    matrix[from + pivot] = 1;
    for (let column = 0; column < count; column++) matrix[from + column]! *= factor;
    for (let row = 0; row < count; row++) {
      if (row === pivot) continue;
      const to = row * count;
      const times = matrix[to + pivot]!;
      if (times === 0) continue;
      matrix[to + pivot] = 0;
      for (let column = 0; column < count; column++) matrix[to + column]! -= times * matrix[from + column]!;
    }
  }
}
