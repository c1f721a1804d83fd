import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cellsOf, recordsOf, recordText } from '../../../db/cli/table-text.ts';

async function* of(lines: readonly string[]): AsyncGenerator<string> {
  yield* lines;
}

async function read(
  text: string,
  delimiter: string,
  hasQuotes = true,
): Promise<(readonly [number, string[]])[]> {
  const found: (readonly [number, string[]])[] = [];
  for await (const { line, text: record } of recordsOf(of(text.split('\n')), hasQuotes ? delimiter : null))
    found.push([line, cellsOf(record, delimiter, hasQuotes, `line ${line}`)]);
  return found;
}

const cell = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r', ' ', 'ü'), maxLength: 8 });

test('any cells come back from the text of a record, also over several lines', async () => {
  const rows = fc.array(fc.array(cell, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(rows, async (given) => {
      // A lone empty cell is an empty line, which means nothing to whoever reads.
      const records = given.map((cells) => [...cells, 'end']);
      const text = records.map(recordText).join('\n');
      expect((await read(text, ',')).map(([, cells]) => cells)).toEqual(records);
    }),
  );
});

test('a record is known by its first line', async () => {
  expect(await read('a,b\n"x\ny",2\nlast,"3"\r', ',')).toEqual([
    [1, ['a', 'b']],
    [2, ['x\ny', '2']],
    [4, ['last', '3']],
  ]);
});

test('without quotes a quote is a letter like others', async () => {
  expect(await read('0123::"Sex" and more (2000)::Drama', '::', false)).toEqual([
    [1, ['0123', '"Sex" and more (2000)', 'Drama']],
  ]);
});

test('a quote that is never closed is refused with the line it stands in', async () => {
  await expect(read('a,b\n"x,y\nz', ',')).rejects.toThrow('line 2 has a quote that is not closed');
});
