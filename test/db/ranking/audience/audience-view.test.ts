import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TruthError } from '../../../../db/errors.ts';
import type { EntityNumber } from '../../../../db/ranking/ground.ts';
import { USER_ITEM_STATES } from '../../../../db/ranking/schema/model.ts';
import type { TenantId } from '../../../../db/types.ts';
import {
  AFFINITY,
  CREATOR,
  commitsOf,
  type Draft,
  edgeEntry,
  FOLLOWS,
  type GivenSignal,
  ITEM,
  MemoryCheckpoint,
  micros,
  readerOf,
  restored,
  SCHEMA_STEPS,
  SIGNAL,
  savedParts,
  schemaEntry,
  signalsEntry,
  stateEntry,
  USER,
  viewOf,
} from './audience-log.ts';
import { AudienceModel } from './audience-model.ts';

const SCHEMA = schemaEntry(1, SCHEMA_STEPS);
const USERS = 5;
const ITEMS = 12;
const NOW = 6_000;
const DELETED = 255;

type Happening =
  | { readonly what: 'signals'; readonly signals: readonly GivenSignal[] }
  | {
      readonly what: 'edge';
      readonly ends: readonly [number, number];
      readonly follows: boolean;
      readonly seconds: number;
      readonly weight: number | null;
    }
  | { readonly what: 'gone' | 'back'; readonly kind: typeof ITEM; readonly number: number };

const user = fc.integer({ min: 1, max: USERS });
const seconds = fc.integer({ min: 1, max: 5_000 });

const given: fc.Arbitrary<GivenSignal> = fc.record({
  signal: fc.constantFrom(...Object.values(SIGNAL)),
  user: fc.integer({ min: 0, max: USERS }),
  target: fc.integer({ min: 1, max: ITEMS }),
  creator: fc.integer({ min: 0, max: 3 }),
  seconds,
  weight: fc.constantFrom(0, 0.5, 1, 3),
});

const happening: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      what: fc.constant('signals' as const),
      signals: fc.array(given, { minLength: 1, maxLength: 8 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      what: fc.constant('edge' as const),
      ends: fc.tuple(user, fc.integer({ min: 1, max: 3 })),
      follows: fc.boolean(),
      seconds,
      weight: fc.constantFrom(null, 0, 0.25, 1, 2.5),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      what: fc.constantFrom('gone' as const, 'back' as const),
      kind: fc.constantFrom(ITEM, USER, CREATOR),
      number: fc.integer({ min: 1, max: 5 }),
    }),
  },
);

const happenings = fc.array(happening, { maxLength: 25 });

function draftOf(each: Happening): Draft {
  if (each.what === 'signals') return signalsEntry(each.signals);
  if (each.what === 'edge')
    return edgeEntry(each.follows ? FOLLOWS : AFFINITY, each.ends, each.seconds, each.weight);
  return each.what === 'gone'
    ? stateEntry(each.kind, each.number, DELETED, 0)
    : stateEntry(each.kind, each.number, 0, DELETED);
}

function modelOf(all: readonly Happening[]): AudienceModel {
  const model = new AudienceModel();
  for (const each of all) {
    if (each.what === 'signals') for (const signal of each.signals) model.signal(signal);
    else if (each.what === 'edge')
      model.edge(each.follows ? FOLLOWS : AFFINITY, each.ends, each.seconds, each.weight);
    else if (each.what === 'gone') model.delete(each.kind, each.number);
    else model.revive(each.kind, each.number);
  }
  return model;
}

/** Two to a commit. */
function groupsOf(all: readonly Happening[]): Draft[][] {
  const groups: Draft[][] = [[SCHEMA]];
  for (let first = 0; first < all.length; first += 2) groups.push(all.slice(first, first + 2).map(draftOf));
  return groups;
}

/** Within what single precision leaves. */
function isFalling(weights: readonly number[]): boolean {
  return weights.every((weight, index) => index === 0 || weight <= weights[index - 1]! + 1e-5);
}

const number = (value: number): EntityNumber => value as EntityNumber;

describe('what users have done with items', () => {
  test('is what all signals together have left', () => {
    fc.assert(
      fc.property(happenings, (all) => {
        const reader = readerOf(viewOf(commitsOf(groupsOf(all))));
        const model = modelOf(all);
        for (let user = 1; user <= USERS; user++) {
          for (const state of USER_ITEM_STATES) {
            const items = model.items(user, state);
            expect(reader.items(number(user), state).toArray()).toEqual(Uint32Array.from(items));
            for (let item = 1; item <= ITEMS; item++)
              expect(reader.has(number(user), state, number(item))).toBe(items.includes(item));
          }
          for (let item = 1; item <= ITEMS; item++)
            expect(reader.lastAt(number(user), number(item))).toBe(micros(model.last(user, item)));
        }
      }),
      { numRuns: 60 },
    );
  });

  test('is told apart by the kind of what they did it with', () => {
    const follow = { signal: SIGNAL.follow, user: 1, target: 7, creator: 0, seconds: 50, weight: 1 };
    const view = viewOf(commitsOf([[SCHEMA], [signalsEntry([follow])]]));
    expect(readerOf(view, USER).lastAt(number(1), number(7))).toBe(micros(50));
    expect(readerOf(view, ITEM).lastAt(number(1), number(7))).toBe(0);
  });

  test('is told apart by tenants', () => {
    const like = { signal: SIGNAL.like, user: 1, target: 7, creator: 2, seconds: 50, weight: 1 };
    const [schema, signals] = commitsOf([[SCHEMA], [signalsEntry([like])]], 3);
    const view = viewOf([schema!, signals!]);
    expect(view.reader(0 as TenantId, ITEM)).toBeNull();
    expect(readerOf(view, ITEM, 3).has(number(1), 'liked', number(7))).toBe(true);
  });
});

describe('relationships', () => {
  test('have the weight that people and signals gave them, faded', () => {
    fc.assert(
      fc.property(happenings, (all) => {
        const reader = readerOf(viewOf(commitsOf(groupsOf(all))));
        const model = modelOf(all);
        const targets = Uint32Array.from({ length: ITEMS }, (_, index) => index + 1);
        const out = new Float64Array(ITEMS);
        for (const relationship of [FOLLOWS, AFFINITY]) {
          for (let user = 1; user <= USERS; user++) {
            reader.edge(relationship, number(user), targets, ITEMS, micros(NOW), out);
            for (const [index, weight] of out.entries())
              expect(weight).toBeCloseTo(model.weight(relationship, user, index + 1, NOW), 5);
          }
        }
      }),
      { numRuns: 80 },
    );
  });

  test('are listed from either end, the heaviest first', () => {
    fc.assert(
      fc.property(happenings, (all) => {
        const reader = readerOf(viewOf(commitsOf(groupsOf(all))));
        const model = modelOf(all);
        for (const relationship of [FOLLOWS, AFFINITY]) {
          for (let each = 1; each <= ITEMS; each++) {
            const ends = reader.edgesFrom(relationship, number(each), 100, micros(NOW));
            const weights = [...ends].map((end) => model.weight(relationship, each, end, NOW));
            expect([...ends].sort()).toEqual(model.ends(relationship, each).sort());
            expect(isFalling(weights)).toBe(true);
            const beginnings = reader.edgesTo(relationship, number(each), 100, micros(NOW));
            expect([...beginnings].sort()).toEqual(model.beginnings(relationship, each).sort());
            expect(
              isFalling([...beginnings].map((from) => model.weight(relationship, from, each, NOW))),
            ).toBe(true);
            expect(reader.edgesTo(relationship, number(each), 1, micros(NOW))).toEqual(
              beginnings.slice(0, 1),
            );
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  test('as heavy as each other are listed by number', () => {
    const edges = [3, 1, 2].map((to) => edgeEntry(AFFINITY, [1, to], 10, 1));
    const view = viewOf(commitsOf([[SCHEMA], edges]));
    expect([...readerOf(view).edgesFrom(AFFINITY, number(1), 2, micros(20))]).toEqual([1, 2]);
  });

  test('a signal moves an edge to its bounds and never back from beyond them', () => {
    const like = { signal: SIGNAL.like, user: 1, target: 1, creator: 2, seconds: 10, weight: 100 };
    const hide = { ...like, signal: SIGNAL.hide };
    const groups = [[SCHEMA], [signalsEntry([like])], [signalsEntry([hide, hide])]];
    const weightAfter = (commits: number): number => {
      const out = new Float64Array(1);
      const reader = readerOf(viewOf(commitsOf(groups.slice(0, commits))));
      reader.edge(AFFINITY, number(1), Uint32Array.of(2), 1, micros(10), out);
      return out[0]!;
    };
    expect(weightAfter(2)).toBe(4);
    expect(weightAfter(3)).toBe(-2);
  });

  test('an unfollow takes the edge away whatever made it', () => {
    const follow = { signal: SIGNAL.follow, user: 1, target: 2, creator: 0, seconds: 10, weight: 1 };
    const view = viewOf(
      commitsOf([[SCHEMA], [signalsEntry([follow]), edgeEntry(FOLLOWS, [1, 2], 11, null)]]),
    );
    expect(readerOf(view).edgesFrom(FOLLOWS, number(1), 10, micros(20))).toHaveLength(0);
    expect(readerOf(view).edgesTo(FOLLOWS, number(2), 10, micros(20))).toHaveLength(0);
  });
});

describe('recent items of a user', () => {
  const like = (user: number, target: number, at: number, signal = SIGNAL.like): GivenSignal => {
    return { signal, user, target, creator: 0, seconds: at * 16, weight: 1 };
  };

  test('are those of positive signals, the newest first, without deleted ones', () => {
    const signals = [like(1, 4, 3), like(1, 5, 9), like(1, 6, 1), like(1, 7, 20, SIGNAL.view), like(2, 8, 5)];
    const view = viewOf(commitsOf([[SCHEMA], [signalsEntry(signals)], [stateEntry(ITEM, 4, DELETED, 0)]]));
    expect([...readerOf(view).recent(number(1), 10)]).toEqual([5, 6]);
    expect([...readerOf(view).recent(number(1), 1)]).toEqual([5]);
    expect([...readerOf(view).recent(number(3), 10)]).toEqual([]);
  });

  test('are without what was hidden since', () => {
    const signals = [like(1, 4, 3), like(1, 5, 9), like(1, 5, 10, SIGNAL.hide)];
    const view = viewOf(commitsOf([[SCHEMA], [signalsEntry(signals)]]));
    expect([...readerOf(view).recent(number(1), 10)]).toEqual([4]);
  });

  test('are those of neutral signals where the schema has no positive one', () => {
    const dropped = [SIGNAL.like, SIGNAL.rate].map((id) => ({ step: 'drop', what: 'signal', id }) as const);
    const signals = [like(1, 7, 20, SIGNAL.view)];
    const view = viewOf(commitsOf([[SCHEMA], [schemaEntry(2, dropped)], [signalsEntry(signals)]]));
    expect([...readerOf(view).recent(number(1), 10)]).toEqual([7]);
  });
});

describe('the view as a view of the log', () => {
  test('is the same live, and saved and restored anywhere', () => {
    fc.assert(
      fc.property(happenings, fc.nat(), (all, cut) => {
        const commits = commitsOf(groupsOf(all));
        const live = viewOf(commits);
        const at = cut % (commits.length + 1);
        const again = restored(savedParts(viewOf(commits.slice(0, at))));
        for (const commit of commits.slice(at)) again.onCommit(commit);
        expect(again.digest()).toBe(live.digest());
        expect([...savedParts(again).keys()]).toEqual([...savedParts(live).keys()]);
        expect(restored(savedParts(live)).digest()).toBe(live.digest());
      }),
      { numRuns: 60 },
    );
  });

  test('is the same however signals are put together in entries', () => {
    fc.assert(
      fc.property(fc.array(given, { maxLength: 200 }), fc.integer({ min: 1, max: 9 }), (signals, size) => {
        const groups: Draft[][] = [[SCHEMA]];
        for (let first = 0; first < signals.length; first += size)
          groups.push([signalsEntry(signals.slice(first, first + size))]);
        const together = viewOf(commitsOf([[SCHEMA], [signalsEntry(signals)]]));
        expect(viewOf(commitsOf(groups)).digest()).toBe(together.digest());
      }),
      { numRuns: 40 },
    );
  });

  test('has another digest for other content', () => {
    const like = { signal: SIGNAL.like, user: 1, target: 1, creator: 2, seconds: 10, weight: 1 };
    const digestOf = (signal: GivenSignal): string =>
      viewOf(commitsOf([[SCHEMA], [signalsEntry([signal])]])).digest();
    const digests = [
      like,
      { ...like, user: 2 },
      { ...like, target: 3 },
      { ...like, seconds: 11 },
      { ...like, creator: 0 },
    ];
    expect(new Set(digests.map(digestOf)).size).toBe(digests.length);
  });

  test('prepares its digest without changing it', () => {
    const like = { signal: SIGNAL.like, user: 1, target: 1, creator: 2, seconds: 10, weight: 1 };
    const commits = commitsOf([[SCHEMA], [signalsEntry([like])], [signalsEntry([{ ...like, user: 3 }])]]);
    const [ahead, plain] = [viewOf(commits.slice(0, 2)), viewOf(commits)];
    expect([...ahead.digestAhead()].length).toBeGreaterThan(0);
    ahead.onCommit(commits[2]!);
    expect(ahead.digest()).toBe(plain.digest());
  });

  test('saves what it was, although commits go on before it is written', () => {
    fc.assert(
      fc.property(happenings, happenings, (before, after) => {
        const commits = commitsOf(groupsOf([...before, ...after]));
        const first = groupsOf(before).length;
        const view = viewOf(commits.slice(0, first));
        const digest = view.digest();
        const checkpoint = new MemoryCheckpoint();
        view.checkpoint(checkpoint);
        for (const commit of commits.slice(first)) view.onCommit(commit);
        expect(restored(checkpoint.finish()).digest()).toBe(digest);
      }),
      { numRuns: 30 },
    );
  });

  test('names parts of what has not changed as before', () => {
    const like = { signal: SIGNAL.like, user: 1, target: 1, creator: 2, seconds: 10, weight: 1 };
    const follow = { ...like, signal: SIGNAL.follow, target: 4 };
    const commits = commitsOf([[SCHEMA], [signalsEntry([like])], [signalsEntry([follow])]]);
    const before = new Set(savedParts(viewOf(commits.slice(0, 2))).keys());
    const kept = [...savedParts(viewOf(commits)).keys()].filter((name) => before.has(name));
    expect(kept.map((name) => name.split('-')[1])).toEqual([
      'schema',
      'items',
      'recent',
      'companions',
      'edges',
    ]);
  });

  test('takes no damaged checkpoint for a good one, and does not fail in other ways', () => {
    const parts = savedParts(
      viewOf(commitsOf(groupsOf(fc.sample(happenings, { seed: 5, numRuns: 6 }).flat()))),
    );
    const names = [...parts.keys()];
    const damage = fc.record({
      name: fc.constantFrom(...names),
      at: fc.nat(),
      bytes: fc.uint8Array({ maxLength: 12 }),
      cut: fc.boolean(),
    });
    fc.assert(
      fc.property(damage, ({ name, at, bytes, cut }) => {
        const damaged = Uint8Array.from(parts.get(name)!);
        const place = damaged.length === 0 ? 0 : at % damaged.length;
        damaged.set(bytes.subarray(0, damaged.length - place), place);
        const after = cut ? damaged.subarray(0, place) : damaged;
        expect(codeOf(new Map([...parts, [name, after]]))).toMatch(/^(CORRUPT|fine)$/);
      }),
      { numRuns: 400 },
    );
  });

  test.each(['x', '0-items-1-0', '0-items-9-0-1', '0-gone-9-0-1', '0-items-1-99999-1', '1-items-1-0-1'])(
    'refuses a part of the name %s',
    (name) => {
      const parts = savedParts(viewOf(commitsOf([[SCHEMA]])));
      expect(codeOf(new Map([...parts, [name, Uint8Array.of(1, 0, 0, 0, 1, 0, 0, 0)]]))).toBe('CORRUPT');
    },
  );
});

function codeOf(parts: ReadonlyMap<string, Uint8Array>): string {
  try {
    restored(parts).digest();
    return 'fine';
  } catch (error) {
    return error instanceof TruthError ? error.code : String(error);
  }
}
