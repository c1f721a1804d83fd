import { describe, expect, test } from 'vitest';
import type { Expression } from '../../../../db/sql/ast.ts';
import {
  bindCondition,
  conjuncts,
  type EvaluationContext,
  ParameterTypes,
  type Restriction,
  restrictionsOf,
  tableScope,
  type ValueRange,
} from '../../../../db/sql/expression/index.ts';
import { comparatorOf, parseText, type SqlValue } from '../../../../db/sql/types/index.ts';
import {
  among,
  binary,
  call,
  cast,
  isNull,
  like,
  literal,
  NULL,
  name,
  not,
  number,
  parameter,
  string,
} from './build.ts';
import { COLUMNS, ExpressionMaker } from './random-expression.ts';
import { Random, randomText } from './random-values.ts';

const SCOPE = tableScope([{ name: 'samples', columns: COLUMNS }]);
const CONTEXT: EvaluationContext = {
  parameters: [12, 'x'],
  now: 0n,
  randomUuid: () => '00000000-0000-0000-0000-000000000000',
  user: 'u',
  database: 'd',
};
const BIG = { kind: 'bigint' } as const;

describe('what a condition says about a column', () => {
  test.each<[string, Expression, string]>([
    ['equality', binary(name('i'), '=', number('5')), 'i equal [5,5]'],
    ['turned around', binary(number('5'), '<', name('i')), 'i ranges (5,'],
    [
      'both sides',
      binary(binary(name('i'), '>=', number('1')), 'and', binary(name('i'), '<', number('9'))),
      'i ranges [1,9)',
    ],
    ['a list', among(name('i'), [number('7'), number('3'), NULL, number('7')]), 'i points [3,3] [7,7]'],
    ['a parameter', binary(name('i'), '=', parameter(0)), 'i equal [12,12]'],
    [
      'what is between',
      { node: 'between', operand: name('b'), low: number('1'), high: number('2'), negated: false, at: 0 },
      'b ranges [1,2]',
    ],
    ['a beginning', like(name('t'), string('ab%')), 't ranges [ab,ac)'],
    ['a beginning with an escape', like(name('t'), string('a\\%b_')), 't ranges [a%b,a%c)'],
    ['a beginning at the edge of surrogates', like(name('t'), string('\ud7ff%')), 't ranges [\ud7ff,\ue000)'],
    ['truth', name('o'), 'o equal [true,true]'],
    ['untruth', not(name('o')), 'o equal [false,false]'],
    ['NULL', isNull(name('i')), 'i null'],
    [
      'alternatives',
      binary(binary(name('i'), '=', number('1')), 'or', binary(name('i'), '>', number('5'))),
      'i ranges [1,1] (5,',
    ],
    [
      'contradiction',
      binary(binary(name('i'), '=', number('1')), 'and', binary(name('i'), '=', number('2'))),
      'i equal',
    ],
    ['nothing beside NULL', binary(name('i'), '=', cast(NULL, { kind: 'integer' })), 'i equal'],
    [
      'two columns',
      binary(binary(name('i'), '=', number('1')), 'and', binary(name('t'), '=', string('x'))),
      'i equal [1,1]; t equal [x,x]',
    ],
  ])('%s', (_, expression, said) => {
    expect(describeAll(expression)).toBe(said);
  });

  test.each<[string, Expression, string]>([
    ['a larger number', binary(name('i'), '=', number('2147483648')), 'i equal'],
    ['below a larger number', binary(name('i'), '<', number('2147483648')), 'i ranges ,'],
    ['above a larger number', binary(name('i'), '>', number('2147483648')), 'i ranges'],
    ['a bigint', binary(name('i'), '>=', cast(string('7'), BIG)), 'i ranges [7,'],
    ['between whole numbers', binary(name('i'), '=', number('2.5')), 'i equal'],
    ['below a fraction', binary(name('i'), '<', number('2.5')), 'i ranges ,2]'],
    ['above a fraction', binary(name('b'), '>=', number('-2.5')), 'b ranges (-3,'],
    ['a whole decimal', binary(name('b'), '<=', number('2.0')), 'b ranges ,2]'],
    ['below infinity', binary(name('i'), '<', cast(string('inf'), { kind: 'double' })), 'i ranges ,'],
    [
      'NaN, which is above everything',
      binary(name('i'), '>=', cast(string('nan'), { kind: 'double' })),
      'i ranges',
    ],
  ])('beside a wider type: %s', (_, expression, said) => {
    expect(describeAll(expression)).toBe(said);
  });

  test.each<[string, Expression]>([
    ['inequality', binary(name('i'), '<>', number('5'))],
    ['two columns compared', binary(name('i'), '=', name('j'))],
    ['a function of it', binary(call('abs', name('i')), '=', number('5'))],
    ['a bigint as a double', binary(name('b'), '=', cast(string('5'), { kind: 'double' }))],
    ['a value that changes', binary(name('g'), '=', call('gen_random_uuid'))],
    [
      'alternatives over two columns',
      binary(binary(name('i'), '=', number('1')), 'or', binary(name('j'), '=', number('1'))),
    ],
    ['what is not in a list', among(name('i'), [number('1')], true)],
    [
      'letters of either case',
      {
        node: 'like',
        operand: name('t'),
        pattern: string('a%'),
        escape: null,
        insensitive: true,
        negated: false,
        at: 0,
      },
    ],
  ])('is nothing usable: %s', (_, expression) => {
    expect(describeAll(expression)).toBe('');
  });

  test('holds every row for which it is true', () => {
    const random = new Random(23);
    const maker = new ExpressionMaker(random);
    const rows = Array.from({ length: 60 }, (): SqlValue[] =>
      COLUMNS.map(({ type }) => (random.upTo(6) === 0 ? null : parseText(type, randomText(type, random)))),
    );
    let restricted = 0;
    for (let count = 0; count < 6_000; count++) {
      const condition = maker.condition();
      const bound = attempt(() => bindCondition(condition, SCOPE, new ParameterTypes(0), 'WHERE'));
      if (bound === null) continue;
      const restrictions = restrictionsOf(bound);
      restricted += restrictions.length;
      for (const row of rows) {
        if (attempt(() => bound.evaluate(row, CONTEXT)) !== true) continue;
        for (const restriction of restrictions) {
          if (!holds(restriction, row[restriction.column]!))
            expect([condition, row]).toBe('within its ranges');
        }
      }
    }
    expect(restricted).toBeGreaterThan(2_000);
  });
});

test('a condition falls apart into those that must all be true', () => {
  const one = binary(name('i'), '=', number('1'));
  const other = binary(name('j'), '=', number('2'));
  const condition = binary(binary(one, 'and', other), 'and', literal('boolean', 'true'));
  expect(conjuncts(bindCondition(condition, SCOPE, new ParameterTypes(0), 'WHERE'))).toHaveLength(3);
});

function describeAll(expression: Expression): string {
  const parameters = new ParameterTypes(2);
  return restrictionsOf(bindCondition(expression, SCOPE, parameters, 'WHERE'))
    .map(describeOne)
    .join('; ');
}

function describeOne({ column, kind, ranges }: Restriction): string {
  return [COLUMNS[column]!.name, kind, ...ranges(CONTEXT).map(describeRange)].join(' ');
}

function describeRange({ low, high }: ValueRange): string {
  const from = low === null ? '' : `${low.inclusive ? '[' : '('}${low.value}`;
  return `${from},${high === null ? '' : `${high.value}${high.inclusive ? ']' : ')'}`}`;
}

function holds({ type, kind, ranges }: Restriction, value: SqlValue): boolean {
  if (kind === 'null' || value === null) return kind === 'null' && value === null;
  const compare = comparatorOf(type);
  return ranges(CONTEXT).some(({ low, high }) => {
    const isAbove = low === null || compare(value, low.value!) > (low.inclusive ? -1 : 0);
    return isAbove && (high === null || compare(value, high.value!) < (high.inclusive ? 1 : 0));
  });
}

function attempt<Result>(action: () => Result): Result | null {
  try {
    return action();
  } catch {
    return null;
  }
}
