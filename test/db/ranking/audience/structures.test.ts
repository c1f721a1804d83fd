import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TruthError } from '../../../../db/errors.ts';
import { BestNumbers } from '../../../../db/ranking/audience/best-numbers.ts';
import { KeyedRows } from '../../../../db/ranking/audience/keyed-rows.ts';
import { OwnedBlocks, WORD_IN_PAGE } from '../../../../db/ranking/audience/owned-blocks.ts';
import { RecentItems } from '../../../../db/ranking/audience/recent-items.ts';
import { WordReader, WordWriter } from '../../../../db/ranking/audience/words.ts';

const mark = { sequence: 1 };

/** Numbers that look random and are the same every time. */
function* numbers(seed: number): Generator<number> {
  for (let state = seed; ; ) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield state >>> 4;
  }
}

describe('blocks by owner', () => {
  test('keep what was written while owners grow, vanish and pages are emptied', () => {
    const blocks = new OwnedBlocks(mark);
    const random = numbers(7);
    const sizes = new Map<number, number>();
    for (let step = 0; step < 60_000; step++) {
      const owner = 1 + (random.next().value! % 3_000);
      if (random.next().value! % 50 === 0) {
        blocks.remove(owner);
        sizes.delete(owner);
      } else {
        const words = Math.min(400, (sizes.get(owner) ?? 0) + 1 + (random.next().value! % 4));
        const before = blocks.find(owner);
        const address = blocks.place(owner, words);
        if (before !== 0) blocks.giveUp(before);
        blocks
          .pageForWriting(owner, address)
          .fill(owner, address & WORD_IN_PAGE, (address & WORD_IN_PAGE) + words);
        sizes.set(owner, words);
      }
      if (step % 16 === 0) blocks.tidy();
    }
    let used = 0;
    for (const [owner, words] of sizes) {
      const address = blocks.find(owner);
      expect(blocks.room(address)).toBe(words);
      const at = address & WORD_IN_PAGE;
      expect(
        blocks
          .page(address)
          .subarray(at, at + words)
          .every((word) => word === owner),
      ).toBe(true);
      used += (words + 2) * 4;
    }
    expect([...blocks.owners(0, 10_000)]).toEqual([...sizes.keys()].sort((a, b) => a - b));
    expect(blocks.bytes).toBeLessThan(used * 1.35 + 3 * 4 * 65_536);
  });

  test('hold a block larger than a page', () => {
    const blocks = new OwnedBlocks(mark);
    const small = blocks.place(1, 10);
    const large = blocks.place(2, 200_000);
    blocks.pageForWriting(2, large)[(large & WORD_IN_PAGE) + 199_999] = 5;
    blocks.pageForWriting(1, small)[small & WORD_IN_PAGE] = 6;
    blocks.place(3, 70_000);
    blocks.remove(3);
    blocks.tidy();
    expect(blocks.page(blocks.find(2))[(blocks.find(2) & WORD_IN_PAGE) + 199_999]).toBe(5);
    expect(blocks.page(blocks.find(1))[blocks.find(1) & WORD_IN_PAGE]).toBe(6);
    expect(blocks.bytes).toBeLessThan(1_000_000);
  });

  test('held ones stay as they were while others write', () => {
    const blocks = new OwnedBlocks(mark);
    for (let owner = 1; owner <= 1_000; owner++) {
      const address = blocks.place(owner, 20);
      blocks
        .pageForWriting(owner, address)
        .fill(owner, address & WORD_IN_PAGE, (address & WORD_IN_PAGE) + 20);
    }
    const held = blocks.hold();
    for (let owner = 1; owner <= 1_000; owner++) {
      if (owner % 3 === 0) blocks.remove(owner);
      else {
        const before = blocks.find(owner);
        blocks.place(owner, 30);
        blocks.giveUp(before);
      }
      blocks.tidy();
    }
    expect([...held.owners(0, 5_000)]).toHaveLength(1_000);
    for (let owner = 1; owner <= 1_000; owner++) {
      const address = held.find(owner);
      expect(held.page(address)[address & WORD_IN_PAGE]).toBe(owner);
    }
    held.release();
    held.release();
    expect([...blocks.owners(0, 5_000)]).toHaveLength(667);
  });
});

type Step = readonly ['put', number, number, number] | readonly ['remove', number, number];

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(
      fc.constant('put' as const),
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 1, max: 200 }),
      fc.integer({ min: 0, max: 255 }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(
      fc.constant('remove' as const),
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 1, max: 200 }),
    ),
  },
);

describe('rows by owner and key', () => {
  const shape = { words: 2, byte: true };

  function run(steps: readonly Step[]): { rows: KeyedRows; model: Map<string, number> } {
    const rows = new KeyedRows(shape, mark);
    const model = new Map<string, number>();
    for (const [what, owner, key, value] of steps) {
      const name = `${owner}/${key}`;
      expect(rows.seek(owner, key)).toBe(model.has(name));
      if (what === 'put') {
        if (!rows.seek(owner, key)) rows.add(owner, key);
        rows.setWord(0, value * 3);
        rows.setWord(1, value * 5);
        rows.setByte(value);
        model.set(name, value);
      } else if (rows.seek(owner, key)) {
        rows.remove();
        model.delete(name);
      }
      rows.blocks.tidy();
    }
    return { rows, model };
  }

  function contentOf(rows: KeyedRows, owner: number): [number, number, number, number][] {
    return Array.from({ length: rows.open(owner) }, (_, row) => {
      rows.moveTo(row);
      return [rows.key, rows.word(0), rows.word(1), rows.byte] as [number, number, number, number];
    });
  }

  test('are what was put and not removed', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
        const { rows, model } = run(steps);
        expect(rows.count).toBe(model.size);
        for (const owner of [1, 2, 3]) {
          const expected = [...model]
            .filter(([name]) => name.startsWith(`${owner}/`))
            .map(([name, value]) => [Number(name.split('/')[1]), value * 3, value * 5, value]);
          expect(contentOf(rows, owner).sort((a, b) => a[0] - b[0])).toEqual(
            expected.sort((a, b) => a[0]! - b[0]!),
          );
        }
      }),
      { numRuns: 60 },
    );
  });

  test('are written sorted, whatever order they came in, and read back', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const { rows } = run(steps);
        const copy = new KeyedRows(shape, mark);
        for (const owner of rows.blocks.owners(0, 10)) {
          const writer = new WordWriter();
          rows.write(rows.blocks, owner, writer);
          copy.read(owner, new WordReader('test', writer.finish()));
          expect(contentOf(copy, owner)).toEqual(contentOf(rows, owner).sort((a, b) => a[0] - b[0]));
        }
        expect(copy.count).toBe(rows.count);
      }),
      { numRuns: 40 },
    );
  });

  test('of one owner may be many, in any order', () => {
    const rows = new KeyedRows({ words: 1, byte: true }, mark);
    const random = numbers(3);
    const keys = new Set<number>();
    while (keys.size < 30_000) keys.add(1 + (random.next().value! % 1_000_000));
    for (const key of keys) {
      rows.add(9, key);
      rows.setWord(0, key + 1);
      rows.setByte(key % 251);
      rows.blocks.tidy();
    }
    for (const key of keys) {
      expect(rows.seek(9, key)).toBe(true);
      if (rows.word(0) !== key + 1 || rows.byte !== key % 251) expect.unreachable();
    }
    expect(rows.seek(9, 1_000_001)).toBe(false);
    // Nine bytes a row, up to a quarter of room, and the page that smaller blocks were in.
    expect(rows.blocks.bytes).toBeLessThan(keys.size * 9 * 1.3 + 4 * 65_536);
  });
});

describe('recent items', () => {
  interface Given {
    readonly item: number;
    readonly seconds: number;
    readonly level: number;
  }
  const given = fc.record({
    item: fc.integer({ min: 1, max: 14 }),
    seconds: fc.integer({ min: 0, max: 40 }).map((tick) => tick * 16),
    level: fc.integer({ min: 1, max: 15 }),
  });

  /** Oldest first; of the same time in the order they came. */
  function modelOf(all: readonly Given[], most: number): { items: Given[]; places: number[] } {
    let items: Given[] = [];
    const places = all.map((each) => {
      const before = items.find(({ item }) => item === each.item);
      const rest = items.filter(({ item }) => item !== each.item);
      const seconds = Math.max(before?.seconds ?? 0, each.seconds);
      if (before === undefined && rest.length === most && rest[0]!.seconds > seconds) return -1;
      if (before === undefined && rest.length === most) rest.shift();
      if (before !== undefined && before.seconds > each.seconds) {
        items = items.map((old) => (old.item === each.item ? { ...old, level: each.level } : old));
        return -1;
      }
      const later = rest.findIndex((other) => other.seconds > seconds);
      const place = later < 0 ? rest.length : later;
      items = [...rest.slice(0, place), { ...each, seconds }, ...rest.slice(place)];
      return before === undefined ? place : -1;
    });
    return { items, places };
  }

  test('are the newest by time, each once, with what they mean', () => {
    fc.assert(
      fc.property(fc.array(given, { maxLength: 60 }), (all) => {
        const recent = new RecentItems(8, mark);
        const places = all.map(({ item, seconds, level }) => recent.add(5, item, seconds, level));
        const model = modelOf(all, 8);
        expect(places).toEqual(model.places);
        const found = Array.from({ length: recent.open(5) }, (_, index) => [
          recent.item(index),
          recent.level(index),
        ]);
        expect(found).toEqual(model.items.map(({ item, level }) => [item, level]));
      }),
    );
  });

  test('can be taken away', () => {
    const recent = new RecentItems(8, mark);
    for (const item of [1, 2, 3]) recent.add(5, item, item * 100, 15);
    recent.remove(5, 2);
    recent.remove(5, 9);
    expect([recent.open(5), recent.item(0), recent.item(1)]).toEqual([2, 1, 3]);
    recent.remove(5, 1);
    recent.remove(5, 3);
    expect(recent.open(5)).toBe(0);
  });
});

describe('the best numbers', () => {
  test('are the first of all sorted by score and number', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 1, max: 500 }), { maxLength: 200 }),
        fc.integer({ min: 0, max: 40 }),
        (all, limit) => {
          const best = new BestNumbers();
          const score = (number: number): number => (number * 7) % 13;
          best.begin(limit);
          for (const number of all) best.offer(number, score(number));
          const { items, scores } = best.take();
          const expected = [...all].sort((a, b) => score(b) - score(a) || a - b).slice(0, limit);
          expect([...items]).toEqual(expected);
          expect([...scores]).toEqual(expected.map(score));
        },
      ),
    );
  });
});

describe('words of a part', () => {
  test('that are missing are reported, not made up', () => {
    const reader = new WordReader('x', new Uint8Array([1, 0, 0, 0, 255, 255, 255, 255]));
    expect(reader.next()).toBe(1);
    expect(() => reader.count(1)).toThrow(TruthError);
    expect(() => reader.next()).toThrow(/part x/);
    expect(() => new WordReader('x', new Uint8Array(3))).toThrow(TruthError);
  });
});
