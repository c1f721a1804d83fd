import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CohortsView, rankingCohorts } from '../../../../db/ranking/cohorts/cohorts-view.ts';
import type { Micros, SignalId } from '../../../../db/ranking/ground.ts';
import type { CohortReader } from '../../../../db/ranking/reading.ts';
import type { SignalType, WindowName } from '../../../../db/ranking/schema/model.ts';
import type { TenantId } from '../../../../db/types.ts';
import {
  BASE,
  commitOf,
  DAY,
  event,
  type GivenEvent,
  HOUR,
  LIKE,
  MINUTE,
  numberSet,
  PlainCounts,
  ROLLING,
  schemaOf,
  signalsOf,
  signalType,
  TENANT,
  VIEW,
} from '../counting/counted-log.ts';

const WINDOWS: readonly WindowName[] = [...ROLLING, 'all'];
const PLENTY = 1_000_000;
const TYPES: readonly SignalType[] = [signalType(VIEW), signalType(LIKE, { windows: ['24h'] })];

const events: fc.Arbitrary<GivenEvent[]> = fc.array(
  fc
    .record({
      target: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.constantFrom(4_096, 70_000)),
      tuple: fc.oneof(fc.nat({ max: 6 }), fc.constantFrom(500, 70_000)),
      ago: fc.oneof(
        fc.integer({ min: 0, max: 3 * HOUR }),
        fc.integer({ min: 0, max: 20 * DAY }),
        fc.integer({ min: 0, max: 120 * DAY }),
      ),
      late: fc.integer({ min: 0, max: 9 }).map((dice) => dice === 0),
    })
    .map(({ ago, ...rest }) => event(rest.target, BASE - ago, rest)),
  { maxLength: 60 },
);

const tupleSets = fc.array(
  fc.uniqueArray(fc.oneof(fc.nat({ max: 7 }), fc.constantFrom(500, 70_000)), { maxLength: 8 }),
  { minLength: 1, maxLength: 3 },
);

const moments = fc.array(
  fc
    .tuple(
      fc.oneof(fc.constantFrom(0, 1, MINUTE, HOUR, DAY), fc.integer({ min: 0, max: 70 * DAY })),
      fc.constantFrom(1, MINUTE, HOUR, DAY),
      fc.constantFrom(-1, 0, 1),
    )
    .map(([after, grain, step]) => {
      const at = BASE + after;
      return Math.max(BASE, grain === 1 ? at : Math.ceil(at / grain) * grain + step) as Micros;
    }),
  { minLength: 1, maxLength: 3 },
);

function viewOf(cellsMax: number, ...given: readonly (readonly GivenEvent[])[]): CohortsView {
  const view = new CohortsView(cellsMax);
  view.onCommit(commitOf([schemaOf(1, ...TYPES)]));
  for (const each of given) view.onCommit(commitOf([signalsOf(each)]));
  return view;
}

type Measure = 'count' | 'velocity' | 'acceleration';
const MEASURES: readonly Measure[] = ['count', 'velocity', 'acceleration'];

function valuesOf(
  reader: CohortReader,
  measure: Measure,
  window: WindowName,
  tuples: Iterable<number>,
  targets: readonly number[],
  now: number,
): number[] {
  const out = new Float64Array(targets.length).fill(Number.NaN);
  const asked = Uint32Array.from(targets);
  reader[measure](VIEW, window, numberSet(tuples), asked, asked.length, now as Micros, out);
  return [...out];
}

/** What the list of events says. Over everything, the velocity is that since the signal's first event, whoever it was of. */
function expected(
  all: readonly GivenEvent[],
  measure: Measure,
  window: WindowName,
  tuples: readonly number[],
  target: number,
  now: number,
): number {
  const plain = new PlainCounts(all.filter(({ tuple }) => tuples.includes(tuple)));
  if (measure === 'velocity' && window === 'all') {
    const first = Math.min(...all.map(({ at }) => at));
    return plain.count('all', target, now) / Math.max((now - first) / HOUR, 1);
  }
  return plain[measure](window, target, now);
}

function check(
  reader: CohortReader,
  all: readonly GivenEvent[],
  tuples: readonly number[],
  now: Micros,
): void {
  const targets = [...new PlainCounts(all).targets];
  for (const window of WINDOWS) {
    for (const measure of MEASURES) {
      const found = valuesOf(reader, measure, window, tuples, targets, now);
      const plain = targets.map((target) => expected(all, measure, window, tuples, target, now));
      for (const [at, value] of plain.entries())
        expect(Math.abs(found[at]! - value), `${measure} ${window} of ${targets[at]}`).toBeLessThan(1e-9);
      const top = reader.top(VIEW, measure, window, numberSet(tuples), 3, now);
      const best = new PlainCounts(all).best(3, (target) => found[targets.indexOf(target)]!);
      expect([...top.items], `top ${measure} ${window}`).toEqual(best);
      expect([...top.values]).toEqual(best.map((target) => found[targets.indexOf(target)]!));
      expect([top.estimated, top.bound]).toEqual([false, 0]);
    }
  }
}

describe('cohort counters', () => {
  test('give exact sums over any set of tuples, for every window at every moment, while events come in', () => {
    fc.assert(
      fc.property(events, events, tupleSets, moments, (first, second, sets, asked) => {
        const view = viewOf(PLENTY, first);
        const reader = view.tenant(TENANT);
        for (const tuples of sets) for (const now of asked) check(reader, first, tuples, now);
        view.onCommit(commitOf([signalsOf(second)]));
        const all = [...first, ...second];
        for (const now of [...asked].sort()) for (const tuples of sets) check(reader, all, tuples, now);
      }),
      { numRuns: 25 },
    );
  });

  test('count what is older than is kept in all time, as it was', () => {
    const given = Array.from({ length: 600 }, (_, day) =>
      event(1 + (day % 3), BASE + day * DAY, { tuple: day % 5 }),
    );
    const view = viewOf(PLENTY, given.slice(0, 300));
    const reader = view.tenant(TENANT);
    const now = BASE + 599 * DAY;
    check(reader, given.slice(0, 300), [1, 2], (BASE + 299 * DAY) as Micros);
    view.onCommit(commitOf([signalsOf(given.slice(300))]));
    check(reader, given, [1, 2], now as Micros);
    check(reader, given, [0], now as Micros);
  });

  test('follow a cohort that gets a tuple and loses another without counting all of it anew', () => {
    const given = Array.from({ length: 400 }, (_, at) =>
      event(1 + (at % 7), BASE - at * 10 * MINUTE, { tuple: at % 40 }),
    );
    const reader = viewOf(PLENTY, given).tenant(TENANT);
    const some = Array.from({ length: 30 }, (_, tuple) => tuple);
    check(reader, given, some, BASE as Micros);
    check(reader, given, [...some, 33], BASE as Micros);
    check(reader, given, [...some.slice(2), 33, 34], (BASE + HOUR) as Micros);
  });

  test('keep the windows of their signal, and nothing of signals that cohorts do not count', () => {
    const view = new CohortsView(PLENTY);
    const uncounted = signalType(LIKE, { cohorts: false });
    view.onCommit(commitOf([schemaOf(1, signalType(VIEW, { windows: ['24h'] }), uncounted)]));
    view.onCommit(commitOf([signalsOf([event(1, BASE), event(1, BASE, { signal: LIKE })])]));
    const reader = view.tenant(TENANT);
    const tuples = numberSet([1]);
    expect(() => reader.top(VIEW, 'count', '1h', tuples, 1, BASE as Micros)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    );
    for (const [asked, signal] of [
      [reader, LIKE],
      [reader, 77 as SignalId],
      [view.tenant(5 as TenantId), VIEW],
    ] as const) {
      const top = asked.top(signal, 'count', '24h', tuples, 5, BASE as Micros);
      expect([...top.items]).toEqual([]);
      const out = new Float64Array(1).fill(7);
      asked.count(signal, '24h', tuples, Uint32Array.of(1), 1, BASE as Micros, out);
      expect(out[0]).toBe(0);
    }
    expect([...reader.top(VIEW, 'count', '24h', numberSet([]), 5, BASE as Micros).items]).toEqual([]);
  });

  test('refuse a time of which too much is gone', () => {
    const reader = viewOf(PLENTY, [event(1, BASE - 60 * DAY), event(1, BASE)]).tenant(TENANT);
    expect(() => reader.top(VIEW, 'count', '24h', numberSet([1]), 1, (BASE - 20 * DAY) as Micros)).toThrow(
      expect.objectContaining({ code: 'PRUNED' }),
    );
  });

  test('count again from nothing when cohorts count a signal again', () => {
    const view = viewOf(PLENTY, [event(1, BASE)]);
    view.onCommit(commitOf([schemaOf(2, signalType(VIEW, { cohorts: false }))]));
    view.onCommit(commitOf([schemaOf(3, signalType(VIEW))]));
    view.onCommit(commitOf([signalsOf([event(2, BASE)])]));
    const top = view.tenant(TENANT).top(VIEW, 'count', 'all', numberSet([1]), 5, BASE as Micros);
    expect([...top.items]).toEqual([2]);
    expect(rankingCohorts.create({ logId: new Uint8Array(16), folder: null }).digest()).toBe(
      new CohortsView(PLENTY).digest(),
    );
  });
});

describe('beyond the budget of cells', () => {
  /** Many tuples look at a few items, some items more than others. */
  function crowd(count: number): GivenEvent[] {
    return Array.from({ length: count }, (_, at) =>
      event(1 + ((at * at) % 8), BASE + Math.floor((at * 6 * HOUR) / count), { tuple: (at * 31) % 997 }),
    );
  }

  test('sums are estimates that say so, and are off by less than their bound', () => {
    const given = crowd(30_000);
    const now = (BASE + 6 * HOUR) as Micros;
    const tuples = Array.from({ length: 500 }, (_, at) => at);
    const view = viewOf(8_000);
    for (let at = 0; at < given.length; at += 500)
      view.onCommit(commitOf([signalsOf(given.slice(at, at + 500))]));
    expect(view.memoryBytes().cellCount).toBeLessThan(40_000);
    const reader = view.tenant(TENANT);
    for (const window of ['24h', 'all'] as const) {
      const top = reader.top(VIEW, 'count', window, numberSet(tuples), 8, now);
      expect(top.estimated).toBe(true);
      expect(top.bound).toBeGreaterThan(0);
      for (const [at, item] of top.items.entries()) {
        const exact = given.filter(({ target, tuple }) => target === item && tuple < 500).length;
        expect(Math.abs(top.values[at]! - exact)).toBeLessThan(top.bound);
        expect(top.values[at]!).toBeGreaterThan(0);
      }
      expect(reader.top(VIEW, 'acceleration', '24h', numberSet(tuples), 8, now).bound).toBeGreaterThan(0);
    }
  });

  test('they are exact again for what comes when there is room again', () => {
    const view = viewOf(2_000);
    const given = crowd(6_000);
    for (let at = 0; at < given.length; at += 500)
      view.onCommit(commitOf([signalsOf(given.slice(at, at + 500))]));
    const reader = view.tenant(TENANT);
    const then = BASE + 100 * DAY;
    const hours = Array.from({ length: 40 }, (_, at) => event(9, then + at * HOUR, { tuple: at }));
    for (const each of hours) view.onCommit(commitOf([signalsOf([each])]));
    const top = reader.top(VIEW, 'count', '1h', numberSet([39]), 5, (then + 39 * HOUR) as Micros);
    expect([...top.values]).toEqual([1]);
    expect([top.estimated, top.bound]).toEqual([false, 0]);
  });
});
