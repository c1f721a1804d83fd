import type { StagePlan } from '../query.ts';

/** What a query went through, a row a stage, with how many candidates were left and how long it took. */
export class Trace {
  readonly #clock: () => number;
  readonly #rows: StagePlan[] = [];
  #since: number;

  constructor(clock: () => number) {
    this.#clock = clock;
    this.#since = clock();
  }

  get rows(): readonly StagePlan[] {
    return this.#rows;
  }

  /** The time since the row before it is this one's. */
  row(stage: string, detail: string, before: number, after: number): void {
    const now = this.#clock();
    this.#rows.push(Object.freeze({ stage, detail, before, after, micros: now - this.#since }));
    this.#since = now;
  }
}
