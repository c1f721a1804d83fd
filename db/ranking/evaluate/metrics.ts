/** What a place in a list is worth. One thing was gone for at each moment, so the best there is is the first place. */
import { log2 } from '../../numeric/index.ts';

/** Places of a list that are looked at. */
export const LIST_LENGTH = 20;

export const METRICS = Object.freeze(['HR@1', 'HR@5', 'HR@10', 'HR@20', 'NDCG@10', 'MRR'] as const);
export type Metric = (typeof METRICS)[number];

/** By metric and place, from 1; place 0: it was not in the list. */
const WORTH: Readonly<Record<Metric, Float64Array>> = Object.freeze({
  'HR@1': worth((place) => (place <= 1 ? 1 : 0)),
  'HR@5': worth((place) => (place <= 5 ? 1 : 0)),
  'HR@10': worth((place) => (place <= 10 ? 1 : 0)),
  'HR@20': worth(() => 1),
  'NDCG@10': worth((place) => (place <= 10 ? discountOf(place) : 0)),
  MRR: worth((place) => 1 / place),
});

export function worthOf(metric: Metric): Float64Array {
  return WORTH[metric];
}

/** Of place 1 it is 1, of place 3 a half (Järvelin & Kekäläinen 2002). */
function discountOf(place: number): number {
  return 1 / log2(place + 1);
}

/** Discounted gains of a list over those of the best list there could be; 0 where nothing has a gain. */
export function discountedGain(gains: readonly number[], all: Iterable<number>): number {
  const best = [...all].sort((a, b) => b - a).slice(0, LIST_LENGTH);
  const ideal = discountedSum(best);
  return ideal === 0 ? 0 : discountedSum(gains.slice(0, LIST_LENGTH)) / ideal;
}

function discountedSum(gains: readonly number[]): number {
  return gains.reduce((sum, gain, at) => sum + gain * discountOf(at + 1), 0);
}

function worth(of: (place: number) => number): Float64Array {
  return Float64Array.from({ length: LIST_LENGTH + 1 }, (_, place) => (place === 0 ? 0 : of(place)));
}
