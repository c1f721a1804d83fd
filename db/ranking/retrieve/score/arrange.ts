/**
 * From scores to places. Places are given one after the other from the first on, so that every page of a query is a part of one
 * order: a page is a block of `limit` places, within which the rules of diversity hold; what does not fit into a block waits
 * for the next one. Pinned entities stand where they are pinned, and every so many places one is kept for something new.
 */
import type { EntityNumber } from '../../ground.ts';
import type { Budget } from '../execute/budget.ts';
import { Ranked } from './ranked.ts';

export interface Placed {
  /** Place among the candidates. */
  readonly at: number;
  readonly placed: 'pinned' | 'explored' | null;
}

/** What says whether an entity still fits into a page. */
export interface Fitting {
  fits(entity: EntityNumber): 'well' | 'rather not' | 'never';
  add(entity: EntityNumber): void;
}

export interface Arrangement {
  readonly ids: Uint32Array;
  readonly scores: Float64Array;
  readonly count: number;
  /** Made anew for each page; null: anything fits. */
  readonly fitting: (() => Fitting) | null;
  /** Candidates at places, from 1. */
  readonly pins: ReadonlyMap<number, number>;
  /** Share of places for the new, and which candidates these are, best first. */
  readonly exploration: { readonly share: number; readonly candidates: readonly number[] } | null;
  readonly limit: number;
  readonly offset: number;
}

export interface Page {
  readonly hits: readonly Placed[];
  /** Places before the page. */
  readonly start: number;
  readonly more: boolean;
}

/** The page that begins at `offset`, or the first behind it. */
export function arrange(arrangement: Arrangement, budget: Budget): Page {
  const arranger = new Arranger(arrangement, budget);
  let start = 0;
  let hits = arranger.block(start);
  while (start < arrangement.offset && hits.length > 0) {
    start += hits.length;
    hits = arranger.block(start);
  }
  return { hits, start, more: hits.length > 0 && arranger.left > 0 };
}

class Arranger {
  readonly #arrangement: Arrangement;
  readonly #budget: Budget;
  readonly #ranked: Ranked;
  readonly #used: Uint8Array;
  readonly #pins: Map<number, number>;
  /** Taken from the ranking but not fit for their block, best first. */
  readonly #waiting: number[] = [];
  /** Whether nothing fits well any more: within a block that does not change. */
  #dry = false;
  #explored = 0;
  #left: number;

  constructor(arrangement: Arrangement, budget: Budget) {
    const { ids, scores, count, pins } = arrangement;
    this.#arrangement = arrangement;
    this.#budget = budget;
    this.#ranked = new Ranked(
      ids,
      scores,
      Uint32Array.from({ length: count }, (_, at) => at),
    );
    this.#used = new Uint8Array(count);
    this.#pins = new Map(pins);
    for (const at of pins.values()) this.#used[at] = 1;
    this.#left = count;
  }

  get left(): number {
    return this.#left;
  }

  /** The next page, with `start` places before it. */
  block(start: number): readonly Placed[] {
    const { limit, fitting, ids } = this.#arrangement;
    const counts = fitting === null ? null : fitting();
    const hits: Placed[] = [];
    this.#dry = false;
    for (let place = start + 1; hits.length < limit; place++) {
      const hit = this.#pinned(place) ?? this.#new(place, counts) ?? this.#best(counts) ?? this.#lastPin();
      if (hit === null) break;
      this.#left -= 1;
      counts?.add(ids[hit.at]! as EntityNumber);
      hits.push(hit);
    }
    this.#budget.charge(hits.length);
    return hits;
  }

  #pinned(place: number): Placed | null {
    const at = this.#pins.get(place);
    if (at === undefined) return null;
    this.#pins.delete(place);
    return { at, placed: 'pinned' };
  }

  /** Where nothing else is left, what is pinned further back moves up. */
  #lastPin(): Placed | null {
    if (this.#waiting.length > 0 || this.#pins.size === 0) return null;
    return this.#pinned(Math.min(...this.#pins.keys()));
  }

  #new(place: number, counts: Fitting | null): Placed | null {
    const { exploration, ids } = this.#arrangement;
    if (exploration === null) return null;
    if (Math.floor(place * exploration.share) === Math.floor((place - 1) * exploration.share)) return null;
    for (; this.#explored < exploration.candidates.length; this.#explored++) {
      const at = exploration.candidates[this.#explored]!;
      if (this.#used[at] === 1) continue;
      if (counts !== null && counts.fits(ids[at]! as EntityNumber) !== 'well') continue;
      this.#used[at] = 1;
      return { at, placed: 'explored' };
    }
    return null;
  }

  #best(counts: Fitting | null): Placed | null {
    if (counts === null) return this.#taken(this.#nextRanked());
    return this.#waited(counts, 'well') ?? this.#fitting(counts) ?? this.#waited(counts, 'rather not');
  }

  /** The best of those that wait which fits as asked. */
  #waited(counts: Fitting, asked: 'well' | 'rather not'): Placed | null {
    if (asked === 'well' && this.#dry) return null;
    for (let place = 0; place < this.#waiting.length; place++) {
      const at = this.#waiting[place]!;
      if (this.#used[at] === 0 && counts.fits(this.#arrangement.ids[at]! as EntityNumber) !== asked) continue;
      this.#waiting.splice(place, 1);
      if (this.#used[at] === 0) return this.#taken(at);
      place -= 1;
    }
    return null;
  }

  /** The best of those not looked at yet that fits well; those before it wait. */
  #fitting(counts: Fitting): Placed | null {
    for (let at = this.#nextRanked(); at !== -1; at = this.#nextRanked()) {
      if (counts.fits(this.#arrangement.ids[at]! as EntityNumber) === 'well') return this.#taken(at);
      this.#waiting.push(at);
      this.#budget.charge(1);
    }
    this.#dry = true;
    return null;
  }

  #nextRanked(): number {
    let next = this.#ranked.next();
    while (next !== -1 && this.#used[next] === 1) next = this.#ranked.next();
    return next;
  }

  #taken(at: number): Placed | null {
    if (at === -1) return null;
    this.#used[at] = 1;
    return { at, placed: null };
  }
}
