/**
 * Memory of the ranking layer: `node scripts/bench/ranking-memory.ts --items 1000000 --users 100000 --signals 10000000`, with
 * `--budget MIB` within a budget, with `--dimensions N` with vectors. Prints one object of JSON: bytes of each view after each
 * kind of thing was written, and what that is an item, a user, a signal of an item, and a cell.
 *
 * It applies what decisions give to the views, without a log: that is what a replay does. Every item gets every signal
 * once, as far as there are enough; of twice as many or more, one in two goes where chance says, with the square of an even draw:
 * few items get much.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { RealDisk } from '../../db/io/index.ts';
import {
  type Materializer,
  MemoryBudget,
  ScratchFiles,
  type ViewCommit,
} from '../../db/materializer/index.ts';
import { rankingAudience } from '../../db/ranking/audience/index.ts';
import { rankingCohorts } from '../../db/ranking/cohorts/index.ts';
import { InFlight, rankingDuplicates, rankingEntities } from '../../db/ranking/entities/index.ts';
import type { Micros } from '../../db/ranking/ground.ts';
import { rankingText } from '../../db/ranking/indexes/text/index.ts';
import { rankingVectors } from '../../db/ranking/indexes/vectors/index.ts';
import {
  decideRanking,
  type EntityDraft,
  type RankingCommand,
  type SignalDraft,
} from '../../db/ranking/kernel/index.ts';
import { commandOf } from '../../db/ranking/retrieve/bind/index.ts';
import { parseScript } from '../../db/ranking/retrieve/language/index.ts';
import { rankingSignals } from '../../db/ranking/signals/index.ts';
import {
  type CommitOrdinal,
  type Epoch,
  type RecordedAt,
  type Sequence,
  TENANT_DEFAULT,
} from '../../db/types.ts';

const MIB = 1024 * 1024;
const LIMITS = { entryBytesMax: 4 * MIB, commandBytesMax: 16 * MIB, entryOverheadBytes: 64 };
const BATCH = 1_000;
const DAYS = 30;
const DAY = 86_400_000_000;
/** 2026-01-01T00:00:00Z, in microseconds. */
const BEGINNING = 1_767_225_600_000_000;
const SIGNALS = ['view', 'like', 'share', 'save', 'finish'];
const COUNTRIES = ['US', 'DE', 'FR', 'JP', 'BR', 'IN', 'GB', 'PL'];
const AGES = ['13-17', '18-24', '25-34', '35-44', '45-54', '55-64', '65+'];
const WORDS = 20_000;
const TITLE_WORDS = 6;
const DRAWN = 2 ** 24;
/** A prime. */
const SCATTER = 7_368_787;

const { values } = parseArgs({
  options: {
    items: { type: 'string', default: '20000' },
    users: { type: 'string', default: '2000' },
    signals: { type: 'string', default: '200000' },
    dimensions: { type: 'string', default: '0' },
    budget: { type: 'string', default: '0' },
  },
});
const [items, users, signals, dimensions, budget] = (
  ['items', 'users', 'signals', 'dimensions', 'budget'] as const
).map((name) => Number(values[name])) as [number, number, number, number, number];

const folder = mkdtempSync(join(tmpdir(), 'truthdb-ranking-memory-'));
const report = (line: string): void => console.error(line);
const scratch = new ScratchFiles({ disk: new RealDisk(), folder: join(folder, 'scratch'), report });
const memory = new MemoryBudget({ bytesMax: budget === 0 ? null : budget * MIB, scratch });
const context = { logId: new Uint8Array(16).fill(7), folder: null, scratch };
const views = {
  entities: rankingEntities.create(context),
  duplicates: rankingDuplicates.create(context),
  signals: rankingSignals.create(context),
  cohorts: rankingCohorts.create(context),
  audience: rankingAudience.create(context),
  vectors: rankingVectors.create(context),
  text: rankingText.create(context),
};
const all: readonly Materializer[] = Object.values(views);
memory.watch(() => all);
const state = new InFlight({
  entities: () => views.entities.tenant(TENANT_DEFAULT),
  signatures: () => views.duplicates.tenant(TENANT_DEFAULT),
});

let sequence = 0;
let seed = 1;
const began = performance.now();

/** A number from 0 to before 2^24 (Numerical Recipes' generator). */
function drawn(): number {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
  return seed >>> 8;
}

function draw(below: number): number {
  return Math.floor((drawn() / DRAWN) * below);
}

function write(command: RankingCommand, now: number): void {
  const decision = decideRanking(state, command, { now: now as Micros, limits: LIMITS, sealed: false });
  if (decision.outcome === 'refused') throw decision.error;
  if (decision.outcome === 'unchanged') return;
  sequence += 1;
  const commit: ViewCommit = {
    ...{ ordinal: sequence as CommitOrdinal, epoch: 1 as Epoch, sequence: sequence as Sequence },
    recordedAt: (BigInt(Math.floor(now)) * 1_000n) as RecordedAt,
    entries: decision.entries.map(({ type, payload }) => ({
      ...{ sequence: sequence as Sequence, ordinal: sequence as CommitOrdinal, type, payload },
      ...{ tenant: TENANT_DEFAULT, partitionKey: 0n, flags: 0 },
    })),
  };
  for (const view of all) view.onCommit(commit);
  memory.taken(commit.entries.reduce((sum, { payload }) => sum + payload.length, 0));
}

function taken(): Record<string, number> {
  const kept = Object.entries(views).map(([name, view]) => [name, (view as Materializer).memory!().kept]);
  const { totals, cells } = views.signals.memoryBytes();
  return { ...Object.fromEntries(kept), signalTotals: totals, signalCells: cells };
}

function define(): void {
  const vector = dimensions === 0 ? '' : `, embedding VECTOR(${dimensions}) METRIC cosine`;
  const taste = dimensions === 0 ? '' : `, taste VECTOR(${dimensions}) PREFERENCE OF item.embedding`;
  const moves = dimensions === 0 ? '' : ', PREFERENCE taste +0.1';
  const script = [
    'DEFINE ENTITY creator (name TEXT)',
    `DEFINE ENTITY item (title TEXT SEARCH, format KEYWORD FILTER, year INTEGER FILTER, creator REFERENCES creator${vector})`,
    `DEFINE ENTITY user (country KEYWORD DIMENSION, age KEYWORD DIMENSION${taste})`,
    ...SIGNALS.map(
      (name) =>
        `DEFINE SIGNAL ${name} ON item POSITIVE DECAY EXPONENTIAL HALF LIFE 7d WINDOWS (1h, 24h, 7d, 30d) COHORTS EFFECTS (STATE seen${moves})`,
    ),
  ];
  for (const statement of parseScript(script.join(';')))
    if (statement.statement === 'define') write(commandOf(statement, []), BEGINNING);
}

function putAll(
  kind: string,
  count: number,
  of: (at: number) => Extract<EntityDraft, { action: 'put' }>['set'],
): void {
  for (let from = 0; from < count; from += BATCH) {
    const entities = Array.from({ length: Math.min(BATCH, count - from) }, (_, index): EntityDraft => {
      const at = from + index;
      return {
        ...{ action: 'put', kind, key: `${kind}-${at}`, set: of(at), state: null },
        at: BEGINNING as Micros,
      };
    });
    write({ command: 'put-entities', entities, failure: 'all' }, BEGINNING);
  }
}

/** Of the words of a language, those that are used most are few. */
function title(): string {
  return Array.from({ length: TITLE_WORDS }, () => {
    const rank = Math.floor(((drawn() / DRAWN) * Math.sqrt(WORDS)) ** 2);
    return `w${rank.toString(36)}`;
  }).join(' ');
}

function itemOf(at: number): Extract<EntityDraft, { action: 'put' }>['set'] {
  const set = {
    ...{ title: title(), format: ['video', 'audio', 'text'][at % 3]!, year: 1990 + (at % 36) },
    creator: `creator-${draw(Math.max(1, Math.floor(items / 50)))}`,
  };
  if (dimensions === 0) return set;
  return {
    ...set,
    embedding: Float32Array.from({ length: dimensions }, () => drawn() / DRAWN - 0.5),
  };
}

/** The pair of item and signal whose turn it is, all over the place; -1: chance decides. */
function turnOf(at: number, pairs: number): number {
  const every = signals >= 2 * pairs ? 2 : 1;
  const turn = at / every;
  return Number.isInteger(turn) && turn < pairs ? (turn * SCATTER) % pairs : -1;
}

function signalAll(): void {
  const pairs = items * SIGNALS.length;
  for (let from = 0; from < signals; from += BATCH) {
    const time = BEGINNING + Math.floor((from / signals) * DAYS * DAY);
    const drafts = Array.from({ length: Math.min(BATCH, signals - from) }, (_, index): SignalDraft => {
      const turn = turnOf(from + index, pairs);
      const target = turn < 0 ? Math.floor((drawn() / DRAWN) ** 2 * items) : turn % items;
      const kind = turn < 0 ? draw(SIGNALS.length) : Math.floor(turn / items);
      return {
        ...{ signal: SIGNALS[kind]!, target: `item-${target}`, user: `user-${draw(users)}` },
        ...{ weight: null, at: time as Micros, id: null },
      };
    });
    write({ command: 'signals', signals: drafts, failure: 'all' }, time);
  }
}

/** Milliseconds of a first question about each window, which adds everything up, and of the next. */
function questions(): Record<string, readonly [number, number]> {
  const now = (BEGINNING + DAYS * DAY - 1) as Micros;
  const kind = state.schema.schema.signals[0]!.id;
  const ask = (window: '1h' | '24h' | '7d' | '30d'): number => {
    const start = performance.now();
    views.signals.tenant(TENANT_DEFAULT).top(kind, 'count', window, 50, now);
    return Math.round((performance.now() - start) * 1_000) / 1_000;
  };
  return Object.fromEntries(
    (['1h', '24h', '7d', '30d'] as const).map((window) => [window, [ask(window), ask(window)]]),
  );
}

function difference(after: Record<string, number>, before: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(after).map(([name, bytes]) => [name, bytes - before[name]!]));
}

function sum(bytes: Record<string, number>): number {
  return Object.keys(views).reduce((total, name) => total + bytes[name]!, 0);
}

function each(bytes: number, count: number): number {
  return count === 0 ? 0 : Math.round((bytes / count) * 10) / 10;
}

try {
  define();
  const empty = taken();
  putAll('creator', Math.max(1, Math.floor(items / 50)), (at) => ({ name: `creator ${at}` }));
  const creators = taken();
  putAll('item', items, itemOf);
  const withItems = taken();
  report(`${items} items after ${Math.round(performance.now() - began)} ms`);
  putAll('user', users, (at) => ({
    country: COUNTRIES[at % COUNTRIES.length]!,
    age: AGES[draw(AGES.length)]!,
  }));
  const withUsers = taken();
  const start = performance.now();
  signalAll();
  const micros = ((performance.now() - start) * 1_000) / Math.max(1, signals);
  memory.look();
  const end = taken();
  const bySignals = difference(end, withUsers);
  const pairs = Math.min(items * SIGNALS.length, signals);
  const cohortCells = views.cohorts.memoryBytes().cellCount;
  const status = memory.status();
  const asked = questions();
  console.log(
    JSON.stringify(
      {
        ...{ items, users, signals, dimensions, kinds: SIGNALS.length, days: DAYS },
        budgetMiB: budget === 0 ? null : budget,
        bytes: {
          ...{ creators: difference(creators, empty), items: difference(withItems, creators) },
          ...{ users: difference(withUsers, withItems), signals: bySignals, end },
        },
        each: {
          item: each(sum(difference(withItems, creators)), items),
          user: each(sum(difference(withUsers, withItems)), users),
          itemAndSignal: each(bySignals['signalTotals']!, pairs),
          signalInAudience: each(bySignals['audience']!, signals),
          cohortCell: each(end['cohorts']! + (budget === 0 ? 0 : status.spilled), cohortCells),
        },
        ...{ cohortCells, kept: status.kept, ready: status.ready, spilled: status.spilled },
        residentMiB: Math.round(process.memoryUsage.rss() / MIB),
        microsPerSignal: Math.round(micros * 100) / 100,
        topMillis: asked,
      },
      null,
      2,
    ),
  );
} finally {
  scratch.clear();
  rmSync(folder, { recursive: true, force: true });
}
