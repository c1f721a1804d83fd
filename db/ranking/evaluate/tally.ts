/** What rankers gave at each moment, as columns: places are a byte, so that millions of moments can be drawn from again and again. */
import { LIST_LENGTH } from './metrics.ts';

const ROWS_FIRST = 1024;

/** What was recommended at one moment by one ranker. */
export interface Recommended {
  readonly items: ArrayLike<number>;
  /** By attribute, or `creator`: share of different values among those of the list. */
  readonly variety: ReadonlyMap<string, number>;
}

/** The moments of one run; each has one list of every ranker. */
export class Tally {
  readonly rankers: readonly string[];
  readonly #places: Uint8Array[];
  readonly #recommended: readonly Set<number>[];
  readonly #variety: readonly Map<string, { sum: number; lists: number }>[];
  #users = new Uint32Array(ROWS_FIRST);
  readonly #cohorts = new Map<string, number[]>();
  #count = 0;

  constructor(rankers: readonly string[]) {
    this.rankers = rankers;
    this.#places = rankers.map(() => new Uint8Array(ROWS_FIRST));
    this.#recommended = rankers.map(() => new Set());
    this.#variety = rankers.map(() => new Map());
  }

  get count(): number {
    return this.#count;
  }

  /** Users by moment. */
  get users(): Uint32Array {
    return this.#users.subarray(0, this.#count);
  }

  /** Moments by cohort. */
  get cohorts(): ReadonlyMap<string, readonly number[]> {
    return this.#cohorts;
  }

  /** Places by moment, from 1; 0: not in the list. */
  places(ranker: number): Uint8Array {
    return this.#places[ranker]!.subarray(0, this.#count);
  }

  /** Different items there were in any list. */
  recommended(ranker: number): number {
    return this.#recommended[ranker]!.size;
  }

  /** Mean by what was looked at. */
  variety(ranker: number): Readonly<Record<string, number>> {
    const means = [...this.#variety[ranker]!].map(([of, { sum, lists }]) => [of, sum / lists] as const);
    return Object.fromEntries(means);
  }

  /** `lists` in the order of the rankers; `target` is what the user went for. */
  moment(user: number, target: number, cohorts: readonly string[], lists: readonly Recommended[]): void {
    if (this.#count === this.#users.length) this.#grow();
    this.#users[this.#count] = user;
    for (const [ranker, { items, variety }] of lists.entries()) {
      this.#places[ranker]![this.#count] = placeOf(target, items);
      const recommended = this.#recommended[ranker]!;
      for (let at = 0; at < items.length; at++) recommended.add(items[at]!);
      for (const [of, share] of variety) this.#addVariety(ranker, of, share);
    }
    for (const cohort of cohorts) {
      const moments = this.#cohorts.get(cohort);
      if (moments === undefined) this.#cohorts.set(cohort, [this.#count]);
      else moments.push(this.#count);
    }
    this.#count += 1;
  }

  #addVariety(ranker: number, of: string, share: number): void {
    const known = this.#variety[ranker]!.get(of);
    if (known === undefined) this.#variety[ranker]!.set(of, { sum: share, lists: 1 });
    else {
      known.sum += share;
      known.lists += 1;
    }
  }

  #grow(): void {
    const users = new Uint32Array(this.#users.length * 2);
    users.set(this.#users);
    this.#users = users;
    for (const [ranker, before] of this.#places.entries()) {
      const places = new Uint8Array(before.length * 2);
      places.set(before);
      this.#places[ranker] = places;
    }
  }
}

function placeOf(target: number, items: ArrayLike<number>): number {
  const length = Math.min(items.length, LIST_LENGTH);
  for (let at = 0; at < length; at++) if (items[at] === target) return at + 1;
  return 0;
}
