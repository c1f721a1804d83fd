import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Micros, SignalId } from '../../../../db/ranking/ground.ts';
import type { SignalReader } from '../../../../db/ranking/reading.ts';
import type { SignalType, WindowName } from '../../../../db/ranking/schema/model.ts';
import { rankingSignals, SignalsView } from '../../../../db/ranking/signals/signals-view.ts';
import type { TenantId } from '../../../../db/types.ts';
import {
  BASE,
  commitOf,
  DAY,
  type Draft,
  event,
  type GivenEvent,
  HOUR,
  LIKE,
  MINUTE,
  PlainCounts,
  RATE,
  ROLLING,
  schemaEntry,
  schemaOf,
  signalsOf,
  signalType,
  TENANT,
  VIEW,
} from '../counting/counted-log.ts';

const WINDOWS: readonly WindowName[] = [...ROLLING, 'all'];
const HALF_LIFE = 3 * HOUR;

const TYPES: readonly SignalType[] = [
  signalType(VIEW, { decay: { kind: 'exponential', halfLifeMicros: HALF_LIFE } }),
  signalType(LIKE, { decay: { kind: 'none' } }),
  signalType(RATE, { decay: { kind: 'linear', lifetimeMicros: 36 * HOUR } }),
];

const ago = fc.oneof(
  fc.integer({ min: 0, max: 3 * HOUR }),
  fc.integer({ min: 0, max: 20 * DAY }),
  fc.integer({ min: 0, max: 80 * DAY }),
);

const events: fc.Arbitrary<GivenEvent[]> = fc.array(
  fc
    .record({
      signal: fc.constantFrom(VIEW, LIKE, RATE),
      target: fc.oneof(fc.integer({ min: 1, max: 6 }), fc.constantFrom(4_095, 4_096, 70_000)),
      ago,
      weight: fc.oneof(fc.constant(1), fc.constantFrom(0.5, 2, -1, 0.1)),
      late: fc.integer({ min: 0, max: 9 }).map((dice) => dice === 0),
    })
    .map(({ ago, ...rest }) => ({ tuple: 0, at: BASE - ago, ...rest })),
  { maxLength: 60 },
);

/** Moments from the newest event on: at once, a little later, much later, and around edges of buckets. */
const later = fc.oneof(
  fc.constantFrom(0, 1, MINUTE, HOUR, DAY),
  fc.integer({ min: 0, max: 2 * DAY }),
  fc.integer({ min: 0, max: 70 * DAY }),
);
const edge = fc.constantFrom<readonly [number, number]>(
  ...([1, MINUTE, HOUR, DAY].flatMap((grain) => [-1, 0, 1].map((step) => [grain, step])) as [
    number,
    number,
  ][]),
);
const moments = fc.array(
  fc.tuple(later, edge).map(([after, [grain, step]]) => {
    const at = BASE + after;
    return Math.max(BASE, grain === 1 ? at : Math.ceil(at / grain) * grain + step) as Micros;
  }),
  { minLength: 1, maxLength: 4 },
);

function viewOf(...drafts: readonly Draft[]): SignalsView {
  const view = new SignalsView();
  view.onCommit(commitOf([schemaOf(1, ...TYPES)]));
  for (const draft of drafts) view.onCommit(commitOf([draft]));
  return view;
}

function valuesOf(
  ask: (targets: Uint32Array, count: number, out: Float64Array) => void,
  targets: Uint32Array,
) {
  const out = new Float64Array(targets.length).fill(Number.NaN);
  ask(targets, targets.length, out);
  return out;
}

function score(reader: SignalReader, signal: SignalId, target: number, now: number): number {
  const ask = (targets: Uint32Array, count: number, out: Float64Array): void =>
    reader.score(signal, targets, count, now as Micros, out);
  return valuesOf(ask, Uint32Array.of(target))[0]!;
}

/** What an event of some time ago still weighs, when it falls to nothing within a lifetime, hour by hour. */
function linearScore(plain: PlainCounts, target: number, now: number, lifetime: number): number {
  const running = Math.floor(now / HOUR);
  return plain
    .within('all', target, now)
    .filter(({ late }) => !late)
    .reduce((sum, { at, weight }) => {
      const age = (running - Math.floor(at / HOUR)) * HOUR;
      return sum + weight * Math.max(0, 1 - age / lifetime);
    }, 0);
}

function checkWindows(reader: SignalReader, signal: SignalId, plain: PlainCounts, now: Micros): void {
  const targets = Uint32Array.of(...plain.targets, 5_000, 0xffff_ffff);
  for (const window of WINDOWS) {
    for (const measure of ['count', 'weight', 'velocity', 'acceleration'] as const) {
      const ask = (of: Uint32Array, count: number, out: Float64Array): void =>
        reader[measure](signal, window, of, count, now, out);
      const found = valuesOf(ask, targets);
      for (const [at, target] of targets.entries()) {
        const expected = plain.count('all', target, now) === 0 ? 0 : plain[measure](window, target, now);
        expect(Math.abs(found[at]! - expected), `${measure} ${window} of ${target}`).toBeLessThan(1e-7);
      }
      const values = new Map([...targets].map((target, at) => [target, found[at]!]));
      const best = plain.best(4, (target) => values.get(target)!);
      expect([...reader.top(signal, measure, window, 4, now)], `top ${measure} ${window}`).toEqual(best);
    }
  }
}

describe('the signal ledger', () => {
  test('answers every window at every moment as the list of all events does, while events come in', () => {
    fc.assert(
      fc.property(events, events, moments, (first, second, asked) => {
        const view = viewOf(signalsOf(first));
        const reader = view.tenant(TENANT);
        for (const now of asked) {
          for (const { id } of TYPES)
            checkWindows(reader, id, new PlainCounts(first.filter(({ signal }) => signal === id)), now);
        }
        view.onCommit(commitOf([signalsOf(second)]));
        const all = [...first, ...second];
        for (const now of [...asked].sort()) {
          for (const { id } of TYPES)
            checkWindows(reader, id, new PlainCounts(all.filter(({ signal }) => signal === id)), now);
        }
      }),
      { numRuns: 30 },
    );
  });

  test('scores within a millionth of the sum over all events, in whatever order they came', () => {
    fc.assert(
      fc.property(events, moments, (given, asked) => {
        const view = viewOf(signalsOf(given));
        const reader = view.tenant(TENANT);
        for (const now of asked) {
          const halves = new PlainCounts(given.filter(({ signal }) => signal === VIEW));
          const sums = new PlainCounts(given.filter(({ signal }) => signal === LIKE));
          const falling = new PlainCounts(given.filter(({ signal }) => signal === RATE));
          for (const target of halves.targets)
            expect(score(reader, VIEW, target, now)).toBeCloseTo(halves.score(target, now, HALF_LIFE), 6);
          for (const target of sums.targets)
            expect(score(reader, LIKE, target, now)).toBeCloseTo(sums.weight('all', target, now), 6);
          for (const target of falling.targets)
            expect(score(reader, RATE, target, now)).toBeCloseTo(
              linearScore(falling, target, now, 36 * HOUR),
              6,
            );
          for (const { id } of TYPES) {
            const plain = new PlainCounts(given.filter(({ signal }) => signal === id));
            const best = plain.best(5, (target) => score(reader, id, target, now));
            expect([...reader.top(id, 'score', 'all', 5, now)]).toEqual(best);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  test('scores over thousands of half-lives neither overflow nor lose what is new', () => {
    const view = new SignalsView();
    view.onCommit(
      commitOf([schemaOf(1, signalType(VIEW, { decay: { kind: 'exponential', halfLifeMicros: MINUTE } }))]),
    );
    const reader = view.tenant(TENANT);
    const given: GivenEvent[] = [];
    for (let step = 0; step < 300; step++) {
      const at = BASE + step * 97 * MINUTE;
      given.push(event(1 + (step % 3), at), event(2, at - 2 * MINUTE, { weight: 3 }));
      view.onCommit(commitOf([signalsOf(given.slice(-2))]));
      const plain = new PlainCounts(given.slice(-40));
      for (const target of [1, 2, 3])
        expect(score(reader, VIEW, target, at)).toBeCloseTo(plain.score(target, at, MINUTE), 9);
    }
  });

  test('leaves out of the best by score what is so long ago that nothing is left of it', () => {
    const reader = viewOf(signalsOf([event(1, BASE - 80 * DAY), event(2, BASE)])).tenant(TENANT);
    expect([...reader.top(VIEW, 'score', 'all', 5, BASE as Micros)]).toEqual([2, 1]);
    const now = (BASE + 70 * DAY) as Micros;
    expect(score(reader, VIEW, 1, now)).toBe(0);
    expect([...reader.top(VIEW, 'score', 'all', 5, now)]).toEqual([2]);
  });

  test('lists an item among the best the moment its first event is there', () => {
    const view = viewOf();
    const reader = view.tenant(TENANT);
    const now = BASE as Micros;
    for (const by of ['score', 'count', 'weight', 'velocity'] as const)
      expect([...reader.top(VIEW, by, '1h', 3, now)]).toEqual([]);
    for (let item = 1; item <= 5; item++) {
      view.onCommit(commitOf([signalsOf([event(item, BASE, { weight: item })])]));
      expect([...reader.top(VIEW, 'weight', '1h', 1, now)]).toEqual([item]);
      expect([...reader.top(VIEW, 'score', 'all', 1, now)]).toEqual([item]);
      expect([...reader.top(VIEW, 'count', '24h', 9, now)].length).toBe(item);
    }
  });

  test('counts late events in totals only', () => {
    const given = [event(1, BASE - 40 * DAY, { late: true, weight: 2 }), event(2, BASE)];
    const reader = viewOf(signalsOf(given)).tenant(TENANT);
    const targets = Uint32Array.of(1);
    const counts = WINDOWS.map(
      (window) =>
        valuesOf((of, count, out) => reader.count(VIEW, window, of, count, BASE as Micros, out), targets)[0],
    );
    expect(counts).toEqual([0, 0, 0, 0, 1]);
    expect(score(reader, VIEW, 1, BASE)).toBe(0);
    const weight = valuesOf(
      (of, count, out) => reader.weight(VIEW, 'all', of, count, BASE as Micros, out),
      targets,
    );
    expect([...weight]).toEqual([2]);
  });

  test('keeps what is new of a history of years that is brought in at once', () => {
    const given = Array.from({ length: 2_000 }, (_, day) => event(1 + (day % 7), BASE + day * 0.7 * DAY));
    const view = viewOf(signalsOf(given));
    const now = (BASE + 1_999 * 0.7 * DAY) as Micros;
    checkWindows(view.tenant(TENANT), VIEW, new PlainCounts(given), now);
    expect(view.memoryBytes().cells).toBeLessThan(300_000);
  });

  test('refuses a window that the signal does not keep, and a time of which too much is gone', () => {
    const view = new SignalsView();
    view.onCommit(commitOf([schemaOf(1, signalType(VIEW, { windows: ['24h'] }))]));
    view.onCommit(commitOf([signalsOf([event(1, BASE - 30 * DAY), event(1, BASE)])]));
    const reader = view.tenant(TENANT);
    expect(() => reader.top(VIEW, 'count', '1h', 1, BASE as Micros)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining('24h, all') }),
    );
    expect(() => reader.top(VIEW, 'count', '24h', 1, (BASE - 10 * DAY) as Micros)).toThrow(
      expect.objectContaining({ code: 'PRUNED' }),
    );
    expect([...reader.top(VIEW, 'count', '24h', 1, (BASE - 20 * HOUR) as Micros)]).toEqual([]);
    expect([...reader.top(VIEW, 'count', '24h', 1, (BASE + 20 * HOUR) as Micros)]).toEqual([1]);
  });

  test('answers a question about a moment ago as it did then, after later events', () => {
    const early = Array.from({ length: 50 }, (_, at) => event(1 + (at % 9), BASE - at * 5 * MINUTE));
    const view = viewOf(signalsOf(early));
    const reader = view.tenant(TENANT);
    const ask = () => ROLLING.map((window) => [...reader.top(VIEW, 'velocity', window, 9, BASE as Micros)]);
    const before = ask();
    view.onCommit(commitOf([signalsOf([event(9, BASE + 50 * MINUTE), event(9, BASE + 55 * MINUTE)])]));
    for (const window of ROLLING) reader.top(VIEW, 'velocity', window, 9, (BASE + HOUR) as Micros);
    // The day goes on, so of the windows only the last counts what came later.
    expect(ask().slice(0, 3)).toEqual(before.slice(0, 3));
  });

  test('has nothing of signals it does not know, and of other tenants', () => {
    const view = viewOf(signalsOf([event(1, BASE), event(1, BASE, { signal: 9 as SignalId })]));
    const other = view.tenant(8 as TenantId);
    for (const [reader, signal] of [
      [other, VIEW],
      [view.tenant(TENANT), 9 as SignalId],
    ] as const) {
      expect(score(reader, signal, 1, BASE)).toBe(0);
      expect([...reader.top(signal, 'count', '24h', 5, BASE as Micros)]).toEqual([]);
    }
    expect(rankingSignals.create({ logId: new Uint8Array(16), folder: null }).digest()).toBe(
      new SignalsView().digest(),
    );
  });
});

describe('a signal that is defined again', () => {
  const now = (BASE + HOUR) as Micros;

  function redefined(more: Partial<SignalType>, before: Partial<SignalType> = {}): SignalsView {
    const view = new SignalsView();
    view.onCommit(commitOf([schemaOf(1, signalType(VIEW, before))]));
    view.onCommit(commitOf([signalsOf([event(1, BASE - 3 * HOUR, { weight: 4 }), event(2, BASE)])]));
    view.onCommit(commitOf([schemaOf(2, signalType(VIEW, more))]));
    return view;
  }

  test('goes on with the scores it had, which then decay as it says now', () => {
    const day: Partial<SignalType> = { decay: { kind: 'exponential', halfLifeMicros: DAY } };
    const hour: Partial<SignalType> = { decay: { kind: 'exponential', halfLifeMicros: HOUR } };
    const none: Partial<SignalType> = { decay: { kind: 'none' } };
    const linear: Partial<SignalType> = { decay: { kind: 'linear', lifetimeMicros: 6 * HOUR } };
    expect(score(redefined(hour, day).tenant(TENANT), VIEW, 1, now)).toBeCloseTo(4 * 2 ** (-3 / 24) * 0.5, 9);
    expect(score(redefined(none, day).tenant(TENANT), VIEW, 1, now)).toBe(4);
    expect(score(redefined(hour, none).tenant(TENANT), VIEW, 1, now)).toBe(2);
    expect(score(redefined(linear, day).tenant(TENANT), VIEW, 1, BASE)).toBeCloseTo(2, 9);
    expect(score(redefined(hour, linear).tenant(TENANT), VIEW, 1, now)).toBeCloseTo(1, 9);
  });

  test('counts in new windows what comes from then on, and keeps the totals', () => {
    const view = redefined({ windows: ['1h', '24h'] }, { windows: ['1h'] });
    const reader = view.tenant(TENANT);
    expect([...reader.top(VIEW, 'count', '24h', 5, now)]).toEqual([]);
    view.onCommit(commitOf([signalsOf([event(3, BASE)])]));
    expect([...reader.top(VIEW, 'count', '24h', 5, now)]).toEqual([3]);
    expect([...reader.top(VIEW, 'count', 'all', 5, now)]).toEqual([1, 2, 3]);
  });

  test('is gone when it is dropped', () => {
    const view = viewOf(signalsOf([event(1, BASE)]));
    view.onCommit(commitOf([schemaEntry(2, [{ step: 'drop', what: 'signal', id: VIEW }])]));
    view.onCommit(commitOf([signalsOf([event(1, BASE)])]));
    expect([...view.tenant(TENANT).top(VIEW, 'count', 'all', 5, BASE as Micros)]).toEqual([]);
  });
});
