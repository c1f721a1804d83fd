import type { Clock, Scheduler } from '../../io/index.ts';
import type { SelectStatement } from '../ast.ts';
import type { Catalog } from '../catalog/index.ts';
import { AnswerBuilder } from '../execute/answer.ts';
import { Budget, cancelledError } from '../execute/budget.ts';
import { openQuery, type QueryTools } from '../execute/open-query.ts';
import type { Query, QueryAnswer, QueryStore } from '../execute/query.ts';
import { NO_READ_LOG } from '../execute/read-log.ts';
import { answerByKey, isRowByKey } from '../execute/row-by-key.ts';
import { Planner } from '../plan/planner.ts';
import { isPoint, type ReadPlan } from '../plan/read-plan.ts';

export interface SteppedQueriesOptions {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly randomUuid: () => string;
}

const NEVER = (): boolean => false;
const NO_TABLE = new Error('there is no such table now');
const noTable = (): Error => NO_TABLE;
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
   * The answer of a query that is over so soon that nobody has to wait for it; null for all others. Within the call, so that it
   * needs no snapshot of its own. Throws what carrying it out does.
   */
  point(store: QueryStore, query: Query): QueryAnswer | null {
    const { statement, limits } = query;
    if (statement.statement !== 'select') return null;
    const catalog = store.catalog();
    const isPast = statement.asOf !== null || query.at !== 'present';
    const plan = this.#planNow(catalog, query, statement);
    if (plan === null || !isPoint(plan, isPast)) return null;
    const { clock, randomUuid } = this.#options;
    const budget = new Budget({ limits, clock, cancelled: NEVER });
    const { reader, done } = store.glance();
    try {
      if (!isPast && !query.notesReads && isRowByKey(plan))
        return answerByKey(plan, { reader, at: null, budget, reads: NO_READ_LOG }, query, randomUuid);
      const { catalogs } = store;
      const tools: QueryTools = { planner: this.#planner, catalogs, present: catalog, randomUuid };
      const open = openQuery(reader, query, budget, tools);
      // In the past there may have been other keys.
      return open.atOnce ? new AnswerBuilder(open, budget).step(NEVER) : null;
    } finally {
      done();
    }
  }

  /** As the tables are now: for a query about the past a good guess. Null where planning fails: whoever carries it out will say why. */
  #planNow(catalog: Catalog, query: Query, statement: SelectStatement): ReadPlan | null {
    const { text, parameters, parameterTypes } = query;
    try {
      const missing = noTable;
      const request = { statement, text, parameters: parameters.length, parameterTypes, catalog, missing };
      return this.#planner.plan(request);
    } catch {
      return null;
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
