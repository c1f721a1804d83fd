/**
 * The ranking layer as the doors see it: statements and commands come in, answers go out. Questions are answered on the ordering
 * thread between two commits, so all views stand at one position; each has a budget of time and steps.
 */
import { TruthError } from '../errors.ts';
import type { Clock } from '../io/index.ts';
import type { KindId, Micros } from '../ranking/ground.ts';
import type { RankingCommand } from '../ranking/kernel/index.ts';
import {
  asOfMoment,
  type BindInput,
  bindQuery,
  bindSuggest,
  commandOf,
} from '../ranking/retrieve/bind/index.ts';
import { type QueryLimits, Retriever } from '../ranking/retrieve/index.ts';
import {
  type Parameters,
  parse,
  type QueryStatement,
  type Statement,
  type SuggestStatement,
} from '../ranking/retrieve/language/index.ts';
import type { QueryResult } from '../ranking/retrieve/query.ts';
import { type SchemaFacts, SchemaHistory, type ShownTable, show } from '../ranking/schema/index.ts';
import type { Sequence, TenantId } from '../types.ts';
import type { Log } from '../wal/log.ts';
import type { RankingPath, RankingWritten } from './ranking-path.ts';
import {
  type LiveRankingViews,
  ReplayedRankingViews,
  type TenantRanking,
  tenantRanking,
} from './ranking-views.ts';

const NANOS_PER_MICRO = 1_000n;
const DEADLINE_MICROS = 1_000_000;
const STEPS = 50_000_000;
const CANDIDATES = 20_000;
/** How long views may be replayed for a question about the past, and how often others of the thread have their turn. */
const REPLAY_MICROS_MAX = 10_000_000;
const COMMITS_AT_ONCE = 16;

/** What a statement is answered. */
export type RankingAnswer =
  | ({ readonly answer: 'written' } & RankingWritten)
  | { readonly answer: 'hits'; readonly result: QueryResult }
  | {
      readonly answer: 'suggestions';
      readonly suggestions: readonly {
        readonly text: string;
        readonly weight: number;
        readonly typos: number;
      }[];
      readonly position: Sequence;
    }
  | { readonly answer: 'table'; readonly table: ShownTable; readonly position: Sequence };

/** What doors ask of the layer. */
export interface RankingDatabase {
  /**
   * One statement of the language. What was written before on the same tenant is seen. Errors: those of the parser and the binder
   * (INVALID_ARGUMENT, NOT_FOUND with the closest name), TIMEOUT, VIEW_UNAVAILABLE, those of `write`.
   */
  execute(tenant: TenantId, text: string, parameters: Parameters): Promise<RankingAnswer>;
  /** The same, of a statement that was built. */
  run(tenant: TenantId, statement: Statement, parameters: Parameters): Promise<RankingAnswer>;
  write(tenant: TenantId, command: RankingCommand): Promise<RankingWritten>;
  /** What `write` would answer; nothing is written. */
  check(tenant: TenantId, command: RankingCommand): Promise<RankingWritten>;
}

export interface RankingDoorOptions {
  readonly log: Log;
  readonly clock: Clock;
  readonly path: RankingPath;
  readonly views: LiveRankingViews;
  /** Position of the views. */
  readonly applied: () => Sequence;
  readonly pause: () => Promise<void>;
  readonly closing: AbortSignal;
}

export class RankingDoor implements RankingDatabase {
  readonly #options: RankingDoorOptions;
  readonly #retriever = new Retriever();
  readonly #limits: QueryLimits;

  constructor(options: RankingDoorOptions) {
    this.#options = options;
    const { clock } = options;
    this.#limits = {
      clock: () => Number(clock.monotonicNanos()) / 1000,
      deadlineMicros: DEADLINE_MICROS,
      steps: STEPS,
      candidates: CANDIDATES,
    };
  }

  /** Steps of work that vectors of the tenant wait for; 0 also while their view cannot be asked. */
  due(tenant: TenantId): number {
    return this.#options.views.due(tenant);
  }

  async execute(tenant: TenantId, text: string, parameters: Parameters): Promise<RankingAnswer> {
    return this.run(tenant, parse(text), parameters);
  }

  async run(tenant: TenantId, statement: Statement, parameters: Parameters): Promise<RankingAnswer> {
    switch (statement.statement) {
      case 'define':
      case 'signal':
      case 'upsert':
      case 'delete':
      case 'relate':
      case 'unrelate':
        return { answer: 'written', ...(await this.write(tenant, commandOf(statement, parameters))) };
      case 'retrieve':
      case 'search':
        return { answer: 'hits', result: await this.#query(tenant, statement, parameters) };
      case 'suggest':
        return this.#suggest(tenant, statement, parameters);
      case 'show':
        return this.#show(tenant, statement.what);
      case 'evaluate':
        throw new TruthError(
          'INVALID_ARGUMENT',
          'EVALUATE replays the log, which a server does not do beside its work: run `truthdb evaluate` on the directory of the database, with the rest of the statement',
        );
    }
  }

  write(tenant: TenantId, command: RankingCommand): Promise<RankingWritten> {
    return this.#options.path.write(tenant, command);
  }

  check(tenant: TenantId, command: RankingCommand): Promise<RankingWritten> {
    return this.#options.path.check(tenant, command);
  }

  async #query(tenant: TenantId, statement: QueryStatement, parameters: Parameters): Promise<QueryResult> {
    const asOf = asOfMoment(statement.moment, parameters);
    if (asOf !== null) {
      const past = await this.#past(
        asOf.asOf === 'position' ? { position: asOf.position } : { time: asOf.time },
      );
      const ranking = required(tenantRanking(past.views, tenant));
      return this.#answer(ranking, statement, parameters, past.now, past.position);
    }
    await this.#options.path.caughtUp();
    const ranking = this.#live(tenant);
    return this.#answer(ranking, statement, parameters, this.#now(), this.#options.applied());
  }

  #answer(
    ranking: TenantRanking,
    statement: QueryStatement,
    parameters: Parameters,
    now: Micros,
    position: number,
  ): QueryResult {
    const query = bindQuery(statement, bindInput(ranking, parameters, now));
    return this.#retriever.answer(query, readersOf(ranking, query.kind.id), position, this.#limits);
  }

  async #suggest(
    tenant: TenantId,
    statement: SuggestStatement,
    parameters: Parameters,
  ): Promise<RankingAnswer> {
    await this.#options.path.caughtUp();
    const ranking = this.#live(tenant);
    const { kind, prefix, limit } = bindSuggest(statement, bindInput(ranking, parameters, this.#now()));
    const suggestions = readersOf(ranking, kind.id).text.suggest(kind.id, prefix, limit);
    return { answer: 'suggestions', suggestions, position: this.#options.applied() };
  }

  async #show(
    tenant: TenantId,
    what: Extract<Statement, { statement: 'show' }>['what'],
  ): Promise<RankingAnswer> {
    await this.#options.path.caughtUp();
    if (what === 'experiments') {
      throw new TruthError(
        'INVALID_ARGUMENT',
        'experiments are reported on from the log: run `truthdb evaluate --experiment NAME` on the directory of the database',
      );
    }
    const { history } = tenantRanking(this.#options.views.views, tenant) ?? { history: new SchemaHistory() };
    const facts: SchemaFacts = this.#options.path.state(tenant).facts;
    return { answer: 'table', table: show(history.record, what, facts), position: this.#options.applied() };
  }

  #live(tenant: TenantId): TenantRanking {
    return required(tenantRanking(this.#options.views.views, tenant));
  }

  #now(): Micros {
    return Number(this.#options.clock.nowNanos() / NANOS_PER_MICRO) as Micros;
  }

  /** Views as they were, by a replay from the log's beginning. Errors: TIMEOUT, INVALID_ARGUMENT, PRUNED. */
  async #past(
    at: { readonly position: number } | { readonly time: Micros },
  ): Promise<{ readonly views: ReplayedRankingViews; readonly position: number; readonly now: Micros }> {
    const { log, closing, pause, clock } = this.#options;
    const last = this.#options.applied();
    if ('position' in at && at.position > last) {
      throw new TruthError(
        'INVALID_ARGUMENT',
        `AS OF POSITION ${at.position} is behind the last commit, ${last}: nothing is known of it yet`,
        { position: at.position, last },
      );
    }
    const views = new ReplayedRankingViews(log.identity.logId);
    const began = clock.monotonicNanos();
    let [position, now, commits] = [0, 0, 0];
    for await (const commit of log.read({ from: 1 as Sequence, follow: false, signal: closing })) {
      const time = Number(commit.recordedAt / NANOS_PER_MICRO);
      if ('position' in at ? commit.sequence > at.position : time > at.time) break;
      views.apply(commit);
      position = commit.sequence;
      now = time;
      commits += 1;
      if (commits % COMMITS_AT_ONCE !== 0) continue;
      await pause();
      if (Number((clock.monotonicNanos() - began) / NANOS_PER_MICRO) > REPLAY_MICROS_MAX) {
        throw new TruthError(
          'TIMEOUT',
          `views of then are made by a replay, which had come to position ${position} after ${REPLAY_MICROS_MAX / 1_000_000} s; ask about an earlier position`,
          { position },
        );
      }
    }
    return { views, position, now: ('time' in at ? at.time : now) as Micros };
  }
}

function bindInput(ranking: TenantRanking, parameters: Parameters, now: Micros): BindInput {
  const { entities, history } = ranking;
  return { entities, parameters, now, profileVersion: (name, version) => history.profile(name, version) };
}

function readersOf(ranking: TenantRanking, kind: KindId): NonNullable<ReturnType<TenantRanking['readers']>> {
  return required(ranking.readers(kind));
}

function required<T>(ranking: T | null): T {
  if (ranking !== null) return ranking;
  throw new TruthError(
    'NOT_FOUND',
    'nothing has been defined to rank yet; begin with DEFINE ENTITY item (…), which docs/ranking.md shows',
  );
}
