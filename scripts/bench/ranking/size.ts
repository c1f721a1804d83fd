/** How large the worlds of `bench ranking` are. */

export const DIMENSIONS = 128;
export const SIZES = ['small', 'medium', 'full'] as const;
export type SizeName = (typeof SIZES)[number];

export interface WorldSize {
  readonly items: number;
  /** The most popular items that have a vector. */
  readonly vectors: number;
  readonly users: number;
  readonly signals: number;
}

export interface BenchSize {
  readonly name: SizeName;
  /** Behind a server: trending, SQL, queries, rebuild. */
  readonly served: WorldSize;
  /** In this process, for what a signal costs and takes: `measured` more behind its signals are timed. */
  readonly written: WorldSize & { readonly measured: number };
  /** Documents of the comparison with FTS5. */
  readonly documents: number;
  /** Vectors compared with other libraries, by their dimensions. */
  readonly vectors: readonly { readonly dimensions: number; readonly count: number }[];
  /** Signals written behind a checkpoint before the server is killed. */
  readonly tail: number;
  /** Numbers of items and of users of the cost curves; the first is what stays when the other grows. */
  readonly curves: {
    readonly items: readonly number[];
    readonly users: readonly number[];
    readonly signals: number;
  };
  /** Questions of a kind in a round; where the peer takes long for each, not more than `slowly`. */
  readonly questions: number;
  readonly slowly: number;
}

const THOUSAND = 1_000;
const MILLION = 1_000_000;

export const SIZE: Readonly<Record<SizeName, BenchSize>> = {
  small: {
    name: 'small',
    served: { items: 20 * THOUSAND, vectors: 20 * THOUSAND, users: 4 * THOUSAND, signals: 200 * THOUSAND },
    written: {
      ...{ items: 20 * THOUSAND, vectors: 20 * THOUSAND, users: 4 * THOUSAND },
      ...{ signals: 100 * THOUSAND, measured: 100 * THOUSAND },
    },
    documents: 20 * THOUSAND,
    vectors: [{ dimensions: DIMENSIONS, count: 10 * THOUSAND }],
    tail: 30 * THOUSAND,
    curves: {
      items: [2 * THOUSAND, 20 * THOUSAND],
      users: [THOUSAND, 10 * THOUSAND],
      signals: 100 * THOUSAND,
    },
    questions: 60,
    slowly: 30,
  },
  medium: {
    name: 'medium',
    served: {
      items: 200 * THOUSAND,
      vectors: 50 * THOUSAND,
      users: 20 * THOUSAND,
      signals: 2 * MILLION,
    },
    written: {
      ...{ items: 200 * THOUSAND, vectors: 50 * THOUSAND, users: 20 * THOUSAND },
      ...{ signals: MILLION, measured: 500 * THOUSAND },
    },
    documents: 100 * THOUSAND,
    vectors: [{ dimensions: DIMENSIONS, count: 50 * THOUSAND }],
    tail: 300 * THOUSAND,
    curves: {
      items: [5 * THOUSAND, 50 * THOUSAND, 500 * THOUSAND],
      users: [THOUSAND, 10 * THOUSAND, 100 * THOUSAND],
      signals: 300 * THOUSAND,
    },
    questions: 200,
    slowly: 50,
  },
  full: {
    name: 'full',
    served: { items: MILLION, vectors: 100 * THOUSAND, users: 100 * THOUSAND, signals: 10 * MILLION },
    written: {
      ...{ items: MILLION, vectors: 100 * THOUSAND, users: 100 * THOUSAND },
      ...{ signals: 2 * MILLION, measured: MILLION },
    },
    documents: MILLION,
    vectors: [
      { dimensions: DIMENSIONS, count: 100 * THOUSAND },
      { dimensions: 1536, count: 25 * THOUSAND },
    ],
    tail: 300 * THOUSAND,
    curves: {
      items: [10 * THOUSAND, 100 * THOUSAND, MILLION],
      users: [THOUSAND, 10 * THOUSAND, 100 * THOUSAND],
      signals: 500 * THOUSAND,
    },
    questions: 300,
    slowly: 50,
  },
};
