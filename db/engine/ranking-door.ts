/**
 * The ranking layer as the doors see it: statements and commands come in, answers go out. Questions are answered by readers with
 * views of their own where there are such, otherwise on the ordering thread; between two commits, so all views stand at one position.
 */
import { TruthError } from '../errors.ts';
import type { Clock } from '../io/index.ts';
import type { Micros } from '../ranking/ground.ts';
import type { RankingCommand } from '../ranking/kernel/index.ts';
import { type AsOf, asOfMoment, commandOf } from '../ranking/retrieve/bind/index.ts';
import { type Parameters, parse, type Statement } from '../ranking/retrieve/language/index.ts';
import { type SchemaFacts, SchemaHistory, type ShownTable, show } from '../ranking/schema/index.ts';
import type { Sequence, TenantId } from '../types.ts';
import { RankingAnswers, type RankingFound, type RankingQuestion } from './ranking-answers.ts';
import type { RankingPath, RankingWritten } from './ranking-path.ts';
import type { RankingReaders } from './ranking-reader/index.ts';
import { type LiveRankingViews, tenantRanking } from './ranking-views.ts';
import { refillText } from './text-refill.ts';

const NANOS_PER_MICRO = 1_000n;

/** What a statement is answered. */
export type RankingAnswer =
  | ({ readonly answer: 'written' } & RankingWritten)
  | RankingFound
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
  readonly clock: Clock;
  readonly path: RankingPath;
  readonly views: LiveRankingViews;
  /** Position of the views. */
  readonly applied: () => Sequence;
  /** Answer what the ordering thread need not. */
  readonly readers: Pick<RankingReaders, 'askThen' | 'askNow'>;
  /** Gives others of the thread their turn. */
  readonly pause: () => Promise<void>;
  readonly closing: AbortSignal;
}

export class RankingDoor implements RankingDatabase {
  readonly #options: RankingDoorOptions;
  readonly #answers: RankingAnswers;

  constructor(options: RankingDoorOptions) {
    this.#options = options;
    this.#answers = new RankingAnswers(options.clock);
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
      case 'search': {
        const asOf = asOfMoment(statement.moment, parameters);
        const question = { tenant, statement, parameters };
        return asOf === null ? this.#now(question) : this.#then(question, asOf);
      }
      case 'suggest':
        return this.#now({ tenant, statement, parameters });
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
    const written = this.#options.path.write(tenant, command);
    return command.command === 'define' ? this.#refilled(tenant, command, written) : written;
  }

  /** Where it was allowed to work, a definition is done when what was there before is searched as it says. */
  async #refilled(
    tenant: TenantId,
    { definition, permission, run }: Extract<RankingCommand, { readonly command: 'define' }>,
    written: Promise<RankingWritten>,
  ): Promise<RankingWritten> {
    const answer = await written;
    if (definition.define !== 'entity' || permission === 'safe' || run === 'dry run') return answer;
    const { path, views, pause, closing } = this.#options;
    await path.caughtUp();
    await refillText(tenant, definition.name, {
      ...{ views: () => views.views, state: (of) => path.state(of), pause, closing },
      write: (of, command) => path.write(of, command),
    });
    return answer;
  }

  check(tenant: TenantId, command: RankingCommand): Promise<RankingWritten> {
    return this.#options.path.check(tenant, command);
  }

  async #now(question: RankingQuestion): Promise<RankingFound> {
    const { views, clock, applied, path, readers } = this.#options;
    await path.caughtUp();
    const now = Number(clock.nowNanos() / NANOS_PER_MICRO) as Micros;
    const asked = readers.askNow({ ...question, least: applied(), now });
    const found = asked === null ? null : await asked;
    return found ?? this.#answers.answer(views.views, question, { position: applied(), now });
  }

  /** Errors: TIMEOUT, INVALID_ARGUMENT, PRUNED. */
  async #then(question: RankingQuestion, asOf: AsOf): Promise<RankingFound> {
    const last = this.#options.applied();
    if (asOf.asOf === 'position' && asOf.position > last) {
      throw new TruthError(
        'INVALID_ARGUMENT',
        `AS OF POSITION ${asOf.position} is behind the last commit, ${last}: nothing is known of it yet`,
        { position: asOf.position, last },
      );
    }
    return this.#options.readers.askThen({ ...question, at: asOf, last });
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
}
