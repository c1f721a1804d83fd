import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Companions } from '../../../../db/ranking/audience/companions.ts';
import { RecentItems } from '../../../../db/ranking/audience/recent-items.ts';
import type { EntityNumber, Micros } from '../../../../db/ranking/ground.ts';
import type { AudienceReader } from '../../../../db/ranking/reading.ts';
import {
  commitsOf,
  type Draft,
  type GivenSignal,
  ITEM,
  readerOf,
  restored,
  SCHEMA_STEPS,
  SIGNAL,
  savedParts,
  schemaEntry,
  signalsEntry,
  stateEntry,
  viewOf,
} from './audience-log.ts';

const SCHEMA = schemaEntry(1, SCHEMA_STEPS);
const NOW = 0 as Micros;
const DELETED = 255;

const number = (value: number): EntityNumber => value as EntityNumber;

/** The same every time. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 0x1_0000_0000;
  };
}

function like(user: number, target: number, minute: number, weight = 1, signal = SIGNAL.like): GivenSignal {
  return { signal, user, target, creator: 0, seconds: minute * 60, weight };
}

/** Each user likes items of one group of twenty, and one in five of any. */
function clustered(users: number, groups: number, seed: number): GivenSignal[] {
  const random = randomOf(seed);
  const signals: GivenSignal[] = [];
  for (let user = 1; user <= users; user++) {
    const group = user % groups;
    for (let each = 0; each < 12; each++) {
      const isAny = random() < 0.2;
      const item = isAny ? random() * groups * 20 : group * 20 + random() * 20;
      signals.push(like(user, 1 + Math.floor(item), user * 20 + each));
    }
  }
  return signals;
}

function readerAfter(...groups: readonly (readonly Draft[])[]): AudienceReader {
  return readerOf(viewOf(commitsOf([[SCHEMA], ...groups])));
}

const groupOf = (item: number): number => Math.floor((item - 1) / 20);

describe('companions of an item', () => {
  test('have the weight that people gave the pair, nearer ones more, the later item more than the earlier', () => {
    const pair = fc.record({ user: fc.integer({ min: 1, max: 6 }), item: fc.integer({ min: 1, max: 9 }) });
    fc.assert(
      fc.property(fc.array(pair, { maxLength: 60 }), (pairs) => {
        const mark = { sequence: 1 };
        const recent = new RecentItems(32, mark);
        const companions = new Companions(mark);
        const expected = new Map<string, number>();
        const histories = new Map<number, number[]>();
        const weigh = (name: string, weight: number): void => {
          expected.set(name, (expected.get(name) ?? 0) + weight);
        };
        for (const [index, { user, item }] of pairs.entries()) {
          const place = recent.add(user, item, index * 16, 15);
          if (place >= 0) companions.adopt(item, recent, place);
          const history = histories.get(user) ?? [];
          const before = history.filter((other) => other !== item);
          histories.set(user, [...before, item]);
          if (history.includes(item)) continue;
          for (const [back, other] of before.reverse().slice(0, 5).entries()) {
            weigh(`${other}>${item}`, 0.9 ** back);
            weigh(`${item}>${other}`, 0.5 * 0.9 ** back);
          }
        }
        const found = new Map<string, number>();
        for (let item = 1; item <= 9; item++) {
          const places = companions.open(item);
          for (let place = 0; place < places; place++)
            if (companions.companion(place) !== 0)
              found.set(`${item}>${companions.companion(place)}`, companions.weight(place));
        }
        expect(found.size).toBe(expected.size);
        for (const [name, weight] of expected) expect(found.get(name)).toBeCloseTo(weight, 4);
      }),
    );
  });

  test('are of its own group where people keep to groups', () => {
    const reader = readerAfter([signalsEntry(clustered(400, 8, 1))]);
    let own = 0;
    let all = 0;
    for (let item = 1; item <= 160; item++) {
      const { items, scores } = reader.relatedTo(number(item), 5, NOW);
      expect([...scores]).toEqual([...scores].sort((a, b) => b - a));
      own += [...items].filter((other) => groupOf(other) === groupOf(item)).length;
      all += items.length;
    }
    expect(all).toBe(800);
    expect(own / all).toBeGreaterThan(0.95);
  });

  test('do not grow with the number of items that go with it', () => {
    const random = randomOf(4);
    const signals = Array.from({ length: 40_000 }, (_, index) =>
      like(1 + Math.floor(random() * 500), 1 + Math.floor(random() ** 3 * 3_000), index),
    );
    const reader = readerAfter([signalsEntry(signals)]);
    expect(reader.relatedTo(number(1), 1_000, NOW).items.length).toBe(128);
  });
});

describe('neighbours of a user', () => {
  const groups = [[signalsEntry(clustered(400, 8, 2))]];

  test('are of the group that the user keeps to', () => {
    const reader = readerAfter(...groups, [
      signalsEntry([61, 65, 70].map((item, each) => like(900, item, 9_000 + each))),
    ]);
    const { items } = reader.neighboursOf(number(900), 10, NOW);
    expect(items).toHaveLength(10);
    expect([...items].every((item) => groupOf(item) === groupOf(61))).toBe(true);
  });

  test('follow the newest of the recent items, and those that were liked', () => {
    const turned = [1, 2, 3, 141, 142, 143].map((item, each) => like(900, item, 9_000 + each));
    const rated = [1, 2, 141, 142].map((item, each) =>
      like(901, item, 9_000 + each, item > 140 ? 0 : 10, SIGNAL.rate),
    );
    const reader = readerAfter(...groups, [signalsEntry([...turned, ...rated])]);
    expect(groupOf(reader.neighboursOf(number(900), 1, NOW).items[0]!)).toBe(groupOf(141));
    expect(groupOf(reader.neighboursOf(number(901), 1, NOW).items[0]!)).toBe(groupOf(1));
  });

  test('stay away from what goes with hidden items, and are not these', () => {
    const liked = [1, 2, 141, 142].map((item, each) => like(900, item, 9_000 + each));
    const hidden = [143, 144, 145].map((item, each) => like(900, item, 9_100 + each, 1, SIGNAL.hide));
    const shareOf = (reader: AudienceReader): number => {
      const { items } = reader.neighboursOf(number(900), 20, NOW);
      expect(
        [...items].some(
          (item) => item >= 143 && item <= 145 && reader.has(number(900), 'hidden', number(item)),
        ),
      ).toBe(false);
      return [...items].filter((item) => groupOf(item) === groupOf(141)).length;
    };
    const before = shareOf(readerAfter(...groups, [signalsEntry(liked)]));
    expect(shareOf(readerAfter(...groups, [signalsEntry([...liked, ...hidden])]))).toBeLessThan(before / 2);
  });

  test('are without deleted items', () => {
    const signals = [signalsEntry([61, 65, 70].map((item, each) => like(900, item, 9_000 + each)))];
    const [first] = readerAfter(...groups, signals).neighboursOf(number(900), 1, NOW).items;
    const reader = readerAfter(...groups, signals, [stateEntry(ITEM, first!, DELETED, 0)]);
    expect(reader.neighboursOf(number(900), 200, NOW).items).not.toContain(first);
    expect(reader.relatedTo(number(61), 200, NOW).items).not.toContain(first);
  });

  test("are nobody's who likes nothing", () => {
    expect(readerAfter(...groups).neighboursOf(number(5_000), 10, NOW).items).toHaveLength(0);
    expect(readerAfter(...groups).relatedTo(number(5_000), 10, NOW).scores).toHaveLength(0);
  });

  test('are the same after lists that were full were saved and restored', () => {
    const random = randomOf(9);
    const signals = Array.from({ length: 12_000 }, (_, index) =>
      like(1 + Math.floor(random() * 300), 1 + Math.floor(random() ** 2 * 2_000), index),
    );
    const commits = commitsOf([
      [SCHEMA],
      ...[0, 4_000, 8_000].map((from) => [signalsEntry(signals.slice(from, from + 4_000))]),
    ]);
    const live = viewOf(commits);
    const again = restored(savedParts(viewOf(commits.slice(0, 3))));
    again.onCommit(commits[3]!);
    expect(again.digest()).toBe(live.digest());
    for (const user of [1, 77, 300]) {
      const { items, scores } = readerOf(live).neighboursOf(number(user), 100, NOW);
      expect(readerOf(again).neighboursOf(number(user), 100, NOW)).toEqual({ items, scores });
    }
  });
});
