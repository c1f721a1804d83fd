/** Signals and cohorts whose counts are spilled now and then are the same as those whose counts never are. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Scratch, ScratchPiece, ViewCommit } from '../../../../db/materializer/index.ts';
import { CohortsView } from '../../../../db/ranking/cohorts/cohorts-view.ts';
import type { Micros } from '../../../../db/ranking/ground.ts';
import { SignalsView } from '../../../../db/ranking/signals/signals-view.ts';
import {
  BASE,
  commitOf,
  DAY,
  event,
  HOUR,
  LIKE,
  MINUTE,
  numberSet,
  RATE,
  ROLLING,
  SavedParts,
  schemaOf,
  signalsOf,
  signalType,
  TENANT,
  VIEW,
} from './counted-log.ts';

const TYPES = [
  signalType(VIEW),
  signalType(LIKE, { decay: { kind: 'none' } }),
  signalType(RATE, { decay: { kind: 'linear', lifetimeMicros: 3 * DAY } }),
];
const TARGETS = Uint32Array.from([...Array.from({ length: 40 }, (_, at) => at + 1), 5_000, 80_000]);

/** Remembers pieces as a disk would: what was put, not the array it lay in. */
class ScratchInMemory implements Scratch {
  readonly bytesLeast = 0;
  isFull = false;
  pieces = 0;
  read = 0;

  put(bytes: Uint8Array): ScratchPiece | null {
    if (this.isFull) return null;
    const copy = new Uint8Array(bytes);
    this.pieces += 1;
    return {
      read: () => {
        this.read += 1;
        return copy.slice();
      },
    };
  }
}

const histories = fc
  .array(
    fc.record({
      events: fc.array(
        fc.record({
          signal: fc.constantFrom(VIEW, LIKE, RATE),
          target: fc.constantFrom(...TARGETS),
          tuple: fc.nat({ max: 30 }),
          weight: fc.constantFrom(1, 1, 0.3),
          step: fc.oneof(
            fc.integer({ min: -3 * HOUR, max: 5 * HOUR }),
            fc.constantFrom(MINUTE, 9 * DAY, 70 * DAY),
          ),
          late: fc.integer({ min: 0, max: 6 }).map((dice) => dice === 0),
        }),
        { minLength: 1, maxLength: 20 },
      ),
      /** What happens behind it. */
      spilled: fc.constantFrom(0, 1, 2_000, Number.POSITIVE_INFINITY),
      asked: fc.boolean(),
      saved: fc.boolean(),
      full: fc.integer({ min: 0, max: 9 }).map((dice) => dice === 0),
    }),
    { minLength: 1, maxLength: 10 },
  )
  .map((steps) => {
    let time = BASE;
    return steps.map(({ events, ...rest }) => {
      const happened = events.map(({ step, ...of }) => {
        time = Math.max(time + step, 1);
        return event(of.target, time, of);
      });
      return { ...rest, now: time as Micros, commit: commitOf([signalsOf(happened)]) };
    });
  });

type View = SignalsView | CohortsView;

/** Everything that can be asked, as text; refusals too. */
function answers(view: View, now: Micros): string {
  const out = new Float64Array(TARGETS.length);
  const told: unknown[] = [];
  const ask = (what: () => unknown): void => {
    try {
      told.push(what(), [...out]);
    } catch (error) {
      told.push((error as { readonly code: string }).code);
    }
  };
  for (const { id } of TYPES) {
    for (const window of [...ROLLING, 'all'] as const) {
      for (const by of ['count', 'velocity', 'acceleration'] as const) {
        if (view instanceof SignalsView) {
          const signals = view.tenant(TENANT);
          ask(() => signals[by](id, window, TARGETS, TARGETS.length, now, out));
          ask(() => [...signals.top(id, by, window, 5, now)]);
        } else {
          const cohorts = view.tenant(TENANT);
          const tuples = numberSet([1, 2, 3, 7]);
          ask(() => cohorts[by](id, window, tuples, TARGETS, TARGETS.length, now, out));
          ask(() => cohorts.top(id, by, window, tuples, 5, now));
        }
      }
    }
    if (view instanceof SignalsView) ask(() => [...view.tenant(TENANT).top(id, 'score', 'all', 5, now)]);
  }
  return JSON.stringify(told);
}

function begun<V extends View>(view: V): V {
  view.onCommit(commitOf([schemaOf(1, ...TYPES)]));
  return view;
}

const MAKERS: readonly (readonly [string, (scratch: Scratch | null) => View])[] = [
  ['signals', (scratch) => new SignalsView({ scratch })],
  ['cohorts', (scratch) => new CohortsView(1_000_000, { scratch })],
  ['cohorts beyond what is counted exactly', (scratch) => new CohortsView(30, { scratch })],
];

describe.each(MAKERS)('%s', (_name, make) => {
  test('answer and digest the same, wherever their counts lie', () => {
    let pieces = 0;
    fc.assert(
      fc.property(histories, (steps) => {
        const scratch = new ScratchInMemory();
        const [plain, spilling] = [begun(make(null)), begun(make(scratch))];
        let kept: SavedParts | null = null;
        for (const { commit, spilled, asked, saved, full, now } of steps) {
          for (const view of [plain, spilling]) view.onCommit(commit);
          scratch.isFull = full;
          if (spilled > 0) spilling.spill(spilled);
          if (spilled === 1) spilling.dropReady();
          if (asked) expect(answers(spilling, now)).toBe(answers(plain, now));
          if (!saved) continue;
          kept = new SavedParts(kept);
          spilling.checkpoint(kept);
          // It goes on while the checkpoint is written.
          spilling.spill(Number.POSITIVE_INFINITY);
          kept.settle();
          const restored = make(scratch);
          restored.restore(kept);
          restored.spill(spilled);
          expect(restored.digest()).toBe(plain.digest());
        }
        expect(spilling.digest()).toBe(plain.digest());
        pieces += scratch.pieces;
      }),
      { numRuns: 60 },
    );
    expect(pieces).toBeGreaterThan(60);
  });

  test('give memory back and say so', () => {
    const view = begun(make(new ScratchInMemory()));
    const events = Array.from({ length: 30_000 }, (_, at) =>
      event(1 + ((at * 7) % 3_000), BASE + Math.floor(at / 3_000) * DAY, { tuple: at % 3 }),
    );
    view.onCommit(commitOf([signalsOf(events)]));
    const before = view.memory().kept;
    const digest = begun(make(null));
    digest.onCommit(commitOf([signalsOf(events)]));
    const freed = view.spill(Number.POSITIVE_INFINITY);
    expect(before - view.memory().kept).toBe(freed);
    expect(view.digest()).toBe(digest.digest());
  });
});

test('what windows of up to a day read is spilled last', () => {
  const scratch = new ScratchInMemory();
  const view = begun(new SignalsView({ scratch }));
  const commits: ViewCommit[] = Array.from({ length: 200 }, (_, hour) => {
    const events = Array.from({ length: 300 }, (_, at) => event(1 + at, BASE + hour * HOUR));
    return commitOf([signalsOf(events)]);
  });
  for (const commit of commits) view.onCommit(commit);
  const now = (BASE + 199 * HOUR) as Micros;
  const ask = (window: '24h' | '7d'): void => void view.tenant(TENANT).top(VIEW, 'count', window, 3, now);
  view.spill(100_000);
  expect(scratch.pieces).toBeGreaterThan(10);
  view.dropReady();
  ask('24h');
  expect(scratch.read).toBe(0);
  ask('7d');
  expect(scratch.read).toBeGreaterThan(10);
});
