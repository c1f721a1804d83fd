import { expect, test } from 'vitest';
import { TruthError } from '../../../../db/errors.ts';
import type { SelectStatement } from '../../../../db/sql/ast.ts';
import { loadParser } from '../../../../db/sql/parse/index.ts';

const parser = await loadParser();

test('a text has its statements, each with its own part, without comments and empty ones around them', () => {
  const text = "-- first\nSELECT 1 ; ;;/* x */ DELETE FROM t WHERE a = ';' -- end\n;";
  expect(parser.split(text)).toEqual(['SELECT 1', "DELETE FROM t WHERE a = ';'"]);
  const statements = parser.parse(text);
  expect(statements.map(({ text: own, at }) => [own, at])).toEqual([
    ['SELECT 1', 9],
    ["DELETE FROM t WHERE a = ';'", text.indexOf('DELETE')],
  ]);
});

test.each(['', ' ', ';', ' -- nothing\n;; /* at all */'])('%j has no statements', (text) => {
  expect(parser.parse(text)).toEqual([]);
  expect(parser.split(text)).toEqual([]);
});

test('places count in the statement, in UTF-16 units, also behind cut out clauses and question marks', () => {
  const sql = "SELECT 'ü😀', ?, x FROM t AS OF POSITION ? WHERE é = ? AND y";
  const [parsed] = parser.parse(`SELECT 0; ${sql}`).slice(1);
  const { items, where, asOf } = parsed!.statement as SelectStatement;
  expect(items.map((item) => item.item === 'expression' && item.expression.at)).toEqual([7, 14, 17]);
  expect(asOf?.value.at).toBe(sql.indexOf('? WHERE'));
  expect(where).toMatchObject({
    left: { left: { name: 'é', at: sql.indexOf('é') }, right: { index: 2, at: sql.indexOf('? AND') } },
    right: { name: 'y', at: sql.length - 1 },
  });
  expect(parsed?.parameters).toBe(3);
});

test('places of errors count in the whole text, in characters', () => {
  const text = "SELECT '😀';\nSELECT é, 😀 FROM FROM t";
  try {
    parser.parse(text);
    expect.unreachable();
  } catch (error) {
    expect(error).toBeInstanceOf(TruthError);
    const { line, column, position } = (error as TruthError).details;
    expect({ line, column }).toEqual({ line: 2, column: 18 });
    expect(
      Array.from(text)
        .slice(Number(position) - 1)
        .join(''),
    ).toBe('FROM t');
  }
});

test('the highest number of a parameter counts', () => {
  expect(parser.parse('SELECT $3, $1')[0]?.parameters).toBe(3);
  expect(parser.parse('SELECT ?, ?')[0]?.parameters).toBe(2);
  expect(parser.parse('SELECT \'$1 ?\', "?" FROM t -- $9')[0]?.parameters).toBe(0);
});

test('statements are frozen, and the same text soon again gives the same ones', () => {
  const [first] = parser.parse('SELECT a FROM t WHERE b = 1');
  expect(() => {
    (first!.statement as { where: unknown }).where = null;
  }).toThrow(TypeError);
  expect(() => ((first!.statement as SelectStatement).items as unknown[]).push(1)).toThrow(TypeError);
  expect(parser.parse('SELECT a FROM t WHERE b = 1')[0]).toBe(first);
});

test('texts that are not said again are forgotten', () => {
  const [first] = parser.parse('SELECT a FROM forgotten');
  for (let at = 0; at < 2000; at += 1) parser.parse(`SELECT ${at} /* ${'x'.repeat(80)} */`);
  const [again] = parser.parse('SELECT a FROM forgotten');
  expect(again).not.toBe(first);
  expect(again).toEqual(first);
});
