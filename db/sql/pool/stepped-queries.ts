import type { Clock, Scheduler } from '../../io/index.ts';
import { AnswerBuilder } from '../execute/answer.ts';
import { Budget, cancelledError } from '../execute/budget.ts';
import { openQuery, type QueryTools } from '../execute/open-query.ts';
import type { Query, QueryAnswer, QueryStore } from '../execute/query.ts';
import { Planner } from '../plan/planner.ts';
import { isPoint } from '../plan/read-plan.ts';

export interface SteppedQueriesOptions {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly randomUuid: () => string;
}

const NO_TABLE = new Error('there is no such table now');
export type Way = 'at once' | 'in steps' | 'apart';

/** What one step may take of the thread, which others wait for. */
const STEP_NANOS = 2_000_000n;

/**
 * Queries on the calling thread: at once where they are over at once, otherwise bit by bit between turns of the event loop.
 * Each sees one snapshot from its beginning to its end.
 */
export class SteppedQueries {
  readonly #options: SteppedQueriesOptions;
  readonly #planner = new Planner();

  constructor(options: SteppedQueriesOptions) {
    this.#options = options;
  }

  /**
   * Which way a query should go, as the tables are now: `at once` where nobody has to wait for it, `in steps` where it would
   * be so if the tables were the same in the past that it asks about, `apart` for everything else.
   */
  wayOf(store: QueryStore, { statement, text, parameters, parameterTypes, at }: Query): Way {
    if (statement.statement !== 'select') return 'apart';
    const catalog = store.catalog();
    const missing = (): Error => NO_TABLE;
    try {
      const request = { statement, text, parameters: parameters.length, parameterTypes, catalog, missing };
      const plan = this.#planner.plan(request);
      if (!isPoint(plan)) return 'apart';
      if (statement.asOf === null && at === 'present') return 'at once';
      // How many rows there were nobody has counted.
      return plan.plan === 'select' && plan.counts ? 'apart' : 'in steps';
    } catch {
      // Whoever carries it out will say why.
      return 'apart';
    }
  }

  /** Of the present only. Within the call, so that it needs no snapshot of its own. */
  async runPoint(store: QueryStore, query: Query): Promise<QueryAnswer> {
    const { clock, randomUuid } = this.#options;
    const budget = new Budget({ limits: query.limits, clock, cancelled: () => false });
    const { reader, done } = store.glance();
    try {
      const { catalogs } = store;
      const tools: QueryTools = { planner: this.#planner, catalogs, present: store.catalog(), randomUuid };
      const answer = new AnswerBuilder(openQuery(reader, query, budget, tools), budget).step(() => false);
      if (answer === null) throw new Error('a query that is not to pause has paused');
      return answer;
    } finally {
      done();
    }
  }

  async run(store: QueryStore, query: Query, signal: AbortSignal | null): Promise<QueryAnswer> {
    if (signal?.aborted === true) throw cancelledError();
    const { clock, scheduler, randomUuid } = this.#options;
    const budget = new Budget({ limits: query.limits, clock, cancelled: () => signal?.aborted === true });
    const snapshot = store.snapshot();
    try {
      const { catalogs } = store;
      const tools: QueryTools = { planner: this.#planner, catalogs, present: null, randomUuid };
      const builder = new AnswerBuilder(openQuery(snapshot, query, budget, tools), budget);
      for (;;) {
        const end = clock.monotonicNanos() + STEP_NANOS;
        const answer = builder.step(() => clock.monotonicNanos() >= end);
        if (answer !== null) return answer;
        await new Promise<void>((resolve) => scheduler.endOfTurn(resolve));
        budget.check();
      }
    } finally {
      snapshot.close();
    }
  }
}
