/** The compact tables under the stream index, each against the plain thing it replaces. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EventRows } from '../../../db/streams/event-rows.ts';
import { Fifo } from '../../../db/streams/fifo.ts';
import { hashBytes, seedOf } from '../../../db/streams/hash.ts';
import { HashTable } from '../../../db/streams/hash-table.ts';
import { NameTable } from '../../../db/streams/name-table.ts';
import { PAGE_ROWS, PagedColumn, u32 } from '../../../db/streams/paged-column.ts';
import { RevisionLists } from '../../../db/streams/revision-lists.ts';
import type { Sequence } from '../../../db/types.ts';

function candidates(table: HashTable, hash: number): number[] {
  const rows: number[] = [];
  for (let row = table.first(hash); row >= 0; row = table.next()) rows.push(row);
  return rows.sort((a, b) => a - b);
}

describe('a hash table', () => {
  test('gives all rows of a hash and none of another, however hashes crowd', () => {
    const crowded = fc.oneof(
      fc.integer({ min: 0, max: 0xffff_ffff }),
      fc.integer({ min: 0, max: 3 }).map((low) => (0xabcd_0000 + low) >>> 0),
      fc.integer({ min: 0, max: 3 }).map((step) => (step << 20) >>> 0),
    );
    fc.assert(
      fc.property(
        fc.array(crowded, { maxLength: 400 }),
        crowded,
        fc.constantFrom(1, 5, 10),
        (hashes, other, bits) => {
          const table = new HashTable(bits);
          for (const [row, hash] of hashes.entries()) table.add(hash, row);
          for (const hash of [...hashes, other]) {
            const rows = hashes.flatMap((added, row) => (added === hash ? [row] : []));
            expect(candidates(table, hash)).toEqual(rows);
          }
        },
      ),
    );
  });

  test('holds the same rows whether they are added one by one or at once', () => {
    const hashes = fc.array(fc.integer({ min: 0, max: 0xffff_ffff }), { minLength: 1, maxLength: 500 });
    fc.assert(
      fc.property(hashes, fc.nat(), (list, some) => {
        const table = new HashTable(4);
        const before = some % list.length;
        for (let row = 0; row < before; row++) table.add(list[row]!, row);
        table.addRange(before, list.length, (row) => list[row]!);
        table.add(list[0]!, list.length);
        for (const hash of list) {
          const rows = [...list, list[0]].flatMap((added, row) => (added === hash ? [row] : []));
          expect(candidates(table, hash)).toEqual(rows);
        }
      }),
    );
  });

  test('forgets everything when cleared and can be filled again', () => {
    const table = new HashTable(2);
    for (let row = 0; row < 1000; row++) table.add(Math.imul(row, 0x9e3779b1) >>> 0, row);
    table.clear();
    expect(candidates(table, 0)).toEqual([]);
    table.add(0, 7);
    expect(candidates(table, 0)).toEqual([7]);
  });

  test('grows shard by shard: no single add copies more than its share', () => {
    const table = new HashTable(6);
    let bytes = table.bytes;
    let largestStep = 0;
    for (let row = 0; row < 200_000; row++) {
      table.add(hashBytes(Uint8Array.of(row, row >> 8, row >> 16), 0, 3, 1), row);
      largestStep = Math.max(largestStep, table.bytes - bytes);
      bytes = table.bytes;
    }
    expect(largestStep).toBeLessThanOrEqual(bytes / 32);
  });
});

describe('hashBytes', () => {
  test('is MurmurHash3: the published values hold', () => {
    const text = (value: string) => new TextEncoder().encode(value);
    const quick = text('The quick brown fox jumps over the lazy dog');
    expect(hashBytes(quick, 0, quick.length, 0)).toBe(0x2e4ff723);
    expect(hashBytes(text('aaaa'), 0, 4, 0x9747b28c)).toBe(0x5a97808a);
    expect(hashBytes(text('aaa'), 0, 3, 0x9747b28c)).toBe(0x283e0130);
    expect(hashBytes(text(''), 0, 0, 1)).toBe(0x514e28b7);
  });

  test('differs from log to log', () => {
    expect(seedOf(new Uint8Array(16).fill(1))).not.toBe(seedOf(new Uint8Array(16).fill(2)));
  });
});

describe('a name table', () => {
  const bytesOf = (name: string): Uint8Array => new TextEncoder().encode(name);

  function numberOf(table: NameTable, name: string): number {
    const bytes = bytesOf(name);
    return table.find(bytes, 0, bytes.length, table.hash(bytes, 0, bytes.length));
  }

  function add(table: NameTable, name: string): number {
    const bytes = bytesOf(name);
    return table.add(bytes, 0, bytes.length, table.hash(bytes, 0, bytes.length));
  }

  test('numbers names in order of appearance and finds each by its bytes', () => {
    const names = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 40 }), { maxLength: 200 });
    fc.assert(
      fc.property(names, fc.string({ minLength: 1 }), (list, other) => {
        const table = new NameTable(1);
        for (const [number, name] of list.entries()) expect(add(table, name)).toBe(number);
        for (const [number, name] of list.entries()) {
          expect(numberOf(table, name)).toBe(number);
          expect(Buffer.from(table.bytesOf(number)).toString()).toBe(name);
        }
        expect(numberOf(table, other)).toBe(list.indexOf(other));
      }),
    );
  });

  test('restored from its pages it is the same table, over several pages and up to the last name', () => {
    const table = new NameTable(3);
    const names = Array.from({ length: 900 }, (_, index) =>
      `${index}-`.padEnd(1 + ((index * 37) % 512), 'n'),
    );
    const unique = [...new Set(names)];
    for (const name of unique) add(table, name);
    const pages = table.pages();
    expect(pages.length).toBeGreaterThan(2);
    expect(pages.map(({ final }) => final)).toEqual(pages.map((_, index) => index < pages.length - 1));
    const restored = new NameTable(3);
    for (const { bytes } of pages) restored.restorePage(bytes);
    expect(restored.count).toBe(unique.length);
    for (const [number, name] of unique.entries()) expect(numberOf(restored, name)).toBe(number);
    for (const [index, page] of restored.pages().entries())
      expect(Buffer.compare(page.bytes, pages[index]!.bytes)).toBe(0);
  });

  test('refuses a page whose last name runs past its end', () => {
    expect(() => new NameTable(1).restorePage(Uint8Array.of(9, 0, 65))).toThrow(
      expect.objectContaining({ code: 'CORRUPT' }),
    );
  });
});

describe('revision lists', () => {
  test('give back any range of any stream as it was appended', () => {
    const appends = fc.array(fc.nat({ max: 4 }), { maxLength: 400 });
    fc.assert(
      fc.property(appends, fc.nat(), fc.nat(), (streams, a, b) => {
        const lists = new RevisionLists();
        const plain: number[][] = Array.from({ length: 5 }, () => []);
        for (let stream = 0; stream < 5; stream++) lists.addStream();
        for (const [row, stream] of streams.entries()) {
          lists.append(stream, row);
          plain[stream]!.push(row);
        }
        for (const [stream, rows] of plain.entries()) {
          const [from, to] = [a % (rows.length + 1), b % (rows.length + 1)].sort((x, y) => x - y) as [
            number,
            number,
          ];
          expect(lists.count(stream)).toBe(rows.length);
          expect([...lists.rows(stream, from, to)]).toEqual(rows.slice(from, to));
          if (rows.length > 0) expect(lists.lastRow(stream)).toBe(rows.at(-1));
        }
      }),
    );
  });

  test('hold a stream far past the size where chunks stop doubling', () => {
    const lists = new RevisionLists();
    lists.addStream();
    lists.addStream();
    const count = 500_000;
    for (let row = 0; row < count; row++) {
      lists.append(0, row * 2);
      if (row % 1000 === 0) lists.append(1, row);
    }
    for (const from of [0, 1, 2, 65_533, 65_534, 131_069, 131_070, 131_071, 262_142, 400_000, count - 1]) {
      expect([...lists.rows(0, from, Math.min(from + 3, count))]).toEqual(
        [from, from + 1, from + 2].filter((row) => row < count).map((row) => row * 2),
      );
    }
    const all = lists.rows(0, 0, count);
    expect(all.every((row, revision) => row === revision * 2)).toBe(true);
    expect(lists.count(1)).toBe(500);
    expect(lists.bytes).toBeLessThan(count * 4 * 2 + 3_000_000);
  });

  test('refuse a range that is not there', () => {
    const lists = new RevisionLists();
    lists.addStream();
    expect(() => lists.rows(0, 0, 1)).toThrow(expect.objectContaining({ code: 'INTERNAL' }));
  });
});

describe('event rows', () => {
  test('keep positions beyond 32 bits', () => {
    const rows = new EventRows();
    const positions = [1, 0xffff_ffff, 0x1_0000_0000, 0xffff_ffff_ffff] as Sequence[];
    for (const position of positions) rows.add(position, 3, 0xffff_ffff);
    expect(positions.map((_, row) => rows.position(row))).toEqual(positions);
    expect(rows.idHash(0)).toBe(0xffff_ffff);
  });

  test('refuse positions out of log order', () => {
    const rows = new EventRows();
    rows.add(5 as Sequence, 0, 0);
    expect(() => rows.add(5 as Sequence, 0, 0)).toThrow('log order');
  });

  test('come back page by page', () => {
    const rows = new EventRows();
    const count = PAGE_ROWS + 5;
    for (let row = 0; row < count; row++) rows.add((row * 3 + 1) as Sequence, row % 7, row);
    const restored = new EventRows();
    for (const [page, pageRows] of rows.pageRows().entries()) {
      restored.restorePage(Buffer.concat(rows.pageColumns(page, pageRows)), pageRows);
    }
    expect(restored.count).toBe(count);
    for (const row of [0, 1, PAGE_ROWS - 1, PAGE_ROWS, count - 1]) {
      expect([restored.position(row), restored.stream(row), restored.idHash(row)]).toEqual([
        row * 3 + 1,
        row % 7,
        row,
      ]);
    }
    restored.add((count * 3 + 1) as Sequence, 1, 1);
    expect(restored.position(count)).toBe(count * 3 + 1);
  });
});

describe('a paged column', () => {
  test('can be emptied and filled again without new memory', () => {
    const column = new PagedColumn(u32);
    for (let value = 0; value < PAGE_ROWS + 1; value++) column.push(value);
    const { bytes } = column;
    column.clear();
    for (let value = 0; value < PAGE_ROWS + 1; value++) column.push(value * 2);
    expect(column.bytes).toBe(bytes);
    expect([column.get(1), column.get(PAGE_ROWS), column.length]).toEqual([2, PAGE_ROWS * 2, PAGE_ROWS + 1]);
  });
});

describe('a fifo', () => {
  test('behaves like an array that is pushed and shifted', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -3000, max: 3000 }), { maxLength: 60 }), (steps) => {
        const fifo = new Fifo<number>();
        const plain: number[] = [];
        let next = 0;
        for (const step of steps) {
          for (let count = 0; count < Math.abs(step); count++) {
            if (step > 0) {
              fifo.push(next);
              plain.push(next++);
            } else expect(fifo.shift()).toBe(plain.shift());
          }
          expect([fifo.length, fifo.peek(), fifo.at(5)]).toEqual([plain.length, plain[0], plain[5]]);
        }
      }),
      { numRuns: 30 },
    );
  });
});
