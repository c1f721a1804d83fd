/** The best so many documents that were offered: a heap with the worst of them at its root. Of equal scores the smaller number is better. */

export interface RawHit {
  readonly score: number;
  readonly number: number;
  /** Place of the shard, and the document's within it. */
  readonly shard: number;
  readonly local: number;
}

export class TopHits {
  readonly #limit: number;
  readonly #heap: RawHit[] = [];
  /** A smaller score is not taken. */
  floor = Number.NEGATIVE_INFINITY;

  constructor(limit: number) {
    this.#limit = limit;
    if (limit === 0) this.floor = Number.POSITIVE_INFINITY;
  }

  get hits(): readonly RawHit[] {
    return this.#heap;
  }

  offer(hit: RawHit): void {
    const heap = this.#heap;
    if (heap.length < this.#limit) {
      this.#rise(hit);
    } else {
      if (this.#limit === 0 || !isWorse(heap[0]!, hit)) return;
      this.#sink(hit);
    }
    if (heap.length === this.#limit) this.floor = heap[0]!.score;
  }

  #rise(hit: RawHit): void {
    const heap = this.#heap;
    let at = heap.length;
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      if (!isWorse(hit, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = hit;
  }

  /** Takes the root's place. */
  #sink(hit: RawHit): void {
    const heap = this.#heap;
    let at = 0;
    for (let child = 1; child < heap.length; child = at * 2 + 1) {
      if (child + 1 < heap.length && isWorse(heap[child + 1]!, heap[child]!)) child += 1;
      if (!isWorse(heap[child]!, hit)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = hit;
  }
}

export function isWorse(one: RawHit, other: RawHit): boolean {
  return one.score !== other.score ? one.score < other.score : one.number > other.number;
}
