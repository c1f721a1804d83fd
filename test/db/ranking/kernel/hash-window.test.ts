import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { EntityNumber, Micros, SignalId } from '../../../../db/ranking/ground.ts';
import { hashKey, hashSignal } from '../../../../db/ranking/kernel/content-hash.ts';
import { HashWindow, WINDOW_ROWS_MAX } from '../../../../db/ranking/kernel/hash-window.ts';
import type { SignalHash } from '../../../../db/ranking/kernel/index.ts';

/** Few different ones, that share first words and homes. */
const hash: fc.Arbitrary<SignalHash> = fc.record({
  hashHigh: fc.nat(1),
  hashLow: fc.oneof(fc.nat(3), fc.constant(0xffff_ffff), fc.nat(2_000)),
  checkHigh: fc.nat(1),
  checkLow: fc.nat(1),
});

describe('a window of hashes', () => {
  test('has what came in and did not go out, like a list', () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ add: hash, ahead: fc.nat(2) }) },
      { weight: 1, arbitrary: fc.record({ remove: fc.nat(40) }) },
    );
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 600 }),
        fc.array(hash),
        fc.constantFrom(0, 4_194_200),
        (steps, asked, first) => {
          const window = new HashWindow(first);
          let list: { hash: SignalHash; mark: number }[] = [];
          let mark = 0;
          for (const each of steps) {
            if ('add' in each) {
              mark += each.ahead;
              window.add(each.add, mark);
              list.push({ hash: each.add, mark });
            } else {
              window.removeThrough(mark - each.remove);
              list = list.filter((row) => row.mark > mark - each.remove);
            }
          }
          expect(window.size).toBe(list.length);
          for (const one of [...asked, ...list.map((row) => row.hash)])
            for (const above of [0, mark - 1])
              expect(window.has(one, above)).toBe(
                list.some((row) => row.mark > above && same(row.hash, one)),
              );
        },
      ),
      { numRuns: 60 },
    );
  });

  test('holds a million and lets the oldest go', () => {
    const window = new HashWindow(0);
    const row = { hashHigh: 0, hashLow: 0, checkHigh: 7, checkLow: 7 };
    for (let index = 0; index < WINDOW_ROWS_MAX + 3_000; index++) {
      row.hashHigh = index;
      row.hashLow = Math.imul(index, 0x9e3779b1) >>> 0;
      window.add(row, index);
    }
    expect(window.size).toBe(WINDOW_ROWS_MAX);
    const has = (index: number): boolean =>
      window.has({ ...row, hashHigh: index, hashLow: Math.imul(index, 0x9e3779b1) >>> 0 }, -1);
    expect([2_999, 3_000, WINDOW_ROWS_MAX].map(has)).toEqual([false, true, true]);
    expect(window.bytes).toBeLessThan(40 * WINDOW_ROWS_MAX);
  });
});

describe('the hash of a signal', () => {
  const content = { signal: 1 as SignalId, target: 2 as EntityNumber, user: 3 as EntityNumber, weight: 1 };

  test('differs with each part of it', () => {
    const variants = [
      hashOf(content, 5, 'a'),
      hashOf({ ...content, signal: 2 as SignalId }, 5, 'a'),
      hashOf({ ...content, target: 3 as EntityNumber }, 5, 'a'),
      hashOf({ ...content, user: 2 as EntityNumber }, 5, 'a'),
      hashOf({ ...content, weight: 2 }, 5, 'a'),
      hashOf(content, 6, 'a'),
      hashOf(content, null, 'a'),
      hashOf(content, 5, 'b'),
      hashOf(content, 5, ''),
      hashOf(content, 5, null),
      hashOf(content, 5, 'a\u0000'),
    ];
    for (const word of [0, 1, 2, 3])
      expect(new Set(variants.map((each) => each[word])).size).toBe(variants.length);
  });

  test('does not depend on what was hashed before', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 80 }), fc.string({ maxLength: 80 }), (before, id) => {
        const alone = hashOf(content, 5, id);
        hashOf(content, 9, before);
        expect(hashOf(content, 5, id)).toEqual(alone);
      }),
    );
  });
});

describe('the hash of a key', () => {
  test('is MurmurHash3 for 32 bits', () => {
    const cases: readonly (readonly [string, number])[] = [
      ['', 0],
      ['test', 0xba6bd213],
      ['Hello, world!', 0xc0363e43],
      ['The quick brown fox jumps over the lazy dog', 0x2e4ff723],
    ];
    for (const [key, expected] of cases) {
      const bytes = Buffer.from(`xx${key}`);
      expect(hashKey(bytes, 2, bytes.length - 2)).toBe(expected);
    }
  });
});

function hashOf(content: Parameters<typeof hashSignal>[0], at: number | null, id: string | null): number[] {
  const into = { hashHigh: 0, hashLow: 0, checkHigh: 0, checkLow: 0 };
  hashSignal(content, at as Micros | null, id, into);
  return [into.hashHigh, into.hashLow, into.checkHigh, into.checkLow];
}

function same(a: SignalHash, b: SignalHash): boolean {
  return (
    a.hashHigh === b.hashHigh &&
    a.hashLow === b.hashLow &&
    a.checkHigh === b.checkHigh &&
    a.checkLow === b.checkLow
  );
}
