import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KERNEL_ENTRY } from '../../../../db/kernel/entry-types.ts';
import type { ViewCommit } from '../../../../db/materializer/index.ts';
import type { Micros } from '../../../../db/ranking/ground.ts';
import { SignalsView } from '../../../../db/ranking/signals/signals-view.ts';
import type { TenantId } from '../../../../db/types.ts';
import {
  BASE,
  commitOf,
  DAY,
  event,
  HOUR,
  LIKE,
  MINUTE,
  RATE,
  SavedParts,
  schemaOf,
  signalsOf,
  signalType,
  TENANT,
  VIEW,
} from '../counting/counted-log.ts';

const TYPES = [
  signalType(VIEW, { decay: { kind: 'exponential', halfLifeMicros: HOUR } }),
  signalType(LIKE, { decay: { kind: 'none' } }),
  signalType(RATE, { decay: { kind: 'linear', lifetimeMicros: 3 * DAY } }),
];

/** Commits of two tenants: events that are mostly in order, some late, and a schema that changes in the middle. */
const histories: fc.Arbitrary<ViewCommit[]> = fc
  .array(
    fc.array(
      fc.record({
        signal: fc.constantFrom(VIEW, LIKE, RATE),
        target: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.constantFrom(5_000, 80_000)),
        step: fc.oneof(
          fc.integer({ min: -3 * HOUR, max: 5 * HOUR }),
          fc.constantFrom(MINUTE, 9 * DAY, 70 * DAY),
        ),
        weight: fc.constantFrom(1, 1, 0.3),
        late: fc.integer({ min: 0, max: 6 }).map((dice) => dice === 0),
      }),
      { minLength: 1, maxLength: 12 },
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
    const changed = commitOf([
      schemaOf(
        2,
        signalType(VIEW, { decay: { kind: 'exponential', halfLifeMicros: DAY }, windows: ['24h'] }),
      ),
    ]);
    const middle = Math.floor(commits.length / 2);
    return [...schemas, ...commits.slice(0, middle), changed, ...commits.slice(middle)];
  });

/** Makes the view keep boards, as far as it knows the time that is asked about. */
function ask(view: SignalsView, now: Micros): void {
  const reader = view.tenant(TENANT);
  for (const by of ['score', 'velocity', 'acceleration'] as const) {
    for (const signal of [VIEW, RATE]) {
      try {
        reader.top(signal, by, '24h', 3, now);
      } catch (error) {
        expect(error).toMatchObject({ code: 'PRUNED' });
      }
    }
  }
}

function applied(commits: readonly ViewCommit[], view = new SignalsView()): SignalsView {
  for (const commit of commits) view.onCommit(commit);
  return view;
}

/** Saves the view over the checkpoint before, whose parts are kept where the names are the same: it must still be the view. */
function checkKept(view: SignalsView, before: SavedParts | null, empty: SignalsView): SavedParts {
  const saved = new SavedParts(before);
  view.checkpoint(saved);
  saved.settle();
  empty.restore(saved);
  expect(empty.digest()).toBe(view.digest());
  return saved;
}

describe('a checkpoint of the signals', () => {
  test('taken anywhere goes on to the same digest as a replay, and as a life with questions', () => {
    fc.assert(
      fc.property(histories, fc.nat(), (commits, place) => {
        const cut = place % (commits.length + 1);
        const replayed = applied(commits).digest();
        const live = new SignalsView();
        let kept: SavedParts | null = null;
        for (const [at, commit] of commits.entries()) {
          live.onCommit(commit);
          if (at % 2 === 0) kept = checkKept(live, kept, new SignalsView());
          else live.digest();
          for (const _step of live.digestAhead());
          ask(live, (BASE + at * 30 * HOUR) as Micros);
        }
        const restored = new SignalsView();
        restored.restore(SavedParts.of(applied(commits.slice(0, cut))));
        expect(restored.digest()).toBe(applied(commits.slice(0, cut)).digest());
        expect(applied(commits.slice(cut), restored).digest()).toBe(replayed);
        expect(live.digest()).toBe(replayed);
      }),
      { numRuns: 40 },
    );
  });

  test('is the content of its moment although events come in while it is written', () => {
    fc.assert(
      fc.property(histories, histories, (before, after) => {
        const view = applied(before);
        const digest = view.digest();
        const saved = new SavedParts();
        view.checkpoint(saved);
        // Of the second history, the schemas would come twice.
        for (const commit of after
          .slice(2)
          .filter(({ entries }) => entries[0]!.type === KERNEL_ENTRY.rankingSignals))
          view.onCommit(commit);
        saved.settle();
        const restored = new SignalsView();
        restored.restore(saved);
        expect(restored.digest()).toBe(digest);
      }),
      { numRuns: 40 },
    );
  });

  test('keeps parts whose name has not changed, and writes those of closed days once', () => {
    const view = applied([commitOf([schemaOf(1, ...TYPES)])]);
    const day = (of: number, from: number) =>
      signalsOf(
        Array.from({ length: 30_000 }, (_, at) =>
          event(1 + ((at * 7) % 29_000), from + of * DAY + (at % 24) * HOUR),
        ),
      );
    const start = Math.floor(BASE / DAY) * DAY;
    for (let of = 0; of < 3; of++) view.onCommit(commitOf([day(of, start)]));
    const first = new SavedParts();
    view.checkpoint(first);
    expect(first.settle().filter((name) => name.includes('-hours-')).length).toBe(3);
    view.onCommit(commitOf([day(3, start)]));
    const second = new SavedParts(first);
    view.checkpoint(second);
    const written = second.settle();
    expect(written.filter((name) => name.includes('-hours-')).length).toBe(1);
    const restored = new SignalsView();
    restored.restore(second);
    expect(restored.digest()).toBe(view.digest());
  });

  test('that is damaged is refused, or is another one, and never does anything else', () => {
    const view = applied([
      commitOf([schemaOf(1, ...TYPES)]),
      commitOf([signalsOf(Array.from({ length: 60 }, (_, at) => event(1 + (at % 7), BASE - at * HOUR)))]),
      commitOf([signalsOf([event(4_097, BASE, { signal: LIKE, weight: 0.25 })])]),
    ]);
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
            const restored = new SignalsView();
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

  test('of garbage is refused', () => {
    for (const bytes of [
      Uint8Array.of(),
      Uint8Array.of(7),
      new Uint8Array(100).fill(255),
      new Uint8Array(40),
    ]) {
      const saved = new SavedParts();
      saved.replace('t3-head-00', bytes);
      expect(() => new SignalsView().restore(saved)).toThrow(expect.objectContaining({ code: 'CORRUPT' }));
    }
  });
});
