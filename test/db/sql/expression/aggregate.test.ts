import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TruthError } from '../../../../db/errors.ts';
import {
  type Accumulator,
  type BoundAggregate,
  bindAggregate,
  decodeState,
  encodeState,
  ParameterTypes,
  tableScope,
} from '../../../../db/sql/expression/index.ts';
import { formatText, type SqlType, type SqlValue, typeName } from '../../../../db/sql/types/index.ts';
import { maybeNull, sortableType } from '../types/arbitrary-values.ts';
import { name, string } from './build.ts';

const NAMES = ['count', 'sum', 'avg', 'min', 'max'];
const sample = fc
  .record({ type: sortableType, called: fc.constantFrom(...NAMES), distinct: fc.boolean() })
  .filter(({ type, called }) => aggregateOf(called, type, false) !== null)
  .chain(({ type, called, distinct }) =>
    fc.record({
      aggregate: fc.constant(aggregateOf(called, type, distinct)!),
      values: fc.array(maybeNull(type), { maxLength: 12 }),
      others: fc.array(maybeNull(type), { maxLength: 12 }),
    }),
  );

describe('an aggregate', () => {
  test('is the same in any order', () => {
    fc.assert(
      fc.property(
        sample,
        fc.array(fc.nat(), { minLength: 12, maxLength: 12 }),
        ({ aggregate, values }, keys) => {
          const shuffled = values
            .map((value, index) => ({ value, key: keys[index]! }))
            .sort((one, other) => one.key - other.key)
            .map(({ value }) => value);
          const [one, other] = [filled(aggregate, values), filled(aggregate, shuffled)];
          expect(shown(aggregate, one)).toBe(shown(aggregate, other));
          expect(encodeState(one)).toEqual(encodeState(other));
        },
      ),
      { numRuns: 300 },
    );
  });

  test('forgets what is taken away, unless it is an extreme', () => {
    fc.assert(
      fc.property(sample, ({ aggregate, values, others }) => {
        const accumulator = filled(aggregate, [...others, ...values]);
        if (!aggregate.isRetractable) {
          expect(() => accumulator.subtract(null)).toThrow('cannot forget');
          return;
        }
        for (const value of others) accumulator.subtract(value);
        expect(shown(aggregate, accumulator)).toBe(shown(aggregate, filled(aggregate, values)));
        expect(encodeState(accumulator)).toEqual(encodeState(filled(aggregate, values)));
      }),
      { numRuns: 300 },
    );
  });

  test('goes on from its bytes', () => {
    fc.assert(
      fc.property(sample, ({ aggregate, values, others }) => {
        const back = decodeState(aggregate, encodeState(filled(aggregate, values)));
        for (const value of others) back.add(value);
        expect(shown(aggregate, back)).toBe(shown(aggregate, filled(aggregate, [...values, ...others])));
      }),
      { numRuns: 300 },
    );
  });

  test('says of bytes that are none of its own that they are damaged', () => {
    fc.assert(
      fc.property(sample, fc.uint8Array({ maxLength: 30 }), fc.nat(), ({ aggregate, values }, bytes, at) => {
        const state = encodeState(filled(aggregate, values));
        const damaged = state.slice(0, (at % state.length) + 1);
        for (const candidate of [bytes, damaged]) {
          try {
            decodeState(aggregate, candidate);
          } catch (error) {
            expect(error).toBeInstanceOf(TruthError);
            expect((error as TruthError).code).toBe('CORRUPT');
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  test.each([
    ['count', 'json', 'bigint'],
    ['sum', 'integer', 'bigint'],
    ['sum', 'bigint', 'numeric'],
    ['sum', 'decimal', 'numeric'],
    ['sum', 'double', 'double precision'],
    ['avg', 'integer', 'numeric'],
    ['avg', 'double', 'double precision'],
    ['min', 'text', 'text'],
    ['max', 'timestamp', 'timestamp without time zone'],
  ] as const)('%s over %s is %s', (called, kind, type) => {
    expect(typeName(aggregateOf(called, typeOf(kind), false)!.type)).toBe(type);
  });

  test.each([
    ['sum', 'text', 'function sum(text) does not exist'],
    ['avg', 'boolean', 'function avg(boolean) does not exist'],
    ['max', 'boolean', 'function max(boolean) does not exist'],
    ['min', 'uuid', 'function min(uuid) does not exist'],
    ['max', 'json', 'function max(json) does not exist'],
  ] as const)('%s over %s there is none', (called, kind, message) => {
    expect(() => bound(called, typeOf(kind), false)).toThrow(message);
  });

  test('counts different values only where they can be compared', () => {
    expect(() => bound('count', { kind: 'json' }, true)).toThrow('json');
  });

  test('refuses what does not fit its type when it is read', () => {
    const sum = aggregateOf('sum', { kind: 'double' }, false)!;
    expect(() => filled(sum, [1.7e308, 1.7e308]).result()).toThrow('overflow');
    expect(filled(sum, [1.7e308, 1.7e308, -1.7e308]).result()).toBe(1.7e308);
  });

  test('takes no sum of what has no type', () => {
    const of = (expression: ReturnType<typeof string>) => ({ ...call('sum', false), args: [expression] });
    expect(() => bindAggregate(of(string('1')), tableScope([]), new ParameterTypes(0))).toThrow('sum(text)');
  });
});

function call(called: string, distinct: boolean) {
  return { node: 'call' as const, name: called, args: [name('x')], star: false, distinct, at: 0 };
}

function bound(called: string, type: SqlType, distinct: boolean): BoundAggregate {
  const scope = tableScope([{ name: 't', columns: [{ name: 'x', type }] }]);
  return bindAggregate(call(called, distinct), scope, new ParameterTypes(0));
}

function aggregateOf(called: string, type: SqlType, distinct: boolean): BoundAggregate | null {
  try {
    return bound(called, type, distinct);
  } catch {
    return null;
  }
}

function typeOf(kind: SqlType['kind']): SqlType {
  if (kind === 'text') return { kind, lengthMax: null };
  return kind === 'decimal' ? { kind, precision: null, scale: null } : { kind };
}

function filled(aggregate: BoundAggregate, values: readonly SqlValue[]): Accumulator {
  const accumulator = aggregate.create();
  for (const value of values) accumulator.add(value);
  return accumulator;
}

function shown({ type }: BoundAggregate, accumulator: Accumulator): string {
  try {
    const value = accumulator.result();
    return value === null ? 'NULL' : formatText(type, value);
  } catch (error) {
    return (error as Error).message;
  }
}
