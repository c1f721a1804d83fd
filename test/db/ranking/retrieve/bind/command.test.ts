import { describe, expect, test } from 'vitest';
import {
  commandOf,
  evaluationOf,
  type WriteStatement,
} from '../../../../../db/ranking/retrieve/bind/index.ts';
import {
  type EvaluateStatement,
  type Parameters,
  parse,
} from '../../../../../db/ranking/retrieve/language/index.ts';

function command(text: string, parameters: Parameters = []) {
  return commandOf(parse(text) as WriteStatement, parameters);
}

describe('statements that write are commands', () => {
  test('a signal', () => {
    expect(command("SIGNAL view ON @i BY $u WEIGHT $w AT $t ID 'x'", { u: 'u1', w: 0.5, t: 7 })).toEqual({
      command: 'signals',
      signals: [{ signal: 'view', target: 'i', user: 'u1', weight: 0.5, at: 7, id: 'x' }],
      failure: 'all',
    });
    expect(command('SIGNAL view ON @i')).toMatchObject({
      signals: [{ user: null, weight: null, at: null, id: null }],
    });
  });

  test('an entity', () => {
    const vector = Float32Array.of(1, 2);
    const text =
      "UPSERT item @i SET a = 'x', b = NULL, c = ['y', $z], d = [1, 2], e = $v, f = @k, g = $list, h = TRUE STATE active AT 5s";
    expect(command(text, { z: 'z', v: vector, list: ['p', 'q'] })).toEqual({
      command: 'put-entities',
      entities: [
        {
          action: 'put',
          kind: 'item',
          key: 'i',
          set: Object.assign(Object.create(null), {
            a: 'x',
            b: null,
            c: ['y', 'z'],
            d: [1, 2],
            e: vector,
            f: 'k',
            g: ['p', 'q'],
            h: true,
          }),
          state: 'active',
          at: 5_000_000,
        },
      ],
      failure: 'all',
    });
    expect(command('DELETE item $k', { k: 'i' })).toMatchObject({
      entities: [{ action: 'delete', kind: 'item', key: 'i' }],
    });
  });

  test('an edge', () => {
    expect(command('RELATE follows @a @b')).toEqual({
      command: 'relate',
      relationship: 'follows',
      from: 'a',
      to: 'b',
      weight: 'default',
      at: null,
    });
    expect(command('RELATE follows @a @b WEIGHT 2')).toMatchObject({ weight: 2 });
    expect(command('UNRELATE follows @a @b')).toMatchObject({ weight: null });
  });

  test('a definition', () => {
    expect(command('DROP SIGNAL view CASCADE DRY RUN')).toEqual({
      command: 'define',
      definition: { define: 'drop', what: 'signal', name: 'view' },
      permission: 'cascade',
      run: 'dry run',
    });
  });

  test.each([
    ['UPSERT item @i SET a = 1, a = 2', 'SET: "a" is there twice'],
    ["UPSERT item @i SET a = [1, 'x']", 'a list has texts or numbers, not both'],
    ['UPSERT item @i SET a = [$l]', 'a parameter within […] is a text or a number'],
    ['SIGNAL view ON $l', 'and a text belongs there'],
    ['SIGNAL view ON @i WEIGHT $l', 'and a number belongs there'],
    ['SIGNAL view ON @i AT $l', 'and a time'],
    ['SIGNAL view ON $missing', 'there is no value for the parameter $missing'],
    ['SIGNAL view ON $constructor', 'there is no value for the parameter $constructor'],
  ])('%s', (text, message) => {
    expect(() => command(text, { l: [1] })).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(message) }),
    );
  });

  test('names that objects have already are names like any other', () => {
    expect(command('UPSERT item @i SET __proto__ = 1, constructor = 2')).toMatchObject({
      entities: [{ set: expect.anything() }],
    });
    const { entities } = command('UPSERT item @i SET __proto__ = 1') as unknown as {
      entities: [{ set: object }];
    };
    expect(Object.keys(entities[0].set)).toEqual(['__proto__']);
  });
});

test('an evaluation has its values', () => {
  const evaluation = (text: string) =>
    evaluationOf(parse(text) as EvaluateStatement, { t: '2026-01-31', n: 0 });
  expect(evaluation('EVALUATE PROFILE a VS b:2 FROM 5s TO $t SAMPLE 10')).toEqual({
    profile: { name: 'a', version: null },
    against: { name: 'b', version: 2 },
    from: 5_000_000,
    to: 1_769_817_600_000_000,
    sample: 10,
  });
  expect(() => evaluation("EVALUATE PROFILE a FROM '2027-01-01' TO $t")).toThrow('FROM is the earlier one');
  expect(() => evaluation('EVALUATE PROFILE a FROM 5s TO $t SAMPLE $n')).toThrow('is no number of moments');
});
