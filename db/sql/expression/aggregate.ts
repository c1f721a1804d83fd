/**
 * Aggregates: count, sum, avg, min and max as accumulators that come to the same result in whatever order rows come, and, but
 * for min and max, let a row be taken away again. Sums are exact; a sum of doubles is rounded once, when it is read.
 *
 * min and max cannot forget a value: who has to maintain them keeps the values themselves in order (an index by group and
 * value; `compareExtremes` is that order) and reads the first or the last.
 */
import type { CallExpression } from '../ast.ts';
import { ByteSink } from '../types/byte-sink.ts';
import { ByteSource } from '../types/byte-source.ts';
import { comparatorOf } from '../types/compare.ts';
import { sqlError } from '../types/sql-error.ts';
import type { SqlType, SqlValue } from '../types/sql-type.ts';
import { Counter, DecimalMean, DecimalTotal, DoubleTotal, Extreme, IntegerTotal } from './accumulators.ts';
import { type AggregateName, isAggregate } from './aggregate-names.ts';
import { bind } from './bind.ts';
import type { BoundExpression, Scope } from './bound.ts';
import { DistinctValues } from './distinct-values.ts';
import { noFunction } from './function-table.ts';
import { BIGINT, DECIMAL, DOUBLE, withoutModifier } from './operand.ts';
import type { ParameterTypes } from './parameter-types.ts';

export interface Accumulator {
  /** Of one row; NULL counts for nothing, but for count(*). */
  add(value: SqlValue): void;
  /** Of a row that was added. Errors: INTERNAL from min and max. */
  subtract(value: SqlValue): void;
  /** NULL when there was nothing, but for count. Errors: 22003 where it does not fit its type. */
  result(): SqlValue;
  writeState(sink: ByteSink): void;
  readState(source: ByteSource): void;
}

export interface BoundAggregate {
  readonly name: AggregateName;
  /** What is accumulated of each row; null for count(*), which takes anything. */
  readonly argument: BoundExpression | null;
  /** Of the result. */
  readonly type: SqlType;
  /** Whether `subtract` works: not for min and max. */
  readonly isRetractable: boolean;
  readonly create: () => Accumulator;
}

/** Errors: 42883 for arguments that the aggregate does not take, 42803 for an aggregate within one. */
export function bindAggregate(
  call: CallExpression,
  scope: Scope,
  parameters: ParameterTypes,
): BoundAggregate {
  const { name, at } = call;
  if (!isAggregate(name)) throw noFunction(name, [], at);
  if (call.star) {
    if (name !== 'count') throw noFunction(name, [], at);
    return { name, argument: null, type: BIGINT, isRetractable: true, create: () => new Counter('rows') };
  }
  if (call.args.length !== 1) {
    throw sqlError('42883', `function ${name}() takes one argument, not ${call.args.length}`, at);
  }
  const argument = bind(call.args[0]!, scope, parameters);
  const plain = chooseAggregate(name, argument, at);
  if (!call.distinct) return plain;
  // What has no equality has no different values.
  comparatorOf(argument.type);
  // Of equal values the smallest and the largest are what they are anyway.
  if (name === 'min' || name === 'max') return plain;
  return { ...plain, create: () => new DistinctValues(argument.type, plain.create()) };
}

function chooseAggregate(name: AggregateName, argument: BoundExpression, at: number): BoundAggregate {
  const { kind } = argument.type;
  const made = (type: SqlType, create: () => Accumulator, isRetractable = true): BoundAggregate => ({
    ...{ name, argument, type, create },
    isRetractable,
  });
  switch (name) {
    case 'count':
      return made(BIGINT, () => new Counter('values'));
    case 'min':
    case 'max': {
      const type = withoutModifier(argument.type);
      if (!EXTREMES.has(kind)) break;
      return made(type, () => new Extreme(name, type), false);
    }
    case 'sum':
      if (kind === 'integer') return made(BIGINT, () => new IntegerTotal());
      if (kind === 'bigint' || kind === 'decimal') return made(DECIMAL, () => new DecimalTotal());
      if (kind === 'double') return made(DOUBLE, () => new DoubleTotal('sum'));
      break;
    case 'avg':
      if (kind === 'double') return made(DOUBLE, () => new DoubleTotal('mean'));
      if (kind === 'integer' || kind === 'bigint' || kind === 'decimal')
        return made(DECIMAL, () => new DecimalMean());
      break;
  }
  throw noFunction(name, [argument], at);
}

/** As in PostgreSQL 15: what has an order has these, but for booleans, bytes and UUIDs. */
const EXTREMES: ReadonlySet<SqlType['kind']> = new Set([
  'integer',
  'bigint',
  'double',
  'decimal',
  'text',
  'timestamp',
]);

const STATE_VERSION = 1;
const scratch = new ByteSink();

/** Equal accumulators have equal states, in whatever order their values came. */
export function encodeState(accumulator: Accumulator): Uint8Array {
  scratch.at = 0;
  scratch.u8(STATE_VERSION);
  accumulator.writeState(scratch);
  return scratch.take();
}

/** Errors: CORRUPT for bytes that `encodeState` did not make of the same aggregate. */
export function decodeState(aggregate: BoundAggregate, state: Uint8Array): Accumulator {
  const source = new ByteSource(state, `the state of ${aggregate.name}()`);
  const version = source.u8();
  if (version !== STATE_VERSION) throw source.corrupt(`its version is ${version}, known is ${STATE_VERSION}`);
  const accumulator = aggregate.create();
  accumulator.readState(source);
  if (!source.done) throw source.corrupt('more follows than it has');
  return accumulator;
}
