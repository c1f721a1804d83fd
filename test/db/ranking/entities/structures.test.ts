import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TruthError } from '../../../../db/errors.ts';
import { absentDoubles, Column, words } from '../../../../db/ranking/entities/column.ts';
import { KeyTable } from '../../../../db/ranking/entities/key-table.ts';
import { type Piece, partName, pieceName } from '../../../../db/ranking/entities/piece.ts';
import { Postings } from '../../../../db/ranking/entities/postings.ts';
import { contains, RangeIndex } from '../../../../db/ranking/entities/range-index.ts';
import { RecordArena } from '../../../../db/ranking/entities/record-arena.ts';
import { sortByValue } from '../../../../db/ranking/entities/value-order.ts';

describe('a column', () => {
  const row = fc.oneof(fc.nat(200), fc.nat(20_000), fc.constantFrom(4_095, 4_096, 300_000));

  test('has what was written, and a copy what was there then', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(row, fc.nat(9)), { maxLength: 60 }), fc.nat(60), (writes, saved) => {
        const column = new Column(words, 0);
        const model = new Map<number, number>();
        let pieces: readonly Piece[] = [];
        let modelThen = new Map<number, number>();
        for (const [index, [at, value]] of writes.entries()) {
          if (index === saved) {
            pieces = column.pieces('c');
            modelThen = new Map(model);
          }
          column.set(at, value);
          model.set(at, value);
        }
        for (const [at, value] of model) expect(column.get(at)).toBe(value);
        const restored = restoredColumn(pieces);
        for (const at of model.keys()) expect(restored.get(at)).toBe(modelThen.get(at) ?? 0);
        expect(restored.pieces('c').map(partName)).toEqual(pieces.map(partName));
      }),
      { numRuns: 60 },
    );
  });

  test('says the same of its content, however it came to be', () => {
    const [a, b] = [new Column(words, 0), new Column(words, 0)];
    for (let at = 0; at < 10_000; at++) a.set(at, at);
    for (let at = 0; at < 10_000; at++) {
      b.set(at, 1);
      b.set(at, at);
    }
    b.pieces('c');
    b.set(5, 5);
    expect(b.pieces('c').map(partName)).toEqual(a.pieces('c').map(partName));
    b.set(5, 6);
    expect(b.pieces('c').map(partName)).not.toEqual(a.pieces('c').map(partName));
  });

  test('takes little for few', () => {
    const column = new Column(absentDoubles, Number.NaN);
    for (let at = 0; at < 60; at++) column.set(at, at);
    expect(column.bytes).toBe(512);
    expect(column.get(60)).toBeNaN();
  });

  test('refuses garbage', () => {
    const good = new Column(words, 0);
    for (let at = 0; at < 5_000; at += 7) good.set(at, at);
    const bytes = content(good.pieces('c')[0]!);
    fc.assert(
      fc.property(fc.nat(40), fc.nat(255), fc.nat(bytes.length), (at, value, length) => {
        const damaged = bytes.slice(0, Math.max(60, length));
        damaged[at] = value;
        typed(() => new Column(words, 0).restore(0, damaged));
      }),
    );
    for (const piece of [-1, Number.NaN, 1 << 20])
      expect(() => new Column(words, 0).restore(piece, bytes)).toThrow(TruthError);
  });
});

describe('a table of keys', () => {
  test('numbers texts by first appearance, and finds them again', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme', maxLength: 12 }), { maxLength: 200 }), (texts) => {
        const table = new KeyTable();
        const model = new Map<string, number>();
        for (const text of texts) {
          if (!model.has(text)) model.set(text, model.size + 1);
          expect(table.numberOf(text)).toBe(model.get(text));
        }
        const restored = new KeyTable();
        for (const piece of table.pieces('t')) restored.restore(piece.name.slice(2), content(piece));
        restored.restored();
        for (const each of [table, restored]) {
          expect(each.last).toBe(model.size);
          for (const [text, number] of model) {
            expect(each.find(text)).toBe(number);
            expect(each.text(number)).toBe(text);
          }
          expect(each.find('something else altogether')).toBe(0);
        }
        expect(restored.pieces('t').map(partName)).toEqual(table.pieces('t').map(partName));
      }),
      { numRuns: 50 },
    );
  });

  test('never takes half of a surrogate pair for another character', () => {
    const table = new KeyTable();
    table.numberOf('\ufffd');
    expect(table.find('\ud800')).toBe(0);
    expect(table.find('x'.repeat(100_000))).toBe(0);
  });
});

describe('an arena', () => {
  test('keeps what has an owner, moves it when pages have lost most, and grows no further', () => {
    const arena = new RecordArena();
    const addresses = new Map<number, number>();
    const texts = new Map<number, string>();
    let state = 1;
    const random = (below: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return (state >>> 8) % below;
    };
    for (let step = 0; step < 6_000; step++) {
      const owner = random(60);
      const text = `${step}:`.repeat(200 + random(600));
      const before = addresses.get(owner);
      const bytes = Buffer.from(text);
      addresses.set(owner, arena.add(bytes, 0, bytes.length, owner));
      texts.set(owner, text);
      const page = before === undefined ? -1 : arena.remove(before);
      if (page >= 0)
        arena.empty(
          page,
          (each, at) => addresses.get(each) === at,
          (each, to) => addresses.set(each, to),
        );
    }
    for (const [owner, address] of addresses) expect(arena.textAt(address)).toBe(texts.get(owner));
    expect(arena.bytes).toBeLessThan(4 << 20);
    const restored = new RecordArena();
    for (const piece of arena.pieces('a')) restored.restore(piece.name.slice(2), content(piece));
    for (const [owner, address] of addresses) {
      restored.hold(address, owner);
      expect(restored.textAt(address)).toBe(texts.get(owner));
    }
    const bytes = Buffer.from('more');
    expect(restored.add(bytes, 0, 4, 1)).toBe(arena.add(bytes, 0, 4, 1));
    expect(restored.pieces('a').map(partName)).toEqual(arena.pieces('a').map(partName));
  });

  test('refuses garbage', () => {
    const arena = new RecordArena();
    for (const text of ['one', 'two', 'three']) arena.add(Buffer.from(text), 0, text.length, 1);
    const bytes = content(arena.pieces('a')[0]!);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), fc.nat(bytes.length), (at, value, length) => {
        const damaged = bytes.slice(0, length);
        if (at < length) damaged[at] = value;
        typed(() => {
          const restored = new RecordArena();
          restored.restore('0o', damaged);
          for (let address = 0; address < 12; address++) restored.hold(address, 1);
        });
      }),
    );
  });
});

describe('postings', () => {
  test('are like sets of entities by code', () => {
    const step = fc.record({ code: fc.nat(4), entity: fc.nat(60) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 600 }), (steps) => {
        const postings = new Postings();
        const model = new Map<number, Set<number>>();
        for (const { code, entity } of steps) {
          const set = model.get(code) ?? new Set();
          model.set(code, set);
          if (set.has(entity)) postings.remove(code, entity);
          else postings.add(code, entity);
          if (!set.delete(entity)) set.add(entity);
        }
        for (let code = 0; code < 6; code++) {
          const expected = [...(model.get(code) ?? [])].sort((a, b) => a - b);
          expect([...postings.set(code)]).toEqual(expected);
          expect(postings.count(code)).toBe(expected.length);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('give sets that stay as they are', () => {
    const postings = new Postings();
    for (let entity = 1; entity <= 100; entity++) postings.add(1, entity);
    const set = postings.set(1);
    postings.remove(1, 50);
    expect(set.has(50)).toBe(true);
    expect(postings.set(1).has(50)).toBe(false);
  });
});

describe('an order of values', () => {
  const value = fc.oneof(fc.double({ noNaN: true }), fc.integer({ min: -3, max: 3 }), fc.constant(-0));

  test('is that of the numbers', () => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 200 }), (given) => {
        const values = Float64Array.from(given);
        const numbers = Uint32Array.from(given.keys());
        sortByValue(values, numbers);
        const expected = [...given.keys()].sort((a, b) => compare(given[a]!, given[b]!) || a - b);
        expect([...numbers]).toEqual(expected);
        expect([...values]).toEqual(expected.map((index) => given[index]));
      }),
    );
  });

  test('finds ranges, counts and the largest while values change', () => {
    const write = fc.record({ entity: fc.nat(2_500), value: fc.oneof(value, fc.constant(Number.NaN)) });
    const range = fc.record({ low: value, high: value, withLow: fc.boolean(), withHigh: fc.boolean() });
    fc.assert(
      fc.property(
        fc.array(fc.array(write, { maxLength: 500 }), { maxLength: 6 }),
        range,
        fc.nat(20),
        (rounds, asked, limit) => {
          const column = new Column(absentDoubles, Number.NaN);
          const index = new RangeIndex(column);
          const model = new Map<number, number>();
          for (const round of rounds) {
            for (const { entity, value: given } of round) {
              column.set(entity, given);
              index.note(entity);
              model.set(entity, given);
            }
            const within = [...model].filter(([, each]) => contains(asked, each)).map(([entity]) => entity);
            expect([...index.within(asked)]).toEqual(within.sort((a, b) => a - b));
            expect(Math.abs(index.estimate(asked) - within.length)).toBeLessThanOrEqual(round.length + 1_024);
            const largest = [...model].filter(([entity, each]) => !Number.isNaN(each) && entity % 2 === 0);
            largest.sort(([a, x], [b, y]) => (y > x ? 1 : y < x ? -1 : b - a));
            expect([...index.largest(limit, (entity) => entity % 2 === 0)]).toEqual(
              largest.slice(0, limit).map(([entity]) => entity),
            );
          }
        },
      ),
      { numRuns: 40 },
    );
  });
});

/** -0 comes before 0, as in an order of bits. */
function compare(a: number, b: number): number {
  if (a < b) return -1;
  if (a > b) return 1;
  return Number(Object.is(b, -0)) - Number(Object.is(a, -0));
}

function restoredColumn(pieces: readonly Piece[]): Column<Uint32Array> {
  const column = new Column(words, 0);
  for (const piece of pieces)
    column.restore(Number(pieceName(partName(piece)).split('.')[1]), content(piece));
  return column;
}

function content(piece: Piece): Uint8Array {
  return new Uint8Array(Buffer.concat([...piece.chunks()]));
}

function typed(act: () => unknown): void {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(TruthError);
  }
}
