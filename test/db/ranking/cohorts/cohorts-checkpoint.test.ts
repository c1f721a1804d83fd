import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ViewCommit } from '../../../../db/materializer/index.ts';
import { CohortsView } from '../../../../db/ranking/cohorts/cohorts-view.ts';
import type { Micros } from '../../../../db/ranking/ground.ts';
import type { TenantId } from '../../../../db/types.ts';
import {
  BASE,
  commitOf,
  DAY,
  event,
  HOUR,
  LIKE,
  MINUTE,
  numberSet,
  SavedParts,
  schemaOf,
  signalsOf,
  signalType,
  TENANT,
  VIEW,
} from '../counting/counted-log.ts';

const TYPES = [signalType(VIEW), signalType(LIKE, { windows: ['24h'] })];

/** Commits of two tenants, mostly in order, some late; a signal that is not counted for a while in between. */
const histories: fc.Arbitrary<ViewCommit[]> = fc
  .array(
    fc.array(
      fc.record({
        signal: fc.constantFrom(VIEW, LIKE),
        target: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(5_000, 80_000)),
        tuple: fc.nat({ max: 30 }),
        step: fc.oneof(
          fc.integer({ min: -3 * HOUR, max: 5 * HOUR }),
          fc.constantFrom(MINUTE, 9 * DAY, 70 * DAY),
        ),
        late: fc.integer({ min: 0, max: 6 }).map((dice) => dice === 0),
      }),
      { minLength: 1, maxLength: 25 },
    ),
    { minLength: 1, maxLength: 10 },
  )
  .map((groups) => {
    let time = BASE;
    const commits = groups.map((group, at) => {
      const events = group.map(({ step, ...rest }) => {
        time += step;
        return event(rest.target, Math.max(time, 1), rest);
      });
      return commitOf([signalsOf(events)], at % 3 === 2 ? (9 as TenantId) : TENANT);
    });
    const schemas = [TENANT, 9 as TenantId].map((tenant) => commitOf([schemaOf(1, ...TYPES)], tenant));
    const third = Math.floor(commits.length / 3);
    return [
      ...schemas,
      ...commits.slice(0, third),
      commitOf([schemaOf(2, signalType(LIKE, { cohorts: false }))]),
      ...commits.slice(third, 2 * third),
      commitOf([schemaOf(3, signalType(LIKE, { windows: ['7d', '1h'] }))]),
      ...commits.slice(2 * third),
    ];
  });

function applied(commits: readonly ViewCommit[], view: CohortsView): CohortsView {
  for (const commit of commits) view.onCommit(commit);
  return view;
}

function ask(view: CohortsView, now: Micros): void {
  for (const window of ['24h', '7d', 'all'] as const) {
    try {
      view.tenant(TENANT).top(VIEW, 'count', window, numberSet([1, 2, 3]), 3, now);
    } catch (error) {
      expect(error).toMatchObject({ code: 'PRUNED' });
    }
  }
}

/** Saves the view over the checkpoint before, whose parts are kept where the names are the same: it must still be the view. */
function checkKept(view: CohortsView, before: SavedParts | null, empty: CohortsView): SavedParts {
  const saved = new SavedParts(before);
  view.checkpoint(saved);
  saved.settle();
  empty.restore(saved);
  expect(empty.digest()).toBe(view.digest());
  return saved;
}

describe('a checkpoint of the cohorts', () => {
  test('taken anywhere goes on to the same digest as a replay, within the budget and beyond it', () => {
    fc.assert(
      fc.property(histories, fc.nat(), fc.constantFrom(1_000_000, 60, 15), (commits, place, cellsMax) => {
        const cut = place % (commits.length + 1);
        const empty = (): CohortsView => new CohortsView(cellsMax);
        const replayed = applied(commits, empty()).digest();
        const live = empty();
        let kept: SavedParts | null = null;
        for (const [at, commit] of commits.entries()) {
          live.onCommit(commit);
          if (at % 2 === 0) kept = checkKept(live, kept, empty());
          else live.digest();
          for (const _step of live.digestAhead());
          ask(live, (BASE + at * 30 * HOUR) as Micros);
        }
        const before = applied(commits.slice(0, cut), empty());
        const restored = empty();
        restored.restore(SavedParts.of(before));
        expect(restored.digest()).toBe(before.digest());
        expect(applied(commits.slice(cut), restored).digest()).toBe(replayed);
        expect(live.digest()).toBe(replayed);
      }),
      { numRuns: 60 },
    );
  });

  test('keeps parts whose name has not changed', () => {
    const view = applied([commitOf([schemaOf(1, ...TYPES)])], new CohortsView(1_000_000));
    const start = Math.floor(BASE / DAY) * DAY;
    const day = (of: number) =>
      commitOf([
        signalsOf(
          Array.from({ length: 20_000 }, (_, at) =>
            event(1 + ((at * 7) % 900), start + of * DAY + (at % 24) * HOUR, { tuple: at % 977 }),
          ),
        ),
      ]);
    view.onCommit(day(0));
    view.onCommit(day(1));
    const first = new SavedParts();
    view.checkpoint(first);
    expect(first.settle().filter((name) => name.includes('-hours-')).length).toBe(2);
    view.onCommit(day(2));
    const second = new SavedParts(first);
    view.checkpoint(second);
    expect(second.settle().filter((name) => name.includes('-hours-')).length).toBe(1);
    const restored = new CohortsView(1_000_000);
    restored.restore(second);
    expect(restored.digest()).toBe(view.digest());
  });

  test('that is damaged is refused, or is another one, and never does anything else', () => {
    const view = applied(
      [
        commitOf([schemaOf(1, ...TYPES)]),
        commitOf([
          signalsOf(
            Array.from({ length: 90 }, (_, at) =>
              event(1 + (at % 7), BASE - at * 20 * HOUR, { tuple: at % 9 }),
            ),
          ),
        ]),
        commitOf([signalsOf([event(1, BASE - 300 * DAY, { late: true })])]),
      ],
      new CohortsView(1_000_000),
    );
    const saved = SavedParts.of(view);
    fc.assert(
      fc.property(
        fc.nat(),
        fc.nat(),
        fc.integer({ min: 0, max: 255 }),
        fc.boolean(),
        (part, place, byte, cut) => {
          const name = saved.parts[part % saved.parts.length]!;
          const whole = saved.read(name);
          const damaged = whole.slice(0, cut ? place % whole.length : whole.length);
          if (damaged.length > 0) damaged[place % damaged.length] = byte;
          const copy = new SavedParts(saved);
          copy.replace(name, damaged);
          try {
            const restored = new CohortsView(1_000_000);
            restored.restore(copy);
            restored.digest();
          } catch (error) {
            expect(error).toMatchObject({ code: 'CORRUPT' });
          }
        },
      ),
      { numRuns: 400 },
    );
  });
});
