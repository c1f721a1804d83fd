import { describe, expect, test } from 'vitest';
import { TruthError } from '../../../../db/errors.ts';
import type { Expression } from '../../../../db/sql/ast.ts';
import {
  bind,
  bindAs,
  bindAssignment,
  bindCondition,
  EMPTY_SCOPE,
  type EvaluationContext,
  ParameterTypes,
  tableScope,
} from '../../../../db/sql/expression/index.ts';
import { formatText, type SqlType, type SqlValue, typeName } from '../../../../db/sql/types/index.ts';
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

const INTEGER: SqlType = { kind: 'integer' };
const SHORT: SqlType = { kind: 'text', lengthMax: 3 };
const PRICE: SqlType = { kind: 'decimal', precision: 5, scale: 2 };
const SCOPE = tableScope([
  {
    name: 't',
    columns: [
      { name: 'id', type: INTEGER },
      { name: 'label', type: { kind: 'text', lengthMax: null } },
    ],
  },
  {
    name: 'u',
    columns: [
      { name: 'id', type: { kind: 'bigint' } },
      { name: 'price', type: PRICE },
    ],
  },
]);
const CONTEXT: EvaluationContext = {
  parameters: [],
  now: 1_790_000_000_000_000n,
  randomUuid: () => 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
  user: 'alice',
  database: 'shop',
};

describe('names', () => {
  test('mean a column of one of the tables, by its own name or with the table before it', () => {
    const bound = bind(binary(column('t', 'id'), '=', column('u', 'id')), SCOPE, new ParameterTypes(0));
    expect(bound.columns).toEqual([0, 2]);
    expect(bind(name('price'), SCOPE, new ParameterTypes(0)).columns).toEqual([3]);
  });

  test.each([
    [name('id'), '42702', 'column reference "id" is ambiguous'],
    [name('nothing'), '42703', 'column "nothing" does not exist; there are: id, label, price'],
    [column('t', 'price'), '42703', 'column t.price does not exist'],
    [column('v', 'id'), '42P01', 'missing FROM-clause entry for table "v"'],
  ])('that are wrong are refused %#', (expression, sqlstate, message) => {
    expect(failure(expression)).toEqual([sqlstate, expect.stringContaining(message)]);
  });
});

describe('parameters', () => {
  test('get their types from where they stand', () => {
    const parameters = new ParameterTypes(5);
    const condition = [
      binary(column('t', 'id'), '=', parameter(0)),
      binary(binary(name('price'), '*', parameter(1)), '>', number('2.5')),
      like(name('label'), parameter(2)),
      binary(cast(parameter(3), { kind: 'uuid' }), '=', cast(parameter(3), { kind: 'uuid' })),
      binary(call('coalesce', parameter(4), literal('boolean', 'true')), '=', literal('boolean', 'true')),
    ].reduce((left, right) => binary(left, 'and', right));
    bindCondition(condition, SCOPE, parameters, 'WHERE');
    expect(parameters.all().map(typeName)).toEqual(['integer', 'numeric', 'text', 'uuid', 'boolean']);
  });

  test('keep the type that was given for them', () => {
    const parameters = new ParameterTypes(1, [{ kind: 'bigint' }]);
    const bound = bind(binary(column('t', 'id'), '+', parameter(0)), SCOPE, parameters);
    expect(typeName(bound.type)).toBe('bigint');
    expect(bound.evaluate([2, null, null, null], { ...CONTEXT, parameters: [40n] })).toBe(42n);
  });

  test('of which nothing says the type are refused, wherever they stand', () => {
    const alone = () => bind(parameter(0), SCOPE, new ParameterTypes(1));
    expect(alone).toThrow(/could not determine data type of parameter \$1/);
    expect(failure(isNull(parameter(0)), new ParameterTypes(1))[0]).toBe('42P18');
    expect(() => new ParameterTypes(2).all()).toThrow(/\$1/);
    expect(failure(parameter(3), new ParameterTypes(2))[0]).toBe('42P02');
  });

  test('stay what their first place made of them', () => {
    const twice = binary(
      binary(column('t', 'id'), '=', parameter(0)),
      'and',
      binary(name('label'), '=', parameter(0)),
    );
    expect(failure(twice, new ParameterTypes(1))).toEqual([
      '42883',
      expect.stringContaining('text = integer'),
    ]);
  });
});

describe('what a value depends on', () => {
  test.each([
    [number('1'), 'immutable', false],
    [call('lower', name('label')), 'immutable', false],
    [call('now'), 'stable', false],
    [binary(call('now'), '>', call('localtimestamp')), 'stable', false],
    [call('concat', call('gen_random_uuid'), call('now')), 'volatile', false],
    [binary(parameter(0), '+', number('1')), 'immutable', true],
  ])('is told %#', (expression, volatility, usesParameters) => {
    const bound = bind(expression, SCOPE, new ParameterTypes(1));
    expect([bound.volatility, bound.usesParameters]).toEqual([volatility, usesParameters]);
  });

  test('comes from the context alone', () => {
    expect(shown(call('now'))).toBe('2026-09-21 14:13:20');
    expect(shown(call('gen_random_uuid'))).toBe('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11');
    expect(shown(call('current_user'))).toBe('alice');
    expect(shown(call('current_database'))).toBe('shop');
    expect(shown(call('version'))).toMatch(/^PostgreSQL 15\.\d+ \(TruthDB /);
  });
});

describe('a value for a column', () => {
  const into = (expression: Expression, type: SqlType) =>
    bindAssignment(expression, SCOPE, new ParameterTypes(0), { name: 'c', type }).evaluate([], CONTEXT);

  test('is taken as the column has it', () => {
    expect(into(number('2.5'), INTEGER)).toBe(3);
    expect(String(into(number('1.005'), PRICE))).toBe('1.01');
    expect(into(number('7'), { kind: 'text', lengthMax: null })).toBe('7');
    expect(into(string('  7 '), INTEGER)).toBe(7);
    expect(into(string('abc   '), SHORT)).toBe('abc');
    expect(into(NULL, INTEGER)).toBe(null);
  });

  test.each([
    [cast(string('7'), { kind: 'text', lengthMax: null }), INTEGER, '42804'],
    [literal('boolean', 'true'), INTEGER, '42804'],
    [string('abcd'), SHORT, '22001'],
    [call('concat', string('ab'), string('cd')), SHORT, '22001'],
    [number('1000'), PRICE, '22003'],
    [number('3000000000'), INTEGER, '22003'],
  ])('is refused where it does not fit %#', (expression, type, sqlstate) => {
    expect(() => into(expression, type)).toThrow(
      expect.objectContaining({ details: expect.objectContaining({ sqlstate }) }),
    );
  });

  test('of another kind altogether is refused with both types and the column', () => {
    expect(() => into(literal('boolean', 'true'), { kind: 'timestamp' })).toThrow(
      'column "c" is of type timestamp without time zone but expression is of type boolean',
    );
  });
});

describe('functions that are not there', () => {
  test.each([
    [
      call('frobnicate', number('1'), string('x'), NULL),
      '42883',
      'function frobnicate(integer, unknown, unknown) does not exist',
    ],
    [call('lower', number('1')), '42883', 'function lower(integer) does not exist'],
    [call('power', number('2'), number('3')), '0A000', 'the last digit of its result depends on the machine'],
    [call('random'), '0A000', 'it changes within a statement'],
    [call('sum', number('1')), '42803', 'aggregate functions are not allowed here'],
    [call('toString', number('1')), '42883', 'function toString(integer) does not exist'],
    [call('constructor'), '42883', 'function constructor() does not exist'],
  ])('are refused by name %#', (expression, sqlstate, message) => {
    expect(failure(expression)).toEqual([sqlstate, expect.stringContaining(message)]);
  });

  test('and results without end are not made', () => {
    const long = call('repeat', string('x'), number('16000000'));
    const tooLong = [
      call('repeat', string('x'), number('2000000000')),
      call('lpad', string('x'), number('2000000000')),
      binary(long, '||', long),
      call('concat', long, long),
      call('concat_ws', long, string('a'), string('b'), string('c')),
      call(
        'replace',
        call('repeat', string('x'), number('1000000')),
        string('x'),
        string('twenty characters...'),
      ),
    ];
    for (const one of tooLong) expect(() => shown(one)).toThrow('requested length too large');
  });

  test('and searches without end are not begun, or given up', () => {
    const text = call('repeat', string('a'), number('1000000'));
    const part = binary(call('repeat', string('a'), number('500000')), '||', string('b'));
    for (const one of ['strpos', 'split_part', 'replace']) {
      const more = one === 'strpos' ? [] : [one === 'replace' ? string('') : number('1')];
      expect(() => shown(call(one, text, part, ...more))).toThrow('the search could take');
    }
    const pattern = binary(
      binary(string('%'), '||', call('repeat', string('a'), number('5000'))),
      '||',
      string('b%c'),
    );
    expect(() => shown(like(text, pattern))).toThrow('the search could take');
  });

  test('and JSON is not walked through again and again', () => {
    const deep = call('repeat', string('['), number('200000'));
    const text = binary(binary(deep, '||', string('1')), '||', call('repeat', string(']'), number('200000')));
    const path = Array.from({ length: 1_000 }, () => string('0'));
    const walk = call('json_extract_path', cast(text, { kind: 'json' }), ...path);
    expect(() => shown(walk)).toThrow(TruthError);
  });
});

describe('depth', () => {
  test('of AND and OR does not count: ten thousand conditions are one', () => {
    const parts = Array.from({ length: 10_000 }, (_, index) =>
      binary(column('t', 'id'), '<>', number(String(index))),
    );
    const all = parts.reduce((left, right) => binary(left, 'and', right));
    const bound = bindCondition(all, SCOPE, new ParameterTypes(0), 'WHERE');
    expect(bound.evaluate([-1, null, null, null], CONTEXT)).toBe(true);
    expect(bound.evaluate([9_999, null, null, null], CONTEXT)).toBe(false);
  });

  test('beyond what a stack should bear is refused', () => {
    let deep: Expression = literal('boolean', 'true');
    for (let level = 0; level < 200; level++) deep = not(deep);
    expect(shown(deep)).toBe('t');
    for (let level = 0; level < 20_000; level++) deep = not(deep);
    expect(failure(deep)[0]).toBe('54001');
  });
});

test('conditions have to be conditions, and numbers numbers', () => {
  const where = (expression: Expression) => bindCondition(expression, SCOPE, new ParameterTypes(0), 'WHERE');
  expect(() => where(number('1'))).toThrow('argument of WHERE must be type boolean, not type integer');
  const limit = (expression: Expression) =>
    bindAs(expression, EMPTY_SCOPE, new ParameterTypes(0), { kind: 'bigint' }, 'LIMIT').evaluate([], CONTEXT);
  expect(limit(number('5'))).toBe(5n);
  expect(limit(string('6'))).toBe(6n);
  expect(() => limit(literal('boolean', 'true'))).toThrow(
    'argument of LIMIT must be type bigint, not type boolean',
  );
});

test('a list with the time in it is looked through anew in each statement', () => {
  const times = ['2020-01-01', '2020-01-02', '2020-01-03'].map((text) =>
    cast(string(text), { kind: 'timestamp' }),
  );
  const asked = cast(string('2020-01-09'), { kind: 'timestamp' });
  const bound = bind(among(asked, [...times, call('now')]), SCOPE, new ParameterTypes(0));
  expect(bound.evaluate([], CONTEXT)).toBe(false);
  expect(bound.evaluate([], { ...CONTEXT, now: 1_578_528_000_000_000n })).toBe(true);
});

test('a failing constant fails each time it is asked for, and not before', () => {
  const zero = binary(number('1'), '/', number('0'));
  const bound = bind(
    binary(literal('boolean', 'false'), 'and', binary(zero, '=', number('1'))),
    SCOPE,
    new ParameterTypes(0),
  );
  expect(bound.evaluate([], CONTEXT)).toBe(false);
  const division = bind(zero, SCOPE, new ParameterTypes(0));
  for (const _ of [1, 2]) expect(() => division.evaluate([], CONTEXT)).toThrow('division by zero');
});

function column(table: string, columnName: string): Expression {
  return { node: 'column', table, name: columnName, at: 0 };
}

function shown(expression: Expression): string | null {
  const bound = bind(expression, SCOPE, new ParameterTypes(0));
  const value: SqlValue = bound.evaluate([], CONTEXT);
  return value === null ? null : formatText(bound.type, value);
}

function failure(expression: Expression, parameters = new ParameterTypes(0)): [unknown, string] {
  try {
    bind(expression, SCOPE, parameters);
  } catch (error) {
    const { details, message } = error as { details: Record<string, unknown>; message: string };
    return [details['sqlstate'], message];
  }
  throw new Error('it was not refused');
}
