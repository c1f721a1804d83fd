/**
 * What a profile has to be better than to be worth its words: how often, how often lately, and what others took who took the same.
 * Straightforward on purpose, with none of the structures that they are compared with: everything is looked at each time.
 */
import { halfLifeFactor } from '../../numeric/index.ts';
import { MICROS_PER_DAY, type Micros } from '../ground.ts';
import { AUTOENCODER_ITEMS, LinearAutoencoder } from './linear-autoencoder.ts';
import { LIST_LENGTH } from './metrics.ts';

/** Items of a user that neighbours are sought for, people who are asked about each, and items of each of those. */
const RECENT = 10;
const PEOPLE = 1_000;
const THEIRS = 200;

const POPULAR = ['count of all time', 'count, half-life 1 day', 'count of 24 hours'] as const;
const PERSONAL = ['item neighbours', `linear autoencoder of ${AUTOENCODER_ITEMS} items`] as const;

interface Occurred {
  readonly item: number;
  readonly at: Micros;
}

export class Baselines {
  readonly #scores: Record<'count' | 'faded' | 'fadedAt' | 'lately', Float64Array> = {
    count: new Float64Array(1024),
    faded: new Float64Array(1024),
    fadedAt: new Float64Array(1024),
    lately: new Float64Array(1024),
  };
  readonly #itemsOf = new Map<number, number[]>();
  readonly #autoencoder = new LinearAutoencoder(this.#itemsOf);
  #taken = 0;
  readonly #usersOf = new Map<number, number[]>();
  readonly #seen = new Map<number, Set<number>>();
  /** Of the last day, oldest first. */
  #window: Occurred[] = [];
  #windowStart = 0;
  #last = 0;

  readonly #asked: 'users' | 'nobody';

  /** Whom lists will be for. */
  constructor(asked: 'users' | 'nobody') {
    this.#asked = asked;
  }

  get names(): readonly string[] {
    return this.#asked === 'users' ? [...POPULAR, ...PERSONAL] : POPULAR;
  }

  /** Somebody went for something. */
  went(user: number, item: number, at: Micros): void {
    this.#makeRoom(item);
    const { count, faded, fadedAt, lately } = this.#scores;
    count[item]! += 1;
    faded[item] = faded[item]! * halfLifeFactor(Math.max(0, at - fadedAt[item]!), MICROS_PER_DAY) + 1;
    fadedAt[item] = Math.max(at, fadedAt[item]!);
    lately[item]! += 1;
    this.#window.push({ item, at });
    if (user === 0) return;
    this.#taken += 1;
    listIn(this.#itemsOf, user).push(item);
    listIn(this.#usersOf, item).push(user);
  }

  /** Somebody had to do with something, so it is not recommended again. */
  saw(user: number, item: number): void {
    const seen = this.#seen.get(user);
    if (seen === undefined) this.#seen.set(user, new Set([item]));
    else seen.add(item);
  }

  /** In the order of the names. `user` 0: for nobody. */
  lists(user: number, now: Micros): readonly (readonly number[])[] {
    this.#forget(now);
    const { count, faded, fadedAt, lately } = this.#scores;
    const fading = (item: number): number =>
      faded[item]! * halfLifeFactor(Math.max(0, now - fadedAt[item]!), MICROS_PER_DAY);
    const seen = this.#seen.get(user) ?? new Set<number>();
    const popular = [
      this.#best((item) => count[item]!, seen),
      this.#best(fading, seen),
      this.#best((item) => lately[item]!, seen),
    ];
    if (this.#asked === 'nobody') return popular;
    const coded = bestOf(this.#autoencoder.scores(user, this.#taken), seen);
    return [...popular, this.#neighbours(user, seen), coded];
  }

  /** Cosine of who took both, summed over the last items of the user. */
  #neighbours(user: number, seen: ReadonlySet<number>): readonly number[] {
    const scores = new Map<number, number>();
    const { count } = this.#scores;
    for (const item of (this.#itemsOf.get(user) ?? []).slice(-RECENT)) {
      for (const other of (this.#usersOf.get(item) ?? []).slice(-PEOPLE)) {
        if (other === user) continue;
        for (const theirs of this.#itemsOf.get(other)!.slice(-THEIRS)) {
          if (theirs === item || seen.has(theirs)) continue;
          const cosine = 1 / Math.sqrt(count[item]! * count[theirs]!);
          scores.set(theirs, (scores.get(theirs) ?? 0) + cosine);
        }
      }
    }
    return bestOf(scores, seen);
  }

  #best(scoreOf: (item: number) => number, seen: ReadonlySet<number>): readonly number[] {
    const best: { readonly item: number; readonly score: number }[] = [];
    for (let item = 1; item <= this.#last; item++) {
      const score = scoreOf(item);
      if (score <= 0 || seen.has(item)) continue;
      if (best.length === LIST_LENGTH && score <= best[LIST_LENGTH - 1]!.score) continue;
      const place = best.findIndex((each) => each.score < score);
      best.splice(place === -1 ? best.length : place, 0, { item, score });
      if (best.length > LIST_LENGTH) best.pop();
    }
    return best.map(({ item }) => item);
  }

  #forget(now: Micros): void {
    while (this.#windowStart < this.#window.length) {
      const { item, at } = this.#window[this.#windowStart]!;
      if (at > now - MICROS_PER_DAY) break;
      this.#scores.lately[item]! -= 1;
      this.#windowStart += 1;
    }
    if (this.#windowStart * 2 < this.#window.length) return;
    this.#window = this.#window.slice(this.#windowStart);
    this.#windowStart = 0;
  }

  #makeRoom(item: number): void {
    this.#last = Math.max(this.#last, item);
    const { count } = this.#scores;
    if (item < count.length) return;
    for (const name of ['count', 'faded', 'fadedAt', 'lately'] as const) {
      const grown = new Float64Array(Math.max(count.length * 2, item + 1));
      grown.set(this.#scores[name]);
      this.#scores[name] = grown;
    }
  }
}

function bestOf(scores: ReadonlyMap<number, number>, seen: ReadonlySet<number>): readonly number[] {
  return [...scores]
    .filter(([item, score]) => score > 0 && !seen.has(item))
    .sort(([item, score], [other, than]) => than - score || item - other)
    .slice(0, LIST_LENGTH)
    .map(([item]) => item);
}

function listIn(lists: Map<number, number[]>, of: number): number[] {
  let list = lists.get(of);
  if (list === undefined) {
    list = [];
    lists.set(of, list);
  }
  return list;
}
