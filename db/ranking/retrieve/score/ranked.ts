/**
 * Candidates best first, ties by number: a heap that is put in order only as far as somebody asks, since a page needs few of
 * many.
 */
export class Ranked {
  readonly #ids: Uint32Array;
  readonly #scores: Float64Array;
  readonly #heap: Uint32Array;
  #size: number;

  /** `places`: which candidates there are, as places in `ids` and `scores`; it is kept and changed. */
  constructor(ids: Uint32Array, scores: Float64Array, places: Uint32Array) {
    this.#ids = ids;
    this.#scores = scores;
    this.#heap = places;
    this.#size = places.length;
    for (let at = (this.#size >>> 1) - 1; at >= 0; at--) this.#sink(at);
  }

  /** Place of the best that is left, or -1. */
  next(): number {
    if (this.#size === 0) return -1;
    const best = this.#heap[0]!;
    this.#size -= 1;
    this.#heap[0] = this.#heap[this.#size]!;
    this.#sink(0);
    return best;
  }

  #sink(from: number): void {
    const heap = this.#heap;
    const sinking = heap[from]!;
    let at = from;
    for (let child = 2 * at + 1; child < this.#size; child = 2 * at + 1) {
      if (child + 1 < this.#size && this.#before(heap[child + 1]!, heap[child]!)) child += 1;
      if (!this.#before(heap[child]!, sinking)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = sinking;
  }

  #before(one: number, other: number): boolean {
    const better = this.#scores[one]! - this.#scores[other]!;
    return better > 0 || (better === 0 && this.#ids[one]! < this.#ids[other]!);
  }
}

/** Numbers of those with more than 0, best first, `limit` at most. */
export function bestOf(ids: Uint32Array, scores: Float64Array, count: number, limit: number): Uint32Array {
  const places = new Uint32Array(count);
  let positive = 0;
  for (let at = 0; at < count; at++) if (scores[at]! > 0) places[positive++] = at;
  const ranked = new Ranked(ids, scores, places.subarray(0, positive));
  const best = new Uint32Array(Math.min(limit, positive));
  for (let rank = 0; rank < best.length; rank++) best[rank] = ids[ranked.next()]!;
  return best;
}
