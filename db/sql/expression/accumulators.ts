/** The accumulators of aggregate.ts, one for each way of adding up. */
import { TruthError } from '../../errors.ts';
import { Decimal, ExactSum } from '../../numeric/index.ts';
import type { ByteSink } from '../types/byte-sink.ts';
import type { ByteSource } from '../types/byte-source.ts';
import { type Comparator, comparatorOf } from '../types/compare.ts';
import { sqlError } from '../types/sql-error.ts';
import type { SqlType, SqlValue } from '../types/sql-type.ts';
import { fieldOf, readField, writeField } from '../types/stored-field.ts';
import { toBigint } from './casts.ts';
import { DECIMAL } from './operand.ts';

/** count(*), count(x). */
export class Counter {
  readonly #of: 'rows' | 'values';
  #count = 0;

  constructor(of: 'rows' | 'values') {
    this.#of = of;
  }

  add(value: SqlValue): void {
    if (this.#of === 'rows' || value !== null) this.#count++;
  }

  subtract(value: SqlValue): void {
    if (this.#of === 'rows' || value !== null) this.#count = oneLess(this.#count);
  }

  result(): SqlValue {
    return BigInt(this.#count);
  }

  writeState(sink: ByteSink): void {
    sink.varint(this.#count);
  }

  readState(source: ByteSource): void {
    this.#count = source.varint();
  }
}

/** sum(integer), a bigint. */
export class IntegerTotal {
  #count = 0;
  #sum = 0n;

  add(value: SqlValue): void {
    if (value === null) return;
    this.#count++;
    this.#sum += BigInt(value as number);
  }

  subtract(value: SqlValue): void {
    if (value === null) return;
    this.#count = oneLess(this.#count);
    this.#sum -= BigInt(value as number);
  }

  result(): SqlValue {
    return this.#count === 0 ? null : toBigint(this.#sum);
  }

  writeState(sink: ByteSink): void {
    sink.varint(this.#count);
    writeWhole(sink, this.#sum);
  }

  readState(source: ByteSource): void {
    this.#count = source.varint();
    this.#sum = readWhole(source);
  }
}

/** sum(bigint), sum(decimal): as many digits behind the point as the value with the most of those that are in it. */
export class DecimalTotal {
  #count = 0;
  /** At the largest scale there ever was. */
  #sum = Decimal.ZERO;
  /** How many values have each scale: taking one away may lower the result's. */
  readonly #scales = new Map<number, number>();

  add(value: SqlValue): void {
    if (value === null) return;
    const decimal = asDecimal(value);
    this.#count++;
    this.#sum = this.#sum.add(decimal);
    this.#scales.set(decimal.scale, (this.#scales.get(decimal.scale) ?? 0) + 1);
  }

  subtract(value: SqlValue): void {
    if (value === null) return;
    const decimal = asDecimal(value);
    this.#count = oneLess(this.#count);
    this.#sum = this.#sum.subtract(decimal);
    const left = oneLess(this.#scales.get(decimal.scale) ?? 0);
    if (left === 0) this.#scales.delete(decimal.scale);
    else this.#scales.set(decimal.scale, left);
  }

  get count(): number {
    return this.#count;
  }

  total(): Decimal {
    // What is beyond the scale of all that is left is zeros.
    return this.#sum.truncate(Math.max(0, ...this.#scales.keys()));
  }

  result(): SqlValue {
    return this.#count === 0 ? null : this.total();
  }

  writeState(sink: ByteSink): void {
    sink.varint(this.#count);
    writeDecimal(sink, this.total());
    const scales = [...this.#scales].sort(([one], [other]) => one - other);
    sink.varint(scales.length);
    for (const [scale, count] of scales) {
      sink.varint(scale);
      sink.varint(count);
    }
  }

  readState(source: ByteSource): void {
    this.#count = source.varint();
    this.#sum = readDecimal(source);
    const count = source.varint();
    let last = -1;
    for (let index = 0; index < count; index++) {
      const scale = source.varint();
      const values = source.varint();
      if (scale <= last || values === 0) throw source.corrupt('its scales are out of order');
      this.#scales.set(scale, values);
      last = scale;
    }
  }
}

/** avg over whole numbers and decimals. */
export class DecimalMean extends DecimalTotal {
  override result(): SqlValue {
    return this.count === 0 ? null : this.total().divide(Decimal.fromInteger(this.count));
  }
}

/** sum(double), avg(double). */
export class DoubleTotal {
  readonly #what: 'sum' | 'mean';
  #count = 0;
  #sum = new ExactSum();

  constructor(what: 'sum' | 'mean') {
    this.#what = what;
  }

  add(value: SqlValue): void {
    if (value === null) return;
    this.#count++;
    this.#sum.add(value as number);
  }

  subtract(value: SqlValue): void {
    if (value === null) return;
    this.#count = oneLess(this.#count);
    this.#sum.subtract(value as number);
  }

  result(): SqlValue {
    if (this.#count === 0) return null;
    const sum = this.#sum.toDouble();
    if (!Number.isFinite(sum) && this.#sum.isFinite) throw sqlError('22003', 'value out of range: overflow');
    return this.#what === 'sum' ? sum : sum / this.#count;
  }

  writeState(sink: ByteSink): void {
    const state = this.#sum.state();
    sink.varint(this.#count);
    writeWhole(sink, state.mantissa);
    writeWhole(sink, BigInt(state.exponent));
    sink.varint(state.nans);
    sink.varint(state.positiveInfinities);
    sink.varint(state.negativeInfinities);
  }

  readState(source: ByteSource): void {
    this.#count = source.varint();
    const mantissa = readWhole(source);
    const exponent = Number(readWhole(source));
    // A double's smallest bit is worth 2^-1074, and no sum has a larger unit than the largest double has.
    if (exponent < -1_074 || exponent > 2_048) throw source.corrupt(`its exponent is ${exponent}`);
    this.#sum = ExactSum.from({
      mantissa,
      exponent,
      nans: source.varint(),
      positiveInfinities: source.varint(),
      negativeInfinities: source.varint(),
    });
  }
}

/** min, max. */
export class Extreme {
  readonly #wanted: -1 | 1;
  readonly #type: SqlType;
  readonly #compare: Comparator;
  #value: SqlValue = null;

  constructor(name: 'min' | 'max', type: SqlType) {
    this.#wanted = name === 'min' ? -1 : 1;
    this.#type = type;
    this.#compare = compareExtremes(type);
  }

  add(value: SqlValue): void {
    if (value === null) return;
    if (this.#value === null || Math.sign(this.#compare(value, this.#value)) === this.#wanted)
      this.#value = value;
  }

  subtract(): void {
    throw new TruthError(
      'INTERNAL',
      'min and max cannot forget a value; whoever maintains them keeps all of them',
    );
  }

  result(): SqlValue {
    return this.#value;
  }

  writeState(sink: ByteSink): void {
    const field = fieldOf(this.#type, this.#value);
    sink.u8(field);
    writeField(sink, field, this.#value);
  }

  readState(source: ByteSource): void {
    this.#value = readField(source, source.u8(), this.#type.kind);
  }
}

/** The order of values; of equal decimals that with more digits is the larger, and 0 is larger than -0: there is one extreme. */
export function compareExtremes(type: SqlType): Comparator {
  const compare = comparatorOf(type);
  if (type.kind === 'decimal') {
    return (left, right) => compare(left, right) || (left as Decimal).scale - (right as Decimal).scale;
  }
  if (type.kind !== 'double') return compare;
  return (left, right) => compare(left, right) || Number(Object.is(right, -0)) - Number(Object.is(left, -0));
}

/** Errors: INTERNAL. */
export function oneLess(count: number): number {
  if (count <= 0)
    throw new TruthError(
      'INTERNAL',
      'a value was taken from an aggregate it was never added to; please report it',
    );
  return count - 1;
}

function asDecimal(value: Exclude<SqlValue, null>): Decimal {
  return value instanceof Decimal ? value : Decimal.fromInteger(value as bigint | number);
}

function writeWhole(sink: ByteSink, value: bigint): void {
  writeDecimal(sink, new Decimal(value, 0));
}

function writeDecimal(sink: ByteSink, value: Decimal): void {
  const field = fieldOf(DECIMAL, value);
  sink.u8(field);
  writeField(sink, field, value);
}

function readDecimal(source: ByteSource): Decimal {
  const value = readField(source, source.u8(), 'decimal');
  if (!(value instanceof Decimal)) throw source.corrupt('a sum is missing');
  return value;
}

function readWhole(source: ByteSource): bigint {
  const { unscaled, scale } = readDecimal(source);
  if (scale !== 0) throw source.corrupt('a whole number has digits behind the point');
  return unscaled;
}
