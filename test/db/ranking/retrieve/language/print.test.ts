import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  parse,
  parseCondition,
  parseScript,
  print,
  printConditions,
} from '../../../../../db/ranking/retrieve/language/index.ts';
import { conditions, statements } from './arbitrary-statements.ts';

test('any statement printed and read again is the same', () => {
  fc.assert(
    fc.property(statements, (statement) => {
      expect(parse(print(statement))).toEqual(statement);
    }),
    { numRuns: 1_000 },
  );
});

test('any condition printed and read again is the same', () => {
  fc.assert(
    fc.property(conditions, (condition) => {
      expect(parseCondition(printConditions(condition))).toEqual(condition);
    }),
    { numRuns: 1_000 },
  );
});

test('statements printed with semicolons between them are a script', () => {
  fc.assert(
    fc.property(fc.array(statements, { maxLength: 4 }), (several) => {
      expect(parseScript(several.map(print).join(';\n'))).toEqual(several);
    }),
    { numRuns: 150 },
  );
});

test('the text is the same whatever way it was written', () => {
  const text =
    'retrieve items limit 5 filter (unseen) , year:1990..1999 for user @"u1" within trending view 1d sort by NEW';
  expect(print(parse(text))).toBe(
    'RETRIEVE items FOR USER @u1 SORT BY new FILTER unseen, year BETWEEN 1990 AND 1999 WITHIN TRENDING view 24h LIMIT 5',
  );
});
