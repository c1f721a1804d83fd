/** The tables under the ledger and the counters, each against the plain thing it replaces. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Best } from '../../../../db/ranking/counting/best.ts';
import { CellTable } from '../../../../db/ranking/counting/cell-table.ts';
import { GroupSet } from '../../../../db/ranking/counting/group-set.ts';
import { Leaders } from '../../../../db/ranking/counting/leaders.ts';
import { PartReader } from '../../../../db/ranking/counting/part-reader.ts';
import { PartWriter } from '../../../../db/ranking/counting/part-writer.ts';
import { Timeline } from '../../../../db/ranking/counting/timeline.ts';
import { readTables, tablesSection } from '../../../../db/ranking/counting/timeline-parts.ts';
import { WeightSteps } from '../../../../db/ranking/counting/weight-steps.ts';
import { bucketOf, endOf, keptBuckets } from '../../../../db/ranking/counting/window.ts';
import type { Micros } from '../../../../db/ranking/ground.ts';
import { DAY, HOUR, MINUTE } from './counted-log.ts';

interface Scored {
  readonly value: number;
  readonly item: number;
}

function inOrder(scored: readonly Scored[]): Scored[] {
  return [...scored].sort((one, other) => other.value - one.value || one.item - other.item);
}

/** The same numbers every time. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 0x1_0000_0000) * below);
  };
}

describe('the best of many', () => {
  test('are the first of all in order, whatever the limit and however many are equal', () => {
    const values = fc.array(fc.integer({ min: -3, max: 6 }), { maxLength: 300 });
    fc.assert(
      fc.property(values, fc.nat({ max: 150 }), (list, limit) => {
        const scored = list.map((value, at) => ({ value, item: ((at * 7_919) % 1_009) + 1 }));
        const best = new Best(limit);
        for (const { value, item } of scored) best.offer(value, item);
        const { items, values: found } = best.take();
        const expected = inOrder(scored).slice(0, limit);
        expect([...items]).toEqual(expected.map(({ item }) => item));
        expect([...found]).toEqual(expected.map(({ value }) => value));
        expect(best.size).toBe(0);
      }),
    );
  });
});

describe('leaders', () => {
  function plain(values: Float64Array, limit: number): number[] {
    const scored = [...values].map((value, item) => ({ value, item }));
    return inOrder(scored.filter(({ value }) => value > 0))
      .slice(0, limit)
      .map(({ item }) => item);
  }

  test('stay exact while values rise and fall, far beyond what is kept in mind', () => {
    for (const [seed, spread] of [
      [1, 4],
      [2, 50],
      [3, 100_000],
    ] as const) {
      const next = numbers(seed);
      const values = new Float64Array(12_000);
      let looks = 0;
      const leaders = new Leaders({
        value: (item) => values[item]!,
        offerAll: (best) => {
          looks += 1;
          for (const [item, value] of values.entries()) if (value > 0) best.offer(value, item);
        },
      });
      const set = (item: number, value: number): void => {
        values[item] = value;
        leaders.moved(item, value);
      };
      for (let step = 0; step < 40_000; step++) {
        set(1 + next(11_999), next(spread));
        if (step % 4_000 === 0) expect([...leaders.top(50).items]).toEqual(plain(values, 50));
      }
      for (let item = 1; item < 12_000; item++) set(item, Math.floor(values[item]! / 2));
      expect([...leaders.top(10).items]).toEqual(plain(values, 10));
      expect([...leaders.top(3_000).items]).toEqual(plain(values, 3_000));
      expect([...leaders.top(0).items]).toEqual([]);
      expect(looks).toBeLessThan(20);
    }
  });

  test('find those that rose above the floor, and equal ones by their number', () => {
    const values = new Float64Array(3_000).fill(1);
    values[0] = 0;
    const leaders = new Leaders({
      value: (item) => values[item]!,
      offerAll: (best) => values.forEach((value, item) => void (value > 0 && best.offer(value, item))),
    });
    expect([...leaders.top(3).items]).toEqual([1, 2, 3]);
    values[2_999] = 2;
    leaders.moved(2_999, 2);
    values[2] = 0;
    leaders.moved(2, 0);
    expect([...leaders.top(3).items]).toEqual([2_999, 1, 3]);
    for (let item = 1; item < 1_500; item++) {
      values[item] = 0;
      leaders.moved(item, 0);
    }
    expect([...leaders.top(3).items]).toEqual([2_999, 1_500, 1_501]);
  });
});

interface Cell {
  readonly count: number;
  readonly weight: number;
}

function cellsOf(table: CellTable): Map<string, Cell> {
  const run = table.compacted().cells;
  const cells = new Map<string, Cell>();
  for (const [place, group] of run.groups.entries()) {
    for (let cell = run.starts[place]!; cell < run.starts[place + 1]!; cell++)
      cells.set(`${group}/${run.items[cell]}`, { count: run.countAt(cell), weight: run.weightAt(cell) });
  }
  return cells;
}

describe('a table of cells', () => {
  const additions = fc.array(
    fc.record({
      group: fc.oneof(fc.nat({ max: 3 }), fc.constantFrom(70_000, 0xffff_ffff)),
      item: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constantFrom(256, 65_536, 0xffff_fff0)),
      amount: fc.constantFrom(1, 1, 1, 200),
      weight: fc.constantFrom(1, 1, 1, 0.5, -2),
      close: fc.boolean(),
    }),
    { minLength: 1, maxLength: 120 },
  );

  test('holds the sums of what was added, however it is spread over runs', () => {
    fc.assert(
      fc.property(additions, (list) => {
        const table = new CellTable(0);
        const plain = new Map<string, Cell>();
        for (const { group, item, amount, weight, close } of list) {
          table.add(group, item, amount, weight, 0);
          const before = plain.get(`${group}/${item}`) ?? { count: 0, weight: 0 };
          plain.set(`${group}/${item}`, {
            count: before.count + amount,
            weight: before.weight + weight * amount,
          });
          if (close) table.closed();
        }
        expect(cellsOf(table)).toEqual(plain);
        expect(table.size).toBe(plain.size);
        expect(table.largestCount).toBe(Math.max(...[...plain.values()].map(({ count }) => count)));
      }),
    );
  });

  test('has the same bytes however it came to be', () => {
    fc.assert(
      fc.property(additions, (list) => {
        const [some, other] = [new CellTable(0), new CellTable(0)];
        for (const { group, item, amount, weight, close } of list) {
          some.add(group, item, amount, weight, 0);
          other.add(group, item, amount, weight, 0);
          if (close) some.compacted();
        }
        expect(Buffer.from(some.compacted().digest())).toEqual(Buffer.from(other.compacted().digest()));
        expect(some.compacted().cells.bytes).toEqual(other.compacted().cells.bytes);
      }),
    );
  });

  test('packs many thousand cells into five bytes each, weights only where they differ', () => {
    const next = numbers(5);
    const table = new CellTable(0);
    const plain = new Map<number, number>();
    for (let each = 0; each < 120_000; each++) {
      const item = 1 + next(50_000);
      table.add(0, item, 1, 0.5, 4_096);
      plain.set(item, (plain.get(item) ?? 0) + 1);
    }
    const run = table.compacted().cells;
    expect(run.size).toBe(plain.size);
    const isWrong = (item: number, cell: number): boolean =>
      run.countAt(cell) !== plain.get(item) || run.weightAt(cell) !== run.countAt(cell) / 2;
    expect(run.items.filter(isWrong)).toEqual(new Uint32Array(0));
    expect(table.memoryBytes).toBeLessThan(run.size * 5 + 100);
  });

  test('survives a checkpoint and refuses one that was changed', () => {
    fc.assert(
      fc.property(additions, fc.nat(), fc.integer({ min: 1, max: 255 }), (list, place, change) => {
        const table = new CellTable(2);
        for (const { group, item, amount, weight, close } of list) {
          table.add(group, item, amount, weight, 0);
          if (close) table.closed();
        }
        const writer = new PartWriter();
        tablesSection({ tenant: 1, owner: 2, kind: 3 }, 'some', [{ bucket: 77, table }]).write(writer);
        expect(writer.finish()).toBeGreaterThan(0);
        const bytes = new Uint8Array(Buffer.concat([...writer.chunks()]));
        const [restored] = readTables(new PartReader(bytes));
        expect(restored?.bucket).toBe(77);
        expect(restored?.table.level).toBe(2);
        expect(cellsOf(restored!.table)).toEqual(cellsOf(table));
        bytes[place % bytes.length]! ^= change;
        try {
          readTables(new PartReader(bytes));
        } catch (error) {
          expect(error).toMatchObject({ code: 'CORRUPT' });
        }
      }),
    );
  });

  test('thinned keeps what the test lets through and counts it twice', () => {
    const table = new CellTable(0);
    for (let item = 1; item <= 10; item++) table.add(item % 2, item, item, 1, 0);
    table.thin((_, item) => item > 8);
    expect(table.level).toBe(1);
    expect(cellsOf(table)).toEqual(
      new Map([
        ['0/10', { count: 20, weight: 20 }],
        ['1/9', { count: 18, weight: 18 }],
      ]),
    );
  });
});

describe('a set of groups', () => {
  test('knows its members and what another one lacks', () => {
    const members = fc.uniqueArray(fc.nat({ max: 200 }), { maxLength: 60 });
    fc.assert(
      fc.property(members, members, (one, other) => {
        const [some, others] = [one, other].map((list) => new GroupSet(Uint32Array.from(list).sort()));
        for (let number = 0; number <= 260; number++) expect(some!.has(number)).toBe(one.includes(number));
        const difference = one.filter((number) => !other.includes(number)).sort((a, b) => a - b);
        expect([...some!.without(others!).numbers]).toEqual(difference);
        expect(some!.isSameAs(others!)).toBe(
          one.length === other.length && one.every((number) => other.includes(number)),
        );
      }),
    );
  });
});

describe('a timeline', () => {
  function counted(item: number) {
    return { group: 0, item, amount: 1, weight: 1, change: 1 };
  }

  test('keeps as many buckets as it was told, and gives back those that leave', () => {
    const timeline = new Timeline('hour', 3, -1);
    for (const bucket of [10, 11, 12]) {
      expect(timeline.advance(bucket)).toEqual([]);
      timeline.add(bucket, 0, counted(bucket));
    }
    const first = timeline.table(10);
    expect(timeline.advance(13)).toEqual([first]);
    expect(timeline.oldest).toBe(11);
    timeline.add(11, 0, counted(99));
    expect(timeline.between(11, 13).map(({ bucket, table }) => [bucket, table.size])).toEqual([
      [11, 2],
      [12, 1],
    ]);
    expect(timeline.between(0, 11)).toEqual([]);
    expect(timeline.advance(1_000_000).length).toBe(2);
    expect(timeline.all()).toEqual([]);
  });

  test('closes the tables of buckets that are over', () => {
    const timeline = new Timeline('minute', 10, -1);
    timeline.advance(5);
    timeline.add(5, 0, counted(1));
    expect(timeline.table(5)?.isOpen).toBe(true);
    timeline.advance(6);
    expect(timeline.table(5)?.isOpen).toBe(false);
    timeline.add(5, 0, counted(2));
    timeline.advance(7);
    expect(timeline.table(5)?.isOpen).toBe(false);
    expect(timeline.table(5)?.size).toBe(2);
  });
});

describe('windows', () => {
  test('end with the bucket that now is in, on its first and on its last microsecond', () => {
    expect(bucketOf((7 * HOUR) as Micros, 'hour')).toBe(7);
    expect(endOf((7 * HOUR) as Micros, 'hour')).toBe(8);
    expect(endOf((8 * HOUR - 1) as Micros, 'hour')).toBe(8);
    expect(endOf((8 * HOUR) as Micros, 'hour')).toBe(9);
    expect(endOf((5 * MINUTE + 1) as Micros, 'minute')).toBe(6);
    expect(endOf((3 * DAY) as Micros, 'day')).toBe(4);
  });

  test('keep twice their length and more, and nothing that is not needed', () => {
    expect(keptBuckets(['all'])).toEqual({ minute: 0, hour: 0, day: 0 });
    expect(keptBuckets(['24h', 'all'])).toEqual({ minute: 0, hour: 72, day: 0 });
    expect(keptBuckets(['1h', '24h', '7d', '30d'])).toEqual({ minute: 180, hour: 360, day: 64 });
  });
});

describe('weights in steps', () => {
  test('are off by less than a billionth of the usual weight, and add up to the same in any order', () => {
    const weights = fc.array(fc.double({ min: -100, max: 100, noNaN: true }), { maxLength: 50 });
    fc.assert(
      fc.property(weights, fc.constantFrom(1, 0, 5, 0.001, 1e-80), (list, usual) => {
        const steps = new WeightSteps(usual);
        const rounded = list.map((weight) => steps.rounded(weight));
        for (const [at, weight] of list.entries())
          expect(Math.abs(rounded[at]! - weight)).toBeLessThanOrEqual((usual || 1) / 1e9);
        const forwards = rounded.reduce((sum, weight) => sum + weight, 0);
        const backwards = rounded.reduceRight((sum, weight) => sum + weight, 0);
        if (usual === 1 || usual === 5) expect(forwards).toBe(backwards);
      }),
    );
    expect(new WeightSteps(1).rounded(Number.MAX_VALUE)).toBe(Number.MAX_VALUE);
  });
});
