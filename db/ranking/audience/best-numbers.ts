/**
 * The best of many numbers by their scores, ties by the smaller number. Keeps no more than the limit: a heap with the worst at
 * its root.
 */

export interface Scored {
  readonly items: Uint32Array;
  readonly scores: Float64Array;
}

export class BestNumbers {
  #numbers = new Uint32Array(64);
  #scores = new Float64Array(64);
  #count = 0;
  #limit = 0;

  /** Forgets what it had. `limit`: whole, from 0. */
  begin(limit: number): void {
    this.#count = 0;
    this.#limit = limit;
  }

  offer(number: number, score: number): void {
    if (this.#count < this.#limit) this.#push(number, score);
    else if (this.#limit > 0 && this.#isWorse(0, number, score)) this.#sink(0, number, score, this.#count);
  }

  /** Best first; nothing is kept. */
  take(): Scored {
    for (let end = this.#count - 1; end > 0; end--) {
      const number = this.#numbers[end]!;
      const score = this.#scores[end]!;
      this.#put(end, this.#numbers[0]!, this.#scores[0]!);
      this.#sink(0, number, score, end);
    }
    const count = this.#count;
    this.#count = 0;
    return { items: this.#numbers.slice(0, count), scores: this.#scores.slice(0, count) };
  }

  #push(number: number, score: number): void {
    if (this.#count === this.#numbers.length) this.#grow();
    let at = this.#count++;
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      if (isWorse(this.#numbers[parent]!, this.#scores[parent]!, number, score)) break;
      this.#put(at, this.#numbers[parent]!, this.#scores[parent]!);
      at = parent;
    }
    this.#put(at, number, score);
  }

  /** Puts something where `from` is, or below it, among the first `end`. */
  #sink(from: number, number: number, score: number, end: number): void {
    let at = from;
    for (let child = 2 * at + 1; child < end; child = 2 * at + 1) {
      if (child + 1 < end && this.#isWorse(child + 1, this.#numbers[child]!, this.#scores[child]!))
        child += 1;
      if (!this.#isWorse(child, number, score)) break;
      this.#put(at, this.#numbers[child]!, this.#scores[child]!);
      at = child;
    }
    this.#put(at, number, score);
  }

  #put(at: number, number: number, score: number): void {
    this.#numbers[at] = number;
    this.#scores[at] = score;
  }

  #isWorse(at: number, number: number, score: number): boolean {
    return isWorse(this.#numbers[at]!, this.#scores[at]!, number, score);
  }

  #grow(): void {
    const numbers = new Uint32Array(this.#numbers.length * 2);
    numbers.set(this.#numbers);
    this.#numbers = numbers;
    const scores = new Float64Array(this.#scores.length * 2);
    scores.set(this.#scores);
    this.#scores = scores;
  }
}

function isWorse(number: number, score: number, thanNumber: number, thanScore: number): boolean {
  return score < thanScore || (score === thanScore && number > thanNumber);
}
