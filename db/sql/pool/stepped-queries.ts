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

  /** Whether it is over so soon that nobody has to wait for it, as the tables are now. False where planning fails. */
  isPoint(store: QueryStore, { statement, text, parameters, parameterTypes }: Query): boolean {
    if (statement.statement === 'explain') return false;
    const catalog = store.catalog();
    const missing = (): Error => NO_TABLE;
    try {
      const request = { statement, text, parameters: parameters.length, parameterTypes, catalog, missing };
      return isPoint(this.#planner.plan(request));
    } catch {
      // Whoever carries it out will say why.
      return false;
    }
  }

  async run(store: QueryStore, query: Query, signal: AbortSignal | null): Promise<QueryAnswer> {
    if (signal?.aborted === true) throw cancelledError();
    const { clock, scheduler, randomUuid } = this.#options;
    const budget = new Budget({ limits: query.limits, clock, cancelled: () => signal?.aborted === true });
    const snapshot = store.snapshot();
    try {
      const tools: QueryTools = { planner: this.#planner, catalogs: store.catalogs, randomUuid };
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
