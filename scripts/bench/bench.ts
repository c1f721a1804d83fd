/**
 * What a benchmark is: a name, one sentence, and a function that measures and judges itself.
 *
 * One file per benchmark lies beside this one and exports a `Bench`; registry.ts names them all; scripts/bench.ts runs
 * one and prints it. A benchmark writes its progress through the context and nothing to standard output, so that
 * `--json` gives exactly one object. Wherever an aim is a ratio, both sides are measured in the same run, interleaved:
 * absolute numbers of a shared machine mean little, ratios survive.
 */

/** One line of the table. All rows of a run have the same columns, in the order of the first row. Units belong in the column name: `fsync_p99_us`. */
export type BenchRow = Readonly<Record<string, string | number>>;

/** What a benchmark wants to reach, and whether it did. */
export interface BenchAim {
  readonly name: string;
  /** The bound as people say it: `≥ 0.7`. */
  readonly aim: string;
  readonly value: number;
  readonly met: boolean;
}

export interface BenchResult {
  readonly rows: readonly BenchRow[];
  readonly aims: readonly BenchAim[];
}

export interface BenchContext {
  /** Arguments after the benchmark's name that the runner does not know: the benchmark's own flags. */
  readonly args: readonly string[];
  /** An empty directory for this run on the file system of the working tree; removed afterwards. */
  readonly directory: string;
  /** Aborted by Ctrl-C; stop soon, what was measured is thrown away. */
  readonly signal: AbortSignal;
  /** Says what is going on, one line a step. */
  readonly progress: (line: string) => void;
}

export interface Bench {
  readonly name: string;
  /** One sentence: what is measured against what. */
  readonly summary: string;
  readonly run: (context: BenchContext) => Promise<BenchResult>;
}

/** An aim that holds when `value` is at least `bound`. */
export function atLeast(name: string, bound: number, value: number): BenchAim {
  return { name, aim: `≥ ${bound}`, value: rounded(value), met: value >= bound };
}

/** An aim that holds when `value` is at most `bound`. */
export function atMost(name: string, bound: number, value: number): BenchAim {
  return { name, aim: `≤ ${bound}`, value: rounded(value), met: value <= bound };
}

/** The middle one of the values (mean of the two middle ones when their count is even). */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new Error('the median of no values is undefined: measure at least once');
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Four significant digits: more would claim a precision no benchmark has. */
export function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
