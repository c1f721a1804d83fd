/** Many items, users and signals about them, the same each time. */
import type { Engine } from '../../../db/engine.ts';
import type { Micros } from '../../../db/ranking/ground.ts';
import type {
  EntityDraft,
  RankingCommand,
  RankingReply,
  SignalDraft,
} from '../../../db/ranking/kernel/index.ts';
import { TENANT_DEFAULT } from '../../../db/types.ts';

export const SCHEMA = [
  'DEFINE ENTITY item (title TEXT SEARCH, format KEYWORD FILTER, embedding VECTOR(16) METRIC cosine)',
  'DEFINE ENTITY user (country KEYWORD DIMENSION, taste VECTOR(16) PREFERENCE OF item.embedding)',
  'DEFINE SIGNAL view ON item POSITIVE DECAY EXPONENTIAL HALF LIFE 7d WINDOWS (1h, 24h, 7d, 30d) COHORTS EFFECTS (STATE seen, PREFERENCE taste +0.1)',
];

/** 2026-03-01T00:00:00Z. */
export const BEGINNING = 1_772_323_200_000_000;
const DAY = 86_400_000_000;
const AT_ONCE = 500;
const WORDS = ['jazz', 'rock', 'piano', 'drums', 'history', 'theory', 'evening', 'lesson', 'live', 'blue'];

/** A sequence that looks like chance (Numerical Recipes' generator). */
export function* numbers(seed: number): Generator<number, never> {
  for (let state = seed >>> 0; ; ) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield state >>> 8;
  }
}

export async function write(engine: Engine, command: RankingCommand): Promise<RankingReply> {
  return (await engine.ranking.write(TENANT_DEFAULT, command)).reply;
}

export interface Crowd {
  readonly items: number;
  readonly users: number;
  readonly signals: number;
  /** Over how many days the signals are spread, from the beginning on. */
  readonly days?: number;
}

export async function fill(engine: Engine, { items, users, signals, days = 20 }: Crowd): Promise<void> {
  const chance = numbers(7);
  const next = (below: number): number => chance.next().value % below;
  const put = (
    kind: string,
    key: string,
    set: Extract<EntityDraft, { action: 'put' }>['set'],
  ): EntityDraft => ({
    ...{ action: 'put', kind, key, set, state: null, at: BEGINNING as Micros },
  });
  const entities: EntityDraft[] = [];
  for (let item = 0; item < items; item++) {
    const title = Array.from({ length: 5 }, () => WORDS[next(WORDS.length)]).join(' ');
    const embedding = Array.from({ length: 16 }, () => next(2_001) / 1_000 - 1);
    entities.push(put('item', `i${item}`, { title: `${title} ${item}`, format: 'video', embedding }));
  }
  for (let user = 0; user < users; user++)
    entities.push(put('user', `u${user}`, { country: ['US', 'DE', 'FR'][next(3)]! }));
  for (let from = 0; from < entities.length; from += AT_ONCE)
    await write(engine, {
      ...{ command: 'put-entities', entities: entities.slice(from, from + AT_ONCE) },
      failure: 'all',
    });
  await signal(engine, { items, users, signals, days });
}

/** Signals alone. */
export async function signal(engine: Engine, { items, users, signals, days = 20 }: Crowd): Promise<void> {
  const chance = numbers(signals);
  const next = (below: number): number => chance.next().value % below;
  for (let from = 0; from < signals; from += AT_ONCE) {
    const drafts = Array.from({ length: Math.min(AT_ONCE, signals - from) }, (_, index): SignalDraft => {
      const at = (BEGINNING + Math.floor(((from + index) / signals) * days * DAY)) as Micros;
      const of = { target: `i${next(items)}`, user: `u${next(users)}` };
      return { signal: 'view', ...of, weight: null, at, id: `${from + index}` };
    });
    await write(engine, { command: 'signals', signals: drafts, failure: 'all' });
  }
}
