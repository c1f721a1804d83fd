/**
 * A life of the ranking layer, made of a seed alone: a schema with some of everything and its changes, entities, edges, exposures,
 * and signals in order, late, twice, of the past and of a clock in 2099. Some of it is refused, as in life.
 */
import type { Micros } from '../ranking/ground.ts';
import { MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_MINUTE } from '../ranking/ground.ts';
import type { EntityDraft, RankingCommand, SignalDraft } from '../ranking/kernel/index.ts';
import { commandOf, type WriteStatement } from '../ranking/retrieve/bind/index.ts';
import { parse } from '../ranking/retrieve/language/index.ts';
import { Random } from './random.ts';

/** 2026-03-05T10:17:31.250Z, where histories begin. */
export const START = 1_772_705_851_250_000 as Micros;
const YEAR_2099 = 4_070_908_800_000_000;
export const DIMENSIONS = 8;
const ITEMS = 60;
const USERS = 25;
const CREATORS = 6;
const WORDS = [
  'jazz',
  'Piano',
  'beginners',
  'naïve',
  'running',
  '東京',
  'O’Neill',
  'rust',
  'histories',
  '2001',
] as const;
const COUNTRIES = ['US', 'DE', 'FR', null] as const;

export type Step =
  | { readonly step: 'command'; readonly command: RankingCommand }
  /** Everything before belongs to this commit or to earlier ones. */
  | { readonly step: 'commit' }
  | { readonly step: 'wait'; readonly micros: number }
  /** Views do some of what they have put off. */
  | { readonly step: 'upkeep' };

const ITEM = `title TEXT SEARCH WEIGHT 2, note TEXT SEARCH, format KEYWORD, tags KEYWORDS, year INTEGER, score DOUBLE, live BOOLEAN,
  published TIMESTAMP, hint KEYWORD NO FILTER, maker REFERENCES creator, embedding VECTOR(${DIMENSIONS}) METRIC cosine, place VECTOR(3) METRIC l2`;
const VIEW_EFFECTS =
  'EFFECTS (STATE seen, PREFERENCE taste +0.1, RELATIONSHIP interest TO creator +0.2 CLAMP 0..3)';

const SCHEMA = [
  `DEFINE ENTITY creator (name TEXT SEARCH, catalogue VECTOR(${DIMENSIONS}) CATALOGUE OF item.embedding)`,
  `DEFINE ENTITY item (${ITEM}) STATES (active, draft, archived)`,
  `DEFINE ENTITY user (country KEYWORD DIMENSION, age INTEGER DIMENSION, member BOOLEAN DIMENSION, city KEYWORD,
     taste VECTOR(${DIMENSIONS}) PREFERENCE OF item.embedding)`,
  'DEFINE RELATIONSHIP follows FROM user TO creator DECAY NONE WEIGHT 0..1 DEFAULT 1',
  'DEFINE RELATIONSHIP interest FROM user TO creator DECAY EXPONENTIAL HALF LIFE 30d WEIGHT 0..10 DEFAULT 1',
  'DEFINE RELATIONSHIP likes_it FROM user TO item DECAY EXPONENTIAL HALF LIFE 60d WEIGHT -2..5 DEFAULT 1',
  `DEFINE SIGNAL view ON item POSITIVE DECAY EXPONENTIAL HALF LIFE 7d WEIGHT 0..10 DEFAULT 1 COHORTS ${VIEW_EFFECTS}`,
  `DEFINE SIGNAL like ON item POSITIVE DECAY LINEAR LIFETIME 20d WINDOWS (24h, 7d) COHORTS
     EFFECTS (STATE liked, PREFERENCE taste +0.3, RELATIONSHIP follows TO creator +0.1 CLAMP 0..1, RELATIONSHIP likes_it TO target +1)`,
  `DEFINE SIGNAL share ON item NEUTRAL DECAY NONE NO COHORTS EFFECTS (STATE shared)`,
  `DEFINE SIGNAL hide ON item NEGATIVE DECAY NONE EFFECTS (STATE hidden, STATE unliked, PREFERENCE taste -0.2)`,
  'DEFINE SIGNAL save ON item LATE 2d EFFECTS (STATE saved)',
  'DEFINE SIGNAL visit ON creator WINDOWS (1h, 24h)',
  "DEFINE COHORT us AS country = 'US'",
  "DEFINE COHORT grown AS age >= 18 AND (member OR country IN ('DE', 'FR'))",
  `DEFINE PROFILE mine ON item CANDIDATES (neighbours, top view.score, similar embedding TO user, following follows, new)
     SCORE (base 2 * NORMALISED(view.velocity(24h)), personalisation similarity(embedding TO user),
       relationship edge(interest TO creator), recency pow(decay(age_hours, 3d), 0.7), signals log1p(like.score) + sqrt(view.weight(7d)),
       penalties -1 * sigmoid(hide.count(all)))
     GATES (unhidden) EXPLORATION 0.2 WITHIN 24h DIVERSITY max_per_creator:3 PIN @i3 AT 2 BOOST (format:video) BY 1.2 BURY (year < 1990)`,
];

/** One after the other over a life; each leaves something to be worked out anew. */
const CHANGES: [string, ...string[]] = [
  `DEFINE SIGNAL view ON item POSITIVE DECAY EXPONENTIAL HALF LIFE 3d WEIGHT 0..10 DEFAULT 1 COHORTS ${VIEW_EFFECTS} REBUILD`,
  "DEFINE COHORT members AS member AND country <> 'US'",
  `DEFINE ENTITY item (${ITEM}, colour KEYWORD, quality COMPUTED AS like.count(all) / view.count(all)) STATES (active, draft, archived) REBUILD`,
  'DROP COHORT us CASCADE',
  `DEFINE SIGNAL like ON item POSITIVE DECAY NONE WINDOWS (1h, 24h, 30d) COHORTS EFFECTS (STATE liked, PREFERENCE taste +0.2) REBUILD`,
  `DEFINE ENTITY item (${ITEM.replace('note TEXT SEARCH, ', '').replace('title TEXT SEARCH WEIGHT 2', 'title TEXT SEARCH WEIGHT 3')})
     STATES (active, draft, archived) CASCADE`,
  'DROP SIGNAL share CASCADE',
  'DEFINE SIGNAL share ON item DECAY EXPONENTIAL HALF LIFE 1d COHORTS EFFECTS (STATE shared, RELATIONSHIP interest TO creator +1)',
];

/** The same steps for the same seed and length; the length is a number of actions, beside those of the schema. */
export function* historyOf(seed: number, length: number): Generator<Step> {
  const life = new RankingLife(new Random(seed, 'ranking history'), START);
  for (const given of life.schema) yield { step: 'command', command: given };
  yield { step: 'commit' };
  yield { step: 'command', command: life.everybody() };
  yield { step: 'commit' };
  const everyChange = Math.max(1, Math.floor(length / (CHANGES.length + 1)));
  for (let at = 1; at <= length; at++) {
    yield* life.next();
    const change = CHANGES[at / everyChange - 1];
    if (change !== undefined) yield { step: 'command', command: statement(change) };
  }
  yield { step: 'commit' };
}

function statement(text: string): RankingCommand {
  return commandOf(parse(text) as WriteStatement, []);
}

/** What people do, one thing after the other. */
export class RankingLife {
  readonly #random: Random;
  #now: number;
  readonly #sent: SignalDraft[] = [];

  constructor(random: Random, start: Micros) {
    this.#random = random;
    this.#now = start;
  }

  /** Somebody else's clock has come so far. */
  set now(micros: Micros) {
    this.#now = micros;
  }

  get schema(): readonly RankingCommand[] {
    return SCHEMA.map(statement);
  }

  /** One of the changes of the schema, which may have been made before. */
  change(): RankingCommand {
    return statement(this.#random.pick(CHANGES));
  }

  /** A command that is about what there is, or is refused. */
  command(): RankingCommand {
    const random = this.#random;
    const action = random.weighted({ signals: 60, entities: 18, relate: 6, expose: 4, delete: 2 });
    return this.#commandOf(action);
  }

  *next(): Generator<Step> {
    const random = this.#random;
    const action = random.weighted({
      ...{ signals: 60, entities: 14, relate: 6, expose: 4, commit: 30, wait: 20, upkeep: 8, delete: 2 },
    });
    if (action === 'commit' || action === 'upkeep') yield { step: action };
    else if (action === 'wait') {
      const micros = random.pick([
        1,
        1_000,
        MICROS_PER_MINUTE,
        7 * MICROS_PER_MINUTE,
        MICROS_PER_HOUR,
        MICROS_PER_DAY,
      ]);
      this.#now += micros;
      // No command may see two times of one commit.
      yield { step: 'commit' };
      yield { step: 'wait', micros };
    } else yield { step: 'command', command: this.#commandOf(action) };
  }

  #commandOf(action: 'signals' | 'entities' | 'delete' | 'relate' | 'expose'): RankingCommand {
    if (action === 'signals') return this.#signals();
    if (action === 'entities') return this.#entities();
    if (action === 'delete') return this.#delete();
    return action === 'relate' ? this.#relate() : this.#expose();
  }

  /** All creators and most of the others, so that there is something to point at. */
  everybody(): RankingCommand {
    const entities = [
      ...Array.from({ length: CREATORS }, (_, at) => put('creator', `c${at}`, { name: this.#text(2) })),
      ...Array.from({ length: USERS - 5 }, (_, at) => put('user', `u${at}`, this.#person())),
      ...Array.from({ length: ITEMS - 20 }, (_, at) => put('item', `i${at}`, this.#item())),
    ];
    return { command: 'put-entities', entities, failure: 'each' };
  }

  #entities(): RankingCommand {
    const entities = Array.from({ length: this.#random.between(1, 6) }, () => this.#entity());
    return { command: 'put-entities', entities, failure: 'each' };
  }

  #entity(): EntityDraft {
    const random = this.#random;
    const kind = random.weighted({ item: 12, user: 4, creator: 1 });
    if (kind === 'creator') return put(kind, this.#key('c', CREATORS + 2), { name: this.#text(2) });
    if (kind === 'user') return put(kind, this.#key('u', USERS), this.#person());
    const state = random.pick([null, null, null, 'active', 'archived', 'draft', 'nonsense']);
    const at = random.chance(0.3) ? ((this.#now - random.below(40 * MICROS_PER_DAY)) as Micros) : null;
    return { ...put(kind, this.#key('i', ITEMS), this.#item()), state, at };
  }

  #item(): Record<string, string | number | boolean | null | readonly string[] | readonly number[]> {
    const random = this.#random;
    const all = {
      title: this.#text(5),
      note: this.#text(12),
      format: random.pick(['video', 'audio', 'text', null]),
      tags: Array.from({ length: random.below(4) }, () => random.pick(WORDS)),
      year: random.pick([1985, 1999, 2001, random.between(1900, 2030), null]),
      score: random.pick([0.1, -1 / 3, 1e300, 5e-324, random.next() / 2 ** 31, null]),
      live: random.chance(0.5),
      published: this.#now - random.below(400 * MICROS_PER_DAY),
      hint: random.pick(WORDS),
      maker: random.chance(0.9) ? this.#key('c', CREATORS) : null,
      embedding: random.chance(0.9) ? this.#vector(DIMENSIONS) : null,
      place: random.chance(0.5) ? this.#vector(3) : null,
      colour: random.pick(['red', 'blue']),
    };
    // Often only some of it, and now and then what is not there any more.
    return Object.fromEntries(
      Object.entries(all).filter(([name]) => random.chance(name === 'colour' ? 0.1 : 0.8)),
    );
  }

  #person() {
    const random = this.#random;
    const [country, age] = [random.pick(COUNTRIES), random.pick([17, 18, 34, 70, null])];
    const taste = random.chance(0.1) ? { taste: this.#vector(DIMENSIONS) } : {};
    return { country, age, member: random.chance(0.5), city: random.pick(WORDS), ...taste };
  }

  #signals(): RankingCommand {
    const signals = Array.from({ length: this.#random.pick([1, 3, 20]) }, () => this.#signal());
    return { command: 'signals', signals, failure: 'each' };
  }

  #signal(): SignalDraft {
    const random = this.#random;
    const before = this.#sent[random.below(this.#sent.length)];
    if (before !== undefined && random.chance(0.06)) return before;
    const signal = random.weighted({ view: 50, like: 18, share: 8, hide: 6, save: 8, visit: 6, nonsense: 1 });
    const draft = {
      signal,
      target: signal === 'visit' ? this.#key('c', CREATORS) : this.#key('i', ITEMS),
      // Some nobody has written yet.
      user: random.chance(0.9) ? this.#key('u', USERS + 3) : null,
      weight: random.chance(0.3) ? random.pick([0.25, 1 / 3, 2, 9.999, 11, random.next() / 2 ** 32]) : null,
      at: this.#time(),
      id: random.chance(0.4) ? `n${random.below(5_000)}` : null,
    };
    if (this.#sent.length < 500) this.#sent.push(draft);
    return draft;
  }

  #time(): Micros | null {
    const random = this.#random;
    const back = random.weighted({ now: 40, soon: 4, hours: 30, days: 16, late: 8, future: 2 });
    if (back === 'now') return null;
    if (back === 'future') return YEAR_2099 as Micros;
    const span = {
      soon: -100_000_000,
      hours: 30 * MICROS_PER_HOUR,
      days: 29 * MICROS_PER_DAY,
      late: 400 * MICROS_PER_DAY,
    };
    return (this.#now - Math.floor((random.next() / 2 ** 32) * span[back])) as Micros;
  }

  #relate(): RankingCommand {
    const random = this.#random;
    const relationship = random.pick(['follows', 'interest', 'likes_it']);
    return {
      ...{ command: 'relate', relationship, from: this.#key('u', USERS) },
      to: relationship === 'likes_it' ? this.#key('i', ITEMS) : this.#key('c', CREATORS),
      weight: random.pick<number | 'default' | null>(['default', null, 0.5, 1 / 3, 20]),
      at: random.chance(0.3) ? this.#time() : null,
    };
  }

  #expose(): RankingCommand {
    const random = this.#random;
    return {
      ...{ command: 'expose', experiment: 'rows', arm: random.pick(['a', 'b']), kind: 'item' },
      user: random.chance(0.9) ? this.#key('u', USERS) : null,
      items: Array.from({ length: random.between(1, 5) }, () => this.#key('i', ITEMS)),
    };
  }

  #delete(): RankingCommand {
    const kind = this.#random.weighted({ item: 6, user: 2, creator: 1 });
    const key = this.#key(kind[0] ?? '', { item: ITEMS, user: USERS, creator: CREATORS }[kind]);
    const entities = [{ action: 'delete', kind, key } as const];
    return { command: 'put-entities', entities, failure: 'each' };
  }

  /** The first more often than the last. */
  #key(letter: string, count: number): string {
    return `${letter}${Math.min(this.#random.below(count), this.#random.below(count))}`;
  }

  #text(words: number): string {
    return Array.from({ length: this.#random.between(1, words) }, () => this.#random.pick(WORDS)).join(' ');
  }

  #vector(dimensions: number): number[] {
    return Array.from({ length: dimensions }, () => this.#random.next() / 2 ** 31 - 1);
  }
}

type Put = Extract<EntityDraft, { action: 'put' }>;

function put(kind: string, key: string, set: Put['set']): Put {
  return { action: 'put', kind, key, set, state: null, at: null };
}
