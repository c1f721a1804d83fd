/** What the parts of `bench sql` are given and give back, and how contenders take turns. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type BenchAim, type BenchRow, median, rounded } from '../bench.ts';
import { type Plan, rotated } from '../peers/rounds.ts';

export interface SqlPlan extends Plan {
  /** Smaller sizes, for a look rather than a verdict. */
  readonly quick: boolean;
}

/** One measured figure. */
export interface SqlFinding {
  readonly part: string;
  readonly load: string;
  readonly who: string;
  readonly unit: string;
  readonly value: number;
  /** Against whom the aim is, the median of the rounds; 1 for that one itself, null where there is no such comparison. */
  readonly ratio: number | null;
  readonly note: string;
}

export interface SqlPartResult {
  readonly findings: readonly SqlFinding[];
  readonly aims: readonly BenchAim[];
}

export interface TurnTaker {
  readonly name: string;
  /** Measures once and returns the figure. `isCounted` is false in the first round, which only warms up. */
  readonly run: (isCounted: boolean) => Promise<number>;
}

/** Figures of each by name, one a round; every round begins with another one, and what they leave behind settles between. */
export async function inTurns(
  takers: readonly TurnTaker[],
  { rounds, signal }: Pick<Plan, 'rounds' | 'signal'>,
  pauseMillis = 0,
): Promise<ReadonlyMap<string, readonly number[]>> {
  const figures = new Map<string, number[]>(takers.map(({ name }) => [name, []]));
  for (let round = -1; round < rounds; round++) {
    for (const { name, run } of rotated(takers, round + 1)) {
      signal.throwIfAborted();
      const figure = await run(round >= 0);
      if (round >= 0) figures.get(name)?.push(figure);
      if (pauseMillis > 0) await sleep(pauseMillis);
    }
  }
  return figures;
}

/** Median of the rounds' ratios: neighbours in time are compared, not the luckiest moments of each. */
export function ratioInTurns(
  figures: ReadonlyMap<string, readonly number[]>,
  of: string,
  to: string,
): number {
  const [ours, theirs] = [figures.get(of) ?? [], figures.get(to) ?? []];
  return median(ours.map((value, round) => value / (theirs[round] ?? Number.NaN)));
}

export function medianOf(figures: ReadonlyMap<string, readonly number[]>, of: string): number {
  return median(figures.get(of) ?? []);
}

export function rowOf({ part, load, who, unit, value, ratio, note }: SqlFinding): BenchRow {
  return { part, load, who, value: rounded(value), unit, ratio: ratio === null ? '' : rounded(ratio), note };
}
