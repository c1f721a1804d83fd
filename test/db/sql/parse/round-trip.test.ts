import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Expression, SelectStatement } from '../../../../db/sql/ast.ts';
import { loadParser, printExpression } from '../../../../db/sql/parse/index.ts';
import { anyExpression } from './any-expression.ts';
import { withoutPlaces } from './without-places.ts';

const parser = await loadParser();

test('a printed expression is read as the same expression', () => {
  fc.assert(
    fc.property(anyExpression, (expression) => {
      const text = printExpression(expression);
      expect(withoutPlaces(read(text)), text).toEqual(withoutPlaces(expression));
    }),
    { numRuns: 1500 },
  );
});

test('printing what was read changes nothing any more', () => {
  fc.assert(
    fc.property(anyExpression, (expression) => {
      const text = printExpression(expression);
      expect(printExpression(read(text))).toBe(text);
    }),
    { numRuns: 200 },
  );
});

function read(text: string): Expression {
  const { items } = parser.parse(`SELECT ${text}`)[0]!.statement as SelectStatement;
  const [item] = items;
  if (item?.item !== 'expression' || item.alias !== null) throw new Error(`${text} is not one expression`);
  return item.expression;
}
