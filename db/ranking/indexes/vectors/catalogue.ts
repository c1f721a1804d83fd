/**
 * What somebody's works have in common: the mean direction of the vectors of all active things they made. Each counts the same,
 * however long its vector is.
 *
 * The sum is one of whole numbers, parts of 2^30 of each coordinate, so it is exact: what is added and taken away again leaves
 * nothing, in whatever order. Doubles hold it exactly up to eight million works.
 */

import type { SlotIndex } from './slot-index.ts';
import { lengthOf } from './vector-rows.ts';

const PARTS = 0x4000_0000;
/** Of a sum beside its parts: two objects, and a filled slot of the map with its share of empty ones. */
const SUM_BYTES = 240;

interface Sum {
  works: number;
  readonly parts: Float64Array;
}

export class Catalogue {
  readonly #index: SlotIndex;
  /** By number of who made them. */
  readonly #sums = new Map<number, Sum>();

  /** Keeps the directions in `index`. */
  constructor(index: SlotIndex) {
    this.#index = index;
  }

  /** Memory taken, about: all sums are as long. */
  get bytes(): number {
    const [sum] = this.#sums.values();
    return this.#sums.size * (SUM_BYTES + (sum?.parts.byteLength ?? 0));
  }

  add(creator: number, vector: Float32Array): void {
    let sum = this.#sums.get(creator);
    if (sum === undefined) {
      sum = { works: 0, parts: new Float64Array(vector.length) };
      this.#sums.set(creator, sum);
    }
    sum.works += 1;
    this.#accumulate(sum, vector, 1);
  }

  /** Takes away what was added with the very same vector. */
  remove(creator: number, vector: Float32Array): void {
    const sum = this.#sums.get(creator);
    if (sum === undefined) return;
    sum.works -= 1;
    this.#accumulate(sum, vector, -1);
    if (sum.works === 0) this.#sums.delete(creator);
  }

  /** Brings the direction up to date. */
  refresh(creator: number, state: 'active' | 'inactive' | 'deleted'): void {
    const sum = this.#sums.get(creator);
    const length = sum === undefined ? 0 : lengthOf(sum.parts);
    if (sum === undefined || length === 0 || state === 'deleted') this.#index.remove(creator);
    else
      this.#index.set(
        creator,
        sum.parts.map((part) => part / length),
        state === 'active',
      );
  }

  #accumulate(sum: Sum, vector: Float32Array, sign: 1 | -1): void {
    const length = lengthOf(vector);
    if (length === 0) return;
    const scale = PARTS / length;
    const { parts } = sum;
    for (let at = 0; at < parts.length; at++) parts[at]! += sign * Math.round(vector[at]! * scale);
  }
}
