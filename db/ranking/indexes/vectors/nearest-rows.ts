/** The nearest rows of all that are offered, up to a number of them. */
import { RowHeap } from './row-heap.ts';

export class NearestRows {
  readonly #heap = new RowHeap('farthest');
  #limit = 0;

  clear(limit: number, numbers: Uint32Array): void {
    this.#limit = limit;
    this.#heap.clear(numbers);
  }

  get size(): number {
    return this.#heap.size;
  }

  get full(): boolean {
    return this.#heap.size >= this.#limit;
  }

  /** Nothing farther is taken. */
  get bound(): number {
    return this.full ? this.#heap.distance : Number.POSITIVE_INFINITY;
  }

  wants(distance: number, row: number): boolean {
    return !this.full || this.#heap.isNearer(distance, row);
  }

  offer(distance: number, row: number): void {
    if (!this.full) this.#heap.push(distance, row);
    else if (this.#heap.isNearer(distance, row)) this.#heap.replace(distance, row);
  }

  /** Empties it into two lists, nearest first, with room for `size`; returns how many there were. */
  take(rows: Uint32Array, distances: Float64Array): number {
    const count = this.size;
    for (let at = count - 1; at >= 0; at--) {
      rows[at] = this.#heap.row;
      distances[at] = this.#heap.distance;
      this.#heap.pop();
    }
    return count;
  }
}
