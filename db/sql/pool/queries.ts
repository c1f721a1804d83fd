import type { Query, QueryAnswer, QueryRunner, QueryStore } from '../execute/query.ts';
import { ReaderPool, type ReaderPoolOptions } from './reader-pool.ts';
import { SteppedQueries, type SteppedQueriesOptions } from './stepped-queries.ts';

export interface QueriesOptions extends SteppedQueriesOptions, ReaderPoolOptions {}

/** Sends each query the way it should take. */
export class Queries implements QueryRunner {
  readonly #stepped: SteppedQueries;
  readonly #pool: ReaderPool;
  readonly #threads: number;

  constructor(options: QueriesOptions) {
    this.#stepped = new SteppedQueries(options);
    this.#pool = new ReaderPool(options);
    this.#threads = options.threads;
  }

  /** Of the threads: what status and metrics show. */
  get load(): ReaderPool['load'] {
    return this.#pool.load;
  }

  point(store: QueryStore, query: Query): QueryAnswer | null {
    return this.#stepped.point(store, query);
  }

  async run(store: QueryStore, query: Query, signal: AbortSignal | null = null): Promise<QueryAnswer> {
    const answer = signal?.aborted === true ? null : this.#stepped.point(store, query);
    if (answer !== null) return answer;
    const { path } = store;
    if (path === null || this.#threads === 0) return this.#stepped.run(store, query, signal);
    return this.#pool.run(path, query, signal);
  }

  close(): Promise<void> {
    return this.#pool.close();
  }
}
