/** Numbers of a tally. */
import { bootstrapInterval, type Interval } from './bootstrap.ts';
import { LIST_LENGTH, METRICS, type Metric, worthOf } from './metrics.ts';
import type { Tally } from './tally.ts';

export interface RankerFigures {
  readonly ranker: string;
  /** Means over moments. */
  readonly metrics: Readonly<Record<Metric, number>>;
  /** Mean over users of the share of what they went for that was among the 20. */
  readonly recall: number;
  /** Share of all items that were in any list. */
  readonly coverage: number;
  /** By attribute, or `creator`: mean share of different values in a list. */
  readonly diversity: Readonly<Record<string, number>>;
  readonly cohorts: readonly CohortFigures[];
}

interface CohortFigures {
  readonly cohort: string;
  readonly moments: number;
  readonly metrics: Readonly<Record<Metric, number>>;
}

/** How much better one ranker is than another, with an interval that holds the truth 95 times of 100. */
export interface Difference extends Interval {
  readonly ranker: string;
  readonly against: string;
  readonly metric: Metric;
}

const COMPARED: readonly Metric[] = ['HR@10', 'NDCG@10', 'MRR'];

/** `items`: how many there are to recommend. */
export function figuresOf(tally: Tally, items: number): readonly RankerFigures[] {
  return tally.rankers.map((ranker, index) => {
    const places = tally.places(index);
    return {
      ranker,
      metrics: means(places),
      recall: recall(places, tally.users),
      coverage: items === 0 ? 0 : tally.recommended(index) / items,
      diversity: tally.variety(index),
      cohorts: [...tally.cohorts].map(([cohort, moments]) => ({
        cohort,
        moments: moments.length,
        metrics: means(Uint8Array.from(moments, (at) => places[at]!)),
      })),
    };
  });
}

/** The first ranker against each of the others. */
export function differencesOf(tally: Tally, seed: number): readonly Difference[] {
  const [ranker, ...others] = tally.rankers;
  if (ranker === undefined || tally.count === 0) return [];
  return others.flatMap((against, index) =>
    COMPARED.map((metric) => {
      const worth = worthOf(metric);
      const [ours, theirs] = [tally.places(0), tally.places(index + 1)];
      const differences = Float64Array.from(ours, (place, at) => worth[place]! - worth[theirs[at]!]!);
      return { ranker, against, metric, ...bootstrapInterval(differences, tally.users, seed) };
    }),
  );
}

function means(places: Uint8Array): Readonly<Record<Metric, number>> {
  const counts = new Float64Array(LIST_LENGTH + 1);
  for (const place of places) counts[place]! += 1;
  const mean = (metric: Metric): number => {
    if (places.length === 0) return 0;
    return worthOf(metric).reduce((sum, worth, place) => sum + worth * counts[place]!, 0) / places.length;
  };
  return Object.fromEntries(METRICS.map((metric) => [metric, mean(metric)])) as Record<Metric, number>;
}

function recall(places: Uint8Array, users: Uint32Array): number {
  const byUser = new Map<number, { found: number; all: number }>();
  for (const [at, user] of users.entries()) {
    const known = byUser.get(user) ?? { found: 0, all: 0 };
    byUser.set(user, { found: known.found + (places[at] === 0 ? 0 : 1), all: known.all + 1 });
  }
  let sum = 0;
  for (const { found, all } of byUser.values()) sum += found / all;
  return byUser.size === 0 ? 0 : sum / byUser.size;
}
