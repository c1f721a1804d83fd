/** Lists asked for at the beginning of a day (UTC), against how often each item was gone for on that day. */
import { MICROS_PER_DAY, type Micros } from '../ground.ts';
import { discountedGain } from './metrics.ts';

interface AskedDay {
  readonly day: number;
  readonly lists: readonly ArrayLike<number>[];
}

export class DayTally {
  readonly rankers: readonly string[];
  readonly #sums: Float64Array;
  readonly #counts = new Map<number, number>();
  #asked: AskedDay | null = null;
  /** The first day of which something is known: what comes before it cannot be asked. */
  #day = Number.NEGATIVE_INFINITY;
  #days = 0;

  constructor(rankers: readonly string[]) {
    this.rankers = rankers;
    this.#sums = new Float64Array(rankers.length);
  }

  /** Days with a list and something that happened on them. */
  get days(): number {
    return this.#days;
  }

  /** Whether something at this time is the first of its day, with something before: then lists are due, as of `startOf(at)`. */
  isDue(at: Micros): boolean {
    const day = dayOf(at);
    if (this.#day === Number.NEGATIVE_INFINITY) this.#day = day;
    return day > this.#day;
  }

  startOf(at: Micros): Micros {
    return (dayOf(at) * MICROS_PER_DAY) as Micros;
  }

  /** The day of `at` begins; `lists` null: it is not asked about. */
  begin(at: Micros, lists: readonly ArrayLike<number>[] | null): void {
    this.finish();
    this.#day = dayOf(at);
    this.#asked = lists === null ? null : { day: this.#day, lists };
  }

  went(item: number, at: Micros): void {
    if (dayOf(at) === this.#asked?.day) this.#counts.set(item, (this.#counts.get(item) ?? 0) + 1);
  }

  /** Counts the day that has begun. */
  finish(): void {
    if (this.#asked !== null && this.#counts.size > 0) {
      for (const [ranker, list] of this.#asked.lists.entries()) {
        const gains = Array.from(list, (item) => this.#counts.get(item) ?? 0);
        this.#sums[ranker]! += discountedGain(gains, this.#counts.values());
      }
      this.#days += 1;
    }
    this.#asked = null;
    this.#counts.clear();
  }

  /** Mean NDCG@20 by ranker. */
  means(): readonly number[] {
    return Array.from(this.#sums, (sum) => (this.#days === 0 ? 0 : sum / this.#days));
  }
}

function dayOf(at: Micros): number {
  return Math.floor(at / MICROS_PER_DAY);
}
