/**
 * The world that `bench ranking` asks about: items in a hundred topics, people who each like three of them, and what they did over
 * thirty days. All of it follows from the sizes and a seed; only its end is the hour of the run, so that windows are full.
 *
 *     items     popularity as 1 / rank; 1 in 40 by the same maker; 6 words of title and 24 of text, frequency of words as 1 / rank
 *     vectors   the centre of the topic, 24 directions that all topics share, and a little noise in each dimension
 *     users     activity as 1 / rank^0.6; 50 countries as 1 / rank, 7 groups of age and 3 devices evenly: 1,050 tuples
 *     signals   evenly over the thirty days; 7 of 10 are views. Half are within the topics of the user, a tenth go to one of
 *               the thousand items of the day
 */
import type { Micros } from '../../../db/ranking/ground.ts';
import type { EntityDraft, SignalDraft } from '../../../db/ranking/kernel/index.ts';
import { Random, Zipf } from './random.ts';
import { DIMENSIONS, type WorldSize } from './size.ts';
import { makeVectors } from './vectors-made.ts';
import { Vocabulary } from './vocabulary.ts';

export const SIGNALS = ['view', 'like', 'complete', 'share', 'hide'] as const;
export const AGE_GROUPS = ['13-17', '18-24', '25-34', '35-44', '45-54', '55-64', '65-'] as const;
export const DEVICES = ['phone', 'desktop', 'tv'] as const;
export const FORMATS = ['video', 'audio', 'text', 'image'] as const;
export const COUNTRIES: readonly string[] = Array.from({ length: 50 }, (_, at) => `c${at}`);
export const DAYS = 30;
export const FIRST_YEAR = 1960;
export const YEARS = 65;
const TOPICS = 100;
const TOPICS_OF_USER = 3;
const MADE_BY_ONE = 40;
const TITLE_WORDS = 6;
const BODY_WORDS = 24;
const ACTIVITY = 0.6;
const ITEMS_OF_DAY = 1_000;
const MICROS_PER_DAY = 86_400_000_000;
/** Cumulative, in the order of SIGNALS. */
const SHARES = [0.7, 0.82, 0.92, 0.97, 1];
const SHARE_OF_DAY = 0.1;
const SHARE_OF_TOPICS = 0.5;
/** A prime that divides no size: ranks spread over numbers, each to its own. */
const SPREAD = 1_000_003;

export const SCHEMA: readonly string[] = [
  'DEFINE ENTITY creator (name TEXT)',
  `DEFINE ENTITY item (title TEXT SEARCH WEIGHT 2, body TEXT SEARCH, format KEYWORD FILTER, year INTEGER FILTER,
     creator REFERENCES creator, embedding VECTOR(${DIMENSIONS}) METRIC cosine)`,
  `DEFINE ENTITY user (country KEYWORD DIMENSION, age_group KEYWORD DIMENSION, device KEYWORD DIMENSION,
     taste VECTOR(${DIMENSIONS}) PREFERENCE OF item.embedding)`,
  'DEFINE RELATIONSHIP follows FROM user TO creator',
  `DEFINE SIGNAL view ON item POSITIVE DECAY EXPONENTIAL HALF LIFE 7d WINDOWS (1h, 24h, 7d, 30d) COHORTS
     EFFECTS (STATE seen, PREFERENCE taste +0.05)`,
  `DEFINE SIGNAL like ON item POSITIVE DECAY EXPONENTIAL HALF LIFE 30d WINDOWS (24h, 7d) COHORTS
     EFFECTS (STATE liked, PREFERENCE taste +0.2, RELATIONSHIP follows TO creator +0.1 CLAMP 0..1)`,
  `DEFINE SIGNAL complete ON item POSITIVE DECAY EXPONENTIAL HALF LIFE 30d WINDOWS (24h, 7d) COHORTS
     EFFECTS (STATE completed, PREFERENCE taste +0.1)`,
  'DEFINE SIGNAL share ON item POSITIVE DECAY EXPONENTIAL HALF LIFE 7d WINDOWS (24h) EFFECTS (STATE shared)',
  'DEFINE SIGNAL hide ON item NEGATIVE DECAY NONE EFFECTS (STATE hidden)',
  `DEFINE COHORT c0_young AS country = 'c0' AND age_group IN ('18-24', '25-34')`,
];

/** A signal as numbers, before anybody makes text of it. */
export interface MadeSignal {
  /** Index into SIGNALS. */
  signal: number;
  /** From 0. */
  item: number;
  user: number;
  at: Micros;
}

export interface Traits {
  readonly country: string;
  readonly ageGroup: string;
  readonly device: string;
}

export class World {
  readonly size: WorldSize;
  /** Microseconds since 1970 at which it ends. */
  readonly end: Micros;
  readonly #vocabulary = new Vocabulary();
  readonly #popularity: Zipf;
  readonly #activity: Zipf;
  readonly #ofDay: Zipf;
  readonly #countries = new Zipf(COUNTRIES.length, 1);
  /** Index of the country × 21 + of the age group × 3 + of the device. */
  readonly #traits: Uint16Array;
  readonly #topics: Uint8Array;

  constructor(size: WorldSize, end: Micros) {
    this.size = size;
    this.end = end;
    this.#popularity = new Zipf(size.items, 1);
    this.#activity = new Zipf(size.users, ACTIVITY);
    this.#ofDay = new Zipf(Math.min(ITEMS_OF_DAY, size.items), 1);
    const random = new Random(1);
    this.#traits = new Uint16Array(size.users);
    this.#topics = new Uint8Array(size.users * TOPICS_OF_USER);
    for (let user = 0; user < size.users; user++) {
      const others = AGE_GROUPS.length * DEVICES.length;
      this.#traits[user] = this.#countries.draw(random) * others + random.below(others);
      for (let at = 0; at < TOPICS_OF_USER; at++)
        this.#topics[user * TOPICS_OF_USER + at] = random.below(TOPICS);
    }
  }

  /** From 0: country, group of age and device as one number. */
  tuple(user: number): number {
    return this.#traits[user]!;
  }

  traits(user: number): Traits {
    const code = this.#traits[user]!;
    const devices = DEVICES.length;
    return {
      country: COUNTRIES[Math.floor(code / (AGE_GROUPS.length * devices))]!,
      ageGroup: AGE_GROUPS[Math.floor(code / devices) % AGE_GROUPS.length]!,
      device: DEVICES[code % devices]!,
    };
  }

  /** Text of an item, the same each time it is asked for. */
  text(item: number): { readonly title: string; readonly body: string } {
    const random = new Random(item + 7);
    const title = this.#vocabulary.text(random, TITLE_WORDS);
    return { title, body: this.#vocabulary.text(random, BODY_WORDS) };
  }

  format(item: number): string {
    return FORMATS[item % FORMATS.length]!;
  }

  year(item: number): number {
    return FIRST_YEAR + ((Math.imul(item, 2_654_435_761) >>> 0) % YEARS);
  }

  creator(item: number): number {
    return Math.floor(item / MADE_BY_ONE);
  }

  /** Words to be searched for, neither the most frequent nor the rarest ones. */
  words(random: Random, count: number): string {
    return this.#vocabulary.query(random, count);
  }

  /** In lists of so many, the most popular items first. */
  *items(batch: number): Generator<EntityDraft[]> {
    const { items, vectors } = this.size;
    const made = makeVectors(vectors, DIMENSIONS, TOPICS);
    let drafts: EntityDraft[] = [];
    for (let rank = 0; rank < items; rank++) {
      const item = this.#itemOf(rank);
      const { title, body } = this.text(item);
      const set = {
        ...{
          title,
          body,
          format: this.format(item),
          year: this.year(item),
          creator: `m${this.creator(item)}`,
        },
        ...(rank < vectors ? { embedding: made.next().value as Float32Array } : {}),
      };
      const at = (this.end - DAYS * MICROS_PER_DAY) as Micros;
      drafts.push({ action: 'put', kind: 'item', key: `i${item}`, set, state: null, at });
      if (drafts.length < batch && rank + 1 < items) continue;
      yield drafts;
      drafts = [];
    }
  }

  *users(batch: number): Generator<EntityDraft[]> {
    for (let first = 0; first < this.size.users; first += batch) {
      const count = Math.min(batch, this.size.users - first);
      yield Array.from({ length: count }, (_, at) => {
        const { country, ageGroup, device } = this.traits(first + at);
        const set = { country, age_group: ageGroup, device };
        return { action: 'put' as const, kind: 'user', key: `u${first + at}`, set, state: null, at: null };
      });
    }
  }

  /** Those of the thirty days, oldest first. The same object comes again and again. */
  *signals(): Generator<Readonly<MadeSignal>> {
    const { signals } = this.size;
    const random = new Random(2);
    const made: MadeSignal = { signal: 0, item: 0, user: 0, at: 0 as Micros };
    const from = this.end - DAYS * MICROS_PER_DAY;
    const step = (DAYS * MICROS_PER_DAY) / signals;
    for (let at = 0; at < signals; at++)
      yield this.#draw(random, made, Math.floor(from + at * step) as Micros);
  }

  /** More of them without an end, all at the time that is given when the next is asked for. */
  *later(seed: number, now: () => Micros): Generator<Readonly<MadeSignal>, never> {
    const random = new Random(seed);
    const made: MadeSignal = { signal: 0, item: 0, user: 0, at: 0 as Micros };
    for (;;) yield this.#draw(random, made, now());
  }

  #draw(random: Random, made: MadeSignal, at: Micros): MadeSignal {
    const user = this.#activity.draw(random);
    const kind = random.next();
    made.signal = SHARES.findIndex((share) => kind < share);
    made.user = user;
    made.item = this.#itemOf(this.#rank(random, user, Math.floor(at / MICROS_PER_DAY)));
    made.at = at;
    return made;
  }

  #rank(random: Random, user: number, day: number): number {
    const { items } = this.size;
    const kind = random.next();
    if (kind < SHARE_OF_DAY) return (this.#ofDay.draw(random) * 31 + day * 977) % items;
    const rank = this.#popularity.draw(random);
    if (kind > SHARE_OF_DAY + SHARE_OF_TOPICS) return rank;
    const topic = this.#topics[user * TOPICS_OF_USER + random.below(TOPICS_OF_USER)]!;
    return Math.min(rank - (rank % TOPICS) + topic, items - 1);
  }

  #itemOf(rank: number): number {
    return (rank * SPREAD) % this.size.items;
  }
}

export function draftOf({ signal, item, user, at }: Readonly<MadeSignal>): SignalDraft {
  return { signal: SIGNALS[signal]!, target: `i${item}`, user: `u${user}`, weight: null, at, id: null };
}

/** Lists of `batch`; `map` makes what is kept of each. */
export function* batched<Kept>(
  signals: Iterable<Readonly<MadeSignal>>,
  batch: number,
  map: (signal: Readonly<MadeSignal>) => Kept,
): Generator<Kept[]> {
  let list: Kept[] = [];
  for (const signal of signals) {
    list.push(map(signal));
    if (list.length < batch) continue;
    yield list;
    list = [];
  }
  if (list.length > 0) yield list;
}
