/**
 * Items that go with others, at query time: what goes with each of a user's recent items, weighed by how recent and how much
 * liked it is and by what the others say already (`regression.ts`), less what goes with those disliked.
 *
 * What is found is divided by the square root of how many took it up: less for what goes with everything.
 */
import type { NumberSet } from '../reading.ts';
import type { BestNumbers, Scored } from './best-numbers.ts';
import type { Companions } from './companions.ts';
import type { KindAudience } from './kind-audience.ts';
import { LEVEL_MAX, type RecentItems } from './recent-items.ts';
import { Regression } from './regression.ts';

/** Items of a user that count, the newest. */
const ITEMS_MAX = 32;

/** The newest item counts 1 and this more, each before it less: what is left in the end is lasting taste. */
const LASTING = 0.2;
const RECENCY = 0.8;
/** People that everything is taken to have besides its own, so that it is not best because few have found it. */
const PEOPLE_BEFORE = 50;
/** What goes with a disliked item counts against it by this. */
const DISLIKE = 0.5;
/** More than the 5,128 items that can come together. */
const PLACES = 8_192;
/** Leaves as many bits of a hash as places need. */
const PLACE_SHIFT = 19;

export class Neighbours {
  readonly #best: BestNumbers;
  /** Sums by item: an open hash table, whose places in use are listed to be emptied again. */
  readonly #items = new Uint32Array(PLACES);
  readonly #sums = new Float64Array(PLACES);
  readonly #used = new Uint32Array(PLACES);
  #count = 0;
  /** Those that are left in the end, with how many took each up. */
  readonly #found = new Uint32Array(PLACES);
  readonly #foundSums = new Float64Array(PLACES);
  readonly #people = new Uint32Array(PLACES);
  readonly #regression = new Regression(ITEMS_MAX);
  readonly #likedItems = new Uint32Array(ITEMS_MAX);
  readonly #weights = new Float64Array(ITEMS_MAX);

  constructor(best: BestNumbers) {
    this.#best = best;
  }

  /** What goes with a user's recent items, best first. */
  ofUser(
    { recent, disliked, companions }: KindAudience,
    user: number,
    limit: number,
    gone: NumberSet,
  ): Scored {
    const count = this.#weigh(recent, user);
    this.#regression.solve(companions, this.#likedItems, this.#weights, count);
    for (let each = 0; each < count; each++)
      this.#addCompanions(companions, this.#likedItems[each]!, this.#weights[each]!);
    const against = disliked.open(user);
    for (let index = 0; index < against; index++) {
      const item = disliked.item(index);
      this.#addCompanions(companions, item, -DISLIKE * Regression.alone(companions, item));
    }
    for (let index = 0; index < against; index++)
      this.#sums[this.#placeOf(disliked.item(index))] = Number.NEGATIVE_INFINITY;
    return this.#take(companions, limit, gone);
  }

  /** What goes with an item, best first. */
  ofItem({ companions }: KindAudience, item: number, limit: number, gone: NumberSet): Scored {
    this.#addCompanions(companions, item, Regression.alone(companions, item));
    return this.#take(companions, limit, gone);
  }

  /** The user's newest items, newest first, with how recent and how much liked each is. Returns how many. */
  #weigh(recent: RecentItems, user: number): number {
    const there = recent.open(user);
    const count = Math.min(there, ITEMS_MAX);
    let recency = 1;
    for (let each = 0; each < count; each++) {
      const index = there - 1 - each;
      this.#likedItems[each] = recent.item(index);
      this.#weights[each] = (LASTING + recency) * (recent.level(index) / LEVEL_MAX);
      recency *= RECENCY;
    }
    return count;
  }

  #addCompanions(companions: Companions, item: number, share: number): void {
    const places = companions.open(item);
    for (let place = 0; place < places; place++) {
      const companion = companions.companion(place);
      if (companion !== 0) this.#sums[this.#placeOf(companion)]! += share * companions.weight(place);
    }
  }

  #placeOf(item: number): number {
    let place = Math.imul(item, 0x9e3779b1) >>> PLACE_SHIFT;
    while (this.#items[place] !== 0 && this.#items[place] !== item) place = (place + 1) % PLACES;
    if (this.#items[place] === 0) {
      this.#items[place] = item;
      this.#sums[place] = 0;
      this.#used[this.#count++] = place;
    }
    return place;
  }

  #take(companions: Companions, limit: number, gone: NumberSet): Scored {
    let count = 0;
    for (let each = 0; each < this.#count; each++) {
      const place = this.#used[each]!;
      const item = this.#items[place]!;
      this.#items[place] = 0;
      if (this.#sums[place]! <= 0 || gone.has(item)) continue;
      this.#found[count] = item;
      this.#foundSums[count++] = this.#sums[place]!;
    }
    this.#count = 0;
    companions.peopleOfAll(this.#found, count, this.#people);
    this.#best.begin(limit);
    for (let each = 0; each < count; each++) {
      const root = Math.sqrt(this.#people[each]! + PEOPLE_BEFORE);
      this.#best.offer(this.#found[each]!, this.#foundSums[each]! / root);
    }
    return this.#best.take();
  }
}
