/** Counts in power-of-two buckets, in memory that another thread may read while it is written. */
import type { HistogramSnapshot } from './log.ts';

const BUCKETS = 24;
const SUM = BUCKETS;
const COUNT = BUCKETS + 1;

/** Float64 cells one histogram takes. */
export const HISTOGRAM_CELLS = 32;

const BOUNDS: readonly number[] = [
  ...Array.from({ length: BUCKETS - 1 }, (_, at) => 2 ** at),
  Number.POSITIVE_INFINITY,
];

export class Histogram {
  readonly #cells: Float64Array;

  /** `cells` must have HISTOGRAM_CELLS. One thread observes; others may take snapshots, which can be one observation behind. */
  constructor(cells: Float64Array) {
    this.#cells = cells;
  }

  observe(value: number): void {
    const bucket = value <= 1 ? 0 : Math.min(32 - Math.clz32(Math.ceil(value) - 1), BUCKETS - 1);
    this.#add(bucket, 1);
    this.#add(SUM, value);
    this.#add(COUNT, 1);
  }

  /** Sum of all observations. */
  get sum(): number {
    return this.#cells[SUM] ?? 0;
  }

  snapshot(): HistogramSnapshot {
    return {
      bounds: BOUNDS,
      counts: [...this.#cells.subarray(0, BUCKETS)],
      sum: this.sum,
      count: this.#cells[COUNT] ?? 0,
    };
  }

  #add(cell: number, value: number): void {
    this.#cells[cell] = (this.#cells[cell] ?? 0) + value;
  }
}
