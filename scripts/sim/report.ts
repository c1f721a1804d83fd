/** What many seeds came to, added up; small enough to keep, whole enough to act on. */
import type { SeedResult } from '../../db/sim/index.ts';

/** A seed that broke a property, with what it takes to see it again. */
export interface Failure {
  readonly seed: number;
  readonly property: string;
  readonly detail: string;
  readonly digest: string;
}

export interface Tally {
  seeds: number;
  operations: number;
  /** Seeds by outcome: held, refused, residue, violated. */
  readonly outcomes: Record<string, number>;
  /** Seeds by level and kind. */
  readonly kinds: Record<string, number>;
  /** Lives, commands, power cuts and so on, over all seeds. */
  readonly counts: Record<string, number>;
  readonly failures: Failure[];
  /** Each seed's trace digest; filled only when asked for. */
  readonly digests: Record<string, string>;
}

const FAILURES_SHOWN = 20;

export function newTally(): Tally {
  return { seeds: 0, operations: 0, outcomes: {}, kinds: {}, counts: {}, failures: [], digests: {} };
}

export function addResult(tally: Tally, result: SeedResult): void {
  const { seed, outcome, property, detail, digest, plan, counts, operations } = result;
  tally.seeds += 1;
  tally.operations += operations;
  add(tally.outcomes, outcome, 1);
  add(tally.kinds, `${plan.level} ${plan.kind}`, 1);
  for (const [name, value] of Object.entries(counts)) add(tally.counts, name, value);
  if (outcome === 'violated') tally.failures.push({ seed, property: property ?? '', detail, digest });
}

export function mergeTally(into: Tally, from: Tally): void {
  into.seeds += from.seeds;
  into.operations += from.operations;
  for (const name of ['outcomes', 'kinds', 'counts'] as const) {
    for (const [key, value] of Object.entries(from[name])) add(into[name], key, value);
  }
  Object.assign(into.digests, from.digests);
  into.failures.push(...from.failures);
  into.failures.sort((a, b) => a.seed - b.seed);
}

/** For people: one line of totals, one per sort of seed, one per failure with the way to see it again. */
export function tallyText(tally: Tally, seconds: number): string {
  const list = (record: Readonly<Record<string, number>>): string =>
    Object.entries(record)
      .sort(([a], [b]) => a.localeCompare(b))
      .map(([key, value]) => `${key} ${value}`)
      .join(', ');
  const failures = tally.failures
    .slice(0, FAILURES_SHOWN)
    .map(
      ({ seed, property, detail }) =>
        `  seed ${seed}: ${property}: ${detail.split('\n')[0]}\n    npm run sim -- --seed ${seed} --trace`,
    );
  return [
    `${tally.seeds} seeds in ${seconds.toFixed(0)} s: ${list(tally.outcomes)}`,
    `  sorts: ${list(tally.kinds)}`,
    `  ${tally.operations} disk calls, ${list(tally.counts)}`,
    ...failures,
    ...(tally.failures.length > failures.length
      ? [`  and ${tally.failures.length - failures.length} more`]
      : []),
  ].join('\n');
}

function add(record: Record<string, number>, key: string, value: number): void {
  record[key] = (record[key] ?? 0) + value;
}
