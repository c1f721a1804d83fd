import { Decimal } from '../../numeric/index.ts';
import type { ByteSink } from '../types/byte-sink.ts';
import type { ByteSource } from '../types/byte-source.ts';
import { decodeKey, encodeKey } from '../types/key-codec.ts';
import type { SqlType, SqlValue } from '../types/sql-type.ts';
import { oneLess } from './accumulators.ts';
import type { Accumulator } from './aggregate.ts';

/**
 * Hands each different value on once, and takes it away when its last one goes. Equal decimals may be written with more or
 * fewer digits: the one with most of them stands for all. It holds all different values: whoever aggregates more than memory
 * has keeps their counts elsewhere.
 */
export class DistinctValues implements Accumulator {
  readonly #types: readonly SqlType[];
  readonly #inner: Accumulator;
  /** By key, a byte a character: how often the value is there with each number of digits behind the point; 0 where it has none. */
  readonly #values = new Map<string, Map<number, number>>();

  constructor(type: SqlType, inner: Accumulator) {
    this.#types = [type];
    this.#inner = inner;
  }

  add(value: SqlValue): void {
    if (value === null) return;
    this.#change(value, (count) => count + 1);
  }

  subtract(value: SqlValue): void {
    if (value === null) return;
    this.#change(value, oneLess);
  }

  result(): SqlValue {
    return this.#inner.result();
  }

  writeState(sink: ByteSink): void {
    const values = [...this.#values].sort(([one], [other]) => (one < other ? -1 : 1));
    sink.varint(values.length);
    for (const [key, counts] of values) {
      sink.varint(key.length);
      sink.raw(Buffer.from(key, 'latin1'));
      sink.varint(counts.size);
      for (const [scale, count] of [...counts].sort(([one], [other]) => one - other)) {
        sink.varint(scale);
        sink.varint(count);
      }
    }
  }

  readState(source: ByteSource): void {
    const length = source.varint();
    let last = '';
    for (let index = 0; index < length; index++) {
      const key = Buffer.from(source.raw(source.varint())).toString('latin1');
      if (key <= last) throw source.corrupt('its values are out of order');
      const counts = readCounts(source);
      this.#values.set(key, counts);
      this.#inner.add(this.#shown(key, counts));
      last = key;
    }
  }

  #change(value: Exclude<SqlValue, null>, step: (count: number) => number): void {
    const key = Buffer.from(encodeKey(this.#types, [value])).toString('latin1');
    const scale = value instanceof Decimal ? value.scale : 0;
    const counts = this.#values.get(key) ?? new Map<number, number>();
    const before = this.#shown(key, counts);
    const count = step(counts.get(scale) ?? 0);
    if (count === 0) counts.delete(scale);
    else counts.set(scale, count);
    if (counts.size === 0) this.#values.delete(key);
    else this.#values.set(key, counts);
    const after = this.#shown(key, counts);
    if (isSame(before, after)) return;
    this.#inner.add(after);
    this.#inner.subtract(before);
  }

  /** What stands for all that are equal; null when there is none. */
  #shown(key: string, counts: ReadonlyMap<number, number>): SqlValue {
    if (counts.size === 0) return null;
    const value = decodeKey(this.#types, Buffer.from(key, 'latin1'))[0]!;
    return value instanceof Decimal ? value.round(Math.max(...counts.keys())) : value;
  }
}

function readCounts(source: ByteSource): Map<number, number> {
  const counts = new Map<number, number>();
  const length = source.varint();
  let last = -1;
  for (let index = 0; index < length; index++) {
    const scale = source.varint();
    const count = source.varint();
    if (scale <= last || scale > SCALE_MAX || count === 0)
      throw source.corrupt('its values are out of order');
    counts.set(scale, count);
    last = scale;
  }
  if (counts.size === 0) throw source.corrupt('a value in it is there no times');
  return counts;
}

const SCALE_MAX = 16_383;

/** Of one key: they differ in their digits at most. */
function isSame(one: SqlValue, other: SqlValue): boolean {
  if (one === null || other === null) return one === other;
  return !(one instanceof Decimal) || one.scale === (other as Decimal).scale;
}
