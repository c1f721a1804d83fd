/** What came out, as numbers to compare: medians and ratios of rounds. Pure. */
import { median } from '../bench.ts';
import type { Measured, ShapeResult } from './rounds.ts';

/** One line of what a part of the benchmark found. */
export interface Finding {
  readonly part: string;
  /** The load: `64 × 16`. */
  readonly load: string;
  /** Payload of an event. */
  readonly bytes: number;
  readonly who: string;
  readonly durable: boolean;
  /** Null: could not be measured, and `note` says why. */
  readonly value: number | null;
  readonly unit: string;
  readonly low: number | null;
  readonly high: number | null;
  /** TruthDB's value over this one, the median of the rounds' ratios; null where there is nothing to compare. */
  readonly ratio: number | null;
  readonly note: string;
}

/** Findings of one shape, `reference` being the contender the others are compared with. */
export function findingsOf(part: string, result: ShapeResult, reference: string): Finding[] {
  const common = { part, load: result.shape.name, bytes: result.shape.bytes, unit: 'events/s' };
  const own = result.measured.find(({ name }) => name === reference);
  const measured = result.measured.map(({ name, durable, rates }) => ({
    ...common,
    ...{ who: name, durable, value: median(rates), low: Math.min(...rates), high: Math.max(...rates) },
    ratio: own === undefined || name === reference ? null : ratioOfRounds(own.rates, rates),
    note: '',
  }));
  const missed = result.missed.map(({ name, reason }) => ({
    ...common,
    ...{ who: name, durable: false, value: null, low: null, high: null, ratio: null, note: reason },
  }));
  return [...measured, ...missed];
}

/** Median of the rounds' ratios: both sides of each saw the same weather. */
export function ratioOfRounds(ours: readonly number[], theirs: readonly number[]): number {
  return median(ours.map((rate, round) => rate / (theirs[round] ?? Number.NaN)));
}

/** Rates of a contender, or null when it was not measured. */
export function ratesOf(result: ShapeResult | undefined, name: string): readonly number[] | null {
  return result?.measured.find((each) => each.name === name)?.rates ?? null;
}

/** Our rates over theirs; NaN when either is missing, which meets no aim. */
export function ratioIn(result: ShapeResult | undefined, ours: string, theirs: string): number {
  const [left, right] = [ratesOf(result, ours), ratesOf(result, theirs)];
  return left === null || right === null ? Number.NaN : ratioOfRounds(left, right);
}

/** The fastest of the durable ones among `names`. */
export function fastest(result: ShapeResult | undefined, names: readonly string[]): Measured | null {
  const able = (result?.measured ?? []).filter(({ name, durable }) => durable && names.includes(name));
  return able.toSorted((a, b) => median(b.rates) - median(a.rates))[0] ?? null;
}
