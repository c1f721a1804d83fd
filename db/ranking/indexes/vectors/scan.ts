/** Compares rows one after the other, without a graph: exact, and the fastest where they are not too many. */
import { LIST_ROWS, ROOM } from './arena.ts';
import type { NearestRows } from './nearest-rows.ts';
import type { VectorRows } from './vector-rows.ts';

const LIST = ROOM.list >>> 2;
const DISTANCES = ROOM.distances >>> 2;

/** Rows of the batch that is being gathered; one for all, because a scan is over before anything else begins. */
const batch = new Uint32Array(LIST_ROWS);

export class Scan {
  readonly #rows: VectorRows;
  readonly #query: number;
  readonly #found: NearestRows;
  readonly #words: Uint32Array;
  #count = 0;

  /** Offers every row that is added to `found`, by its distance from what lies at `query`. Nothing is allocated meanwhile. */
  constructor(rows: VectorRows, query: number, found: NearestRows) {
    this.#rows = rows;
    this.#query = query;
    this.#found = found;
    this.#words = rows.arena.words;
  }

  add(row: number): void {
    batch[this.#count] = row;
    this.#words[LIST + this.#count] = this.#rows.address(row);
    this.#count += 1;
    if (this.#count === LIST_ROWS) this.end();
  }

  /** Compares what has not been compared yet. */
  end(): void {
    this.#rows.compare(this.#query, this.#count);
    const distances = this.#rows.arena.floats;
    const found = this.#found;
    let { bound } = found;
    for (let at = 0; at < this.#count; at++) {
      const distance = distances[DISTANCES + at]!;
      if (distance > bound) continue;
      found.offer(distance, batch[at]!);
      bound = found.bound;
    }
    this.#count = 0;
  }
}
