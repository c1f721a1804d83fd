import { TruthError } from '../../../errors.ts';

/** How long a query may take and how much it may look at. */
export interface QueryLimits {
  /** Micros of a clock that never goes back. */
  readonly clock: () => number;
  readonly deadlineMicros: number;
  /** Values looked at or worked out, those of all candidates together. */
  readonly steps: number;
  /** Candidates that are scored at most; memory is this many times a number for each term. */
  readonly candidates: number;
}

/** The stages of carrying a query out, as errors and EXPLAIN name them. */
export type QueryStage = 'plan' | 'filter' | 'within' | 'candidates' | 'conditions' | 'scoring' | 'arranging';

const ADVICE: Readonly<Record<QueryStage, string>> = Object.freeze({
  plan: 'shorten the query',
  filter: 'use a FILTER that fewer entities pass',
  within: 'give the clauses of WITHIN smaller limits, or a narrower cohort',
  candidates: 'use a profile with fewer or smaller candidate sources, or a narrower FILTER',
  conditions: 'use a FILTER on attributes that leaves fewer candidates',
  scoring: 'use a profile with fewer terms, or a narrower FILTER',
  arranging: 'ask for a smaller LIMIT, or loosen DIVERSITY',
});

/** What is left of a query's time and steps. Asked between columns, so a query ends soon after it is over, not at once. */
export class Budget {
  readonly #limits: QueryLimits;
  readonly #start: number;
  #steps = 0;
  #stage: QueryStage = 'plan';

  constructor(limits: QueryLimits) {
    this.#limits = limits;
    this.#start = limits.clock();
  }

  get candidates(): number {
    return this.#limits.candidates;
  }

  enter(stage: QueryStage): void {
    this.#stage = stage;
    this.charge(0);
  }

  /** Throws TIMEOUT when the time is up or the steps are used up. */
  charge(steps: number): void {
    this.#steps += steps;
    if (this.#steps > this.#limits.steps) {
      throw this.#error(`after ${this.#steps} of the ${this.#limits.steps} steps a query may take`);
    }
    const taken = this.#limits.clock() - this.#start;
    if (taken > this.#limits.deadlineMicros) {
      throw this.#error(`after ${milliseconds(taken)} of ${milliseconds(this.#limits.deadlineMicros)}`);
    }
  }

  #error(after: string): TruthError {
    return new TruthError(
      'TIMEOUT',
      `the query was stopped while it was at its ${this.#stage} ${after}; to narrow it, ${ADVICE[this.#stage]}`,
      { stage: this.#stage, steps: this.#steps },
    );
  }
}

function milliseconds(micros: number): string {
  return `${Math.round(micros / 1000)} ms`;
}
