import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Bitmap } from '../../../../../db/ranking/indexes/bitmaps/index.ts';
import { members, sorted } from './members.ts';

describe('a bitmap', () => {
  test('has what was added and not removed again, in ascending order', () => {
    const change = fc.tuple(fc.constantFrom('add', 'remove'), fc.nat(200_000));
    fc.assert(
      fc.property(members, fc.array(change, { maxLength: 200 }), (start, changes) => {
        const bitmap = Bitmap.fromSorted(sorted(start));
        const set = new Set(start);
        for (const [what, number] of changes) {
          const changed = what === 'add' ? bitmap.add(number) : bitmap.remove(number);
          expect(changed).toBe(what === 'add' ? !set.has(number) : set.has(number));
          if (what === 'add') set.add(number);
          else set.delete(number);
          expect(bitmap.size).toBe(set.size);
        }
        expect([...bitmap.toArray()]).toEqual([...sorted(set)]);
        expect([...bitmap]).toEqual([...sorted(set)]);
        for (const [, number] of changes) expect(bitmap.has(number)).toBe(set.has(number));
      }),
      { numRuns: 40 },
    );
  });

  test('combines like a set', () => {
    fc.assert(
      fc.property(members, members, (left, right) => {
        const [a, b] = [Bitmap.fromSorted(sorted(left)), Bitmap.fromSorted(sorted(right))];
        const [mine, theirs] = [new Set(left), new Set(right)];
        const both = sorted([...mine].filter((number) => theirs.has(number)));
        expect(a.and(b).toArray()).toEqual(both);
        expect(a.and(b).size).toBe(both.length);
        expect(a.andSize(b)).toBe(both.length);
        expect(a.or(b).toArray()).toEqual(sorted([...mine, ...theirs]));
        expect(a.or(b).size).toBe(new Set([...mine, ...theirs]).size);
        expect(a.andNot(b).toArray()).toEqual(sorted([...mine].filter((number) => !theirs.has(number))));
        expect([a.toArray(), b.toArray()]).toEqual([sorted(left), sorted(right)]);
      }),
      { numRuns: 60 },
    );
  });

  test('shares nothing that can be seen with what was made of it', () => {
    fc.assert(
      fc.property(members, members, fc.array(fc.nat(200_000), { maxLength: 50 }), (left, right, changes) => {
        const a = Bitmap.fromSorted(sorted(left));
        const b = Bitmap.fromSorted(sorted(right));
        const made = [a.freeze(), a.clone(), a.or(b), a.andNot(b), a.and(b)];
        const before = made.map((each) => each.toArray());
        for (const number of changes) {
          if (!a.remove(number)) a.add(number);
          if (!b.remove(number)) b.add(number);
        }
        expect(made.map((each) => each.toArray())).toEqual(before);
        made[1]!.add(300_000);
        expect(a.has(300_000)).toBe(false);
      }),
      { numRuns: 60 },
    );
  });

  test('is frozen once for each state it is in', () => {
    const bitmap = Bitmap.of([1, 70_000]);
    const frozen = bitmap.freeze();
    expect(bitmap.freeze()).toBe(frozen);
    expect(frozen.freeze()).toBe(frozen);
    expect(() => frozen.add(2)).toThrow(/frozen/);
    expect(() => frozen.add(900_000)).toThrow(/frozen/);
    expect(() => frozen.remove(1)).toThrow(/frozen/);
    bitmap.add(2);
    expect(frozen.toArray()).toEqual(Uint32Array.of(1, 70_000));
    expect(bitmap.freeze().toArray()).toEqual(Uint32Array.of(1, 2, 70_000));
  });

  test('holds whole ranges', () => {
    const ranges: [number, number][] = [
      [0, 0],
      [5, 6],
      [1, 4_097],
      [60_000, 200_001],
      [65_536, 131_072],
      [4_294_900_000, 4_294_967_296],
    ];
    for (const [first, end] of ranges) {
      const range = Bitmap.range(first, end);
      expect(range.size).toBe(end - first);
      expect(range.has(first)).toBe(end > first);
      expect(range.has(end - 1)).toBe(end > first);
      expect(range.has(end)).toBe(false);
      expect(range.toArray()).toEqual(Uint32Array.from({ length: end - first }, (_, at) => first + at));
    }
  });

  test('takes the largest numbers there are', () => {
    const bitmap = Bitmap.of([4_294_967_295, 0, 2_147_483_648]);
    expect([...bitmap]).toEqual([0, 2_147_483_648, 4_294_967_295]);
    expect(bitmap.remove(2_147_483_648)).toBe(true);
    expect([...bitmap]).toEqual([0, 4_294_967_295]);
  });

  test('goes from few to many and back without losing any', () => {
    const bitmap = new Bitmap();
    const numbers = Array.from({ length: 6_000 }, (_, at) => (at * 7) % 65_536).sort((a, b) => a - b);
    for (const number of numbers) bitmap.add(number);
    expect([...bitmap.toArray()]).toEqual([...sorted(numbers)]);
    for (const number of numbers.slice(100)) bitmap.remove(number);
    expect([...bitmap.toArray()]).toEqual(numbers.slice(0, 100));
    expect(bitmap.bytes).toBeLessThan(8_192);
  });
});
