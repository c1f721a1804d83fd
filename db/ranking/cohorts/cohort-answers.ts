/** What is asked of one signal about a set of tuples: counts of given items, and the best items. */
import {
  type Board,
  type BoardMeasure,
  BoardShelf,
  EVERYTHING,
  endOf,
  GroupSet,
  type Ranking,
  WINDOWS,
  type WindowShape,
  windowGone,
  windowNotKept,
} from '../counting/index.ts';
import { MICROS_PER_HOUR, type Micros } from '../ground.ts';
import type { CohortTop, NumberSet } from '../reading.ts';
import type { SignalType, WindowName } from '../schema/model.ts';
import { CohortCounters, type CountListener } from './cohort-counters.ts';

/** Memory for boards of a signal: fifteen of a million items. */
const BOARDS_BYTES_MAX = 128 * 1024 * 1024;
/** Standard deviations that an estimate is off at most, but for one in four hundred. */
const DEVIATIONS = 3;
const ONE = 1;

/** The answer where there is nothing. */
export const NOBODY: CohortTop = Object.freeze({
  items: new Uint32Array(0),
  values: new Float64Array(0),
  estimated: false,
  bound: 0,
});

interface CohortQuestion {
  readonly window: WindowName;
  readonly tuples: NumberSet;
  readonly now: Micros;
}

/** Errors of all questions: INVALID_ARGUMENT for a window that is not kept, PRUNED for a time of which too much is gone. */
export class CohortAnswers implements CountListener {
  readonly counters: CohortCounters;
  readonly #shelf: BoardShelf;

  /** `version`: of the schema that they begin with. */
  constructor(type: SignalType, version: number) {
    this.counters = new CohortCounters(type, version, this);
    this.#shelf = new BoardShelf(this.counters, BOARDS_BYTES_MAX);
  }

  /** Of what is kept ready for answers. */
  get memoryBytes(): number {
    return this.#shelf.memoryBytes;
  }

  counted(buckets: Float64Array, amounts: Float64Array, tuple: number, item: number): void {
    this.#shelf.feed(buckets, amounts, tuple, item, ONE);
  }

  changed(): void {
    this.#shelf.clear();
  }

  /** Counts of many items, divided by `per`. */
  count(asked: CohortQuestion, per: number, targets: Uint32Array, count: number, out: Float64Array): void {
    this.#board('count', asked).read(targets, count, per, out);
  }

  /** Events an hour; over `all`, since the signal's first event. */
  velocity(asked: CohortQuestion, targets: Uint32Array, count: number, out: Float64Array): void {
    this.count(asked, this.#hours(asked), targets, count, out);
  }

  /** There is no window before `all`: over it nothing accelerates. */
  acceleration(asked: CohortQuestion, targets: Uint32Array, count: number, out: Float64Array): void {
    if (asked.window === 'all') out.fill(0, 0, count);
    else this.#board('acceleration', asked).read(targets, count, this.#hours(asked), out);
  }

  top(by: 'count' | 'velocity' | 'acceleration', asked: CohortQuestion, limit: number): CohortTop {
    if (by === 'acceleration' && asked.window === 'all') return NOBODY;
    const measure = by === 'acceleration' ? by : 'count';
    const per = by === 'count' ? 1 : this.#hours(asked);
    const { items, values } = this.#board(measure, asked).top(limit);
    const bound = this.#bound(measure, asked, { items, values }) / per;
    return {
      items,
      values: values.map((value) => value / per),
      estimated: this.#isEstimate(measure, asked),
      bound,
    };
  }

  /**
   * How far a sum of sampled cells may be off. Each of them stands for 2^level cells like it, so the variance of a sum is not more
   * than the sum of their squares, and that not more than the largest times the sum.
   */
  #bound(measure: BoardMeasure, asked: CohortQuestion, { items, values }: Ranking): number {
    if (items.length === 0 || !this.#isEstimate(measure, asked)) return 0;
    const sums = measure === 'acceleration' ? this.#sumsOf(items, asked) : values;
    const largestSum = sums.reduce((largest, sum) => Math.max(largest, sum), 0);
    let largestCell = 0;
    for (const { table } of this.#tables(measure, asked))
      if (table.level > 0) largestCell = Math.max(largestCell, table.largestCount);
    return DEVIATIONS * Math.sqrt(largestCell * largestSum);
  }

  /** Events in both windows at most: items that rise had fewer in the window before. */
  #sumsOf(items: Uint32Array, asked: CohortQuestion): Float64Array {
    const sums = new Float64Array(items.length);
    this.#board('count', asked).read(items, items.length, 0.5, sums);
    return sums;
  }

  #isEstimate(measure: BoardMeasure, asked: CohortQuestion): boolean {
    for (const { table } of this.#tables(measure, asked)) if (table.level > 0) return true;
    return false;
  }

  #tables(measure: BoardMeasure, { window, now }: CohortQuestion) {
    if (window === 'all')
      return this.counters.tables('day', Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
    const { grain, buckets } = WINDOWS[window];
    const end = endOf(now, grain);
    return this.counters.tables(grain, end - bucketsOf(measure, buckets), end);
  }

  #hours({ window, now }: CohortQuestion): number {
    if (window !== 'all') return WINDOWS[window].hours;
    const { first } = this.counters;
    return first < 0 ? 1 : Math.max((now - first) / MICROS_PER_HOUR, 1);
  }

  #board(measure: BoardMeasure, { window, tuples, now }: CohortQuestion): Board {
    const groups = new GroupSet(tuples.toArray());
    if (window === 'all') return this.#shelf.board({ measure, window: EVERYTHING, end: 0, groups });
    const shape = WINDOWS[window];
    const end = this.#checkedEnd(measure, window, shape, now);
    return this.#shelf.board({ measure, window: shape, end, groups });
  }

  #checkedEnd(
    measure: BoardMeasure,
    window: WindowName,
    { grain, buckets }: WindowShape,
    now: Micros,
  ): number {
    const { type } = this.counters;
    if (!type.windows.includes(window)) throw windowNotKept(type, window);
    const end = endOf(now, grain);
    if (!this.counters.reachesBackTo(grain, end - bucketsOf(measure, buckets)))
      throw windowGone(type, window, now, this.counters.horizon);
    return end;
  }
}

function bucketsOf(measure: BoardMeasure, buckets: number): number {
  return measure === 'acceleration' ? 2 * buckets : buckets;
}
