import type { ByteSink } from '../types/byte-sink.ts';
import type { ByteSource } from '../types/byte-source.ts';
import { decodeKey, encodeKey } from '../types/key-codec.ts';
import type { SqlType, SqlValue } from '../types/sql-type.ts';
import { oneLess } from './accumulators.ts';
import type { Accumulator } from './aggregate.ts';

/**
 * Hands each different value on once, and takes it away when its last one goes. It holds all different values: whoever
 * aggregates more than memory has keeps their counts elsewhere. Decimals count as their value with as few digits as it needs.
 */
export class DistinctValues implements Accumulator {
  readonly #types: readonly SqlType[];
  readonly #inner: Accumulator;
  /** How often each is there, by its key, a byte a character. */
  readonly #counts = new Map<string, number>();

  constructor(type: SqlType, inner: Accumulator) {
    this.#types = [type];
    this.#inner = inner;
  }

  add(value: SqlValue): void {
    if (value === null) return;
    const key = this.#keyOf(value);
    const count = this.#counts.get(key) ?? 0;
    this.#counts.set(key, count + 1);
    if (count === 0) this.#inner.add(this.#valueOf(key));
  }

  subtract(value: SqlValue): void {
    if (value === null) return;
    const key = this.#keyOf(value);
    const count = oneLess(this.#counts.get(key) ?? 0);
    if (count > 0) {
      this.#counts.set(key, count);
    } else {
      this.#counts.delete(key);
      this.#inner.subtract(this.#valueOf(key));
    }
  }

  result(): SqlValue {
    return this.#inner.result();
  }

  writeState(sink: ByteSink): void {
    const entries = [...this.#counts].sort(([one], [other]) => (one < other ? -1 : 1));
    sink.varint(entries.length);
    for (const [key, count] of entries) {
      sink.varint(key.length);
      sink.raw(Buffer.from(key, 'latin1'));
      sink.varint(count);
    }
  }

  readState(source: ByteSource): void {
    const length = source.varint();
    let last = '';
    for (let index = 0; index < length; index++) {
      const key = Buffer.from(source.raw(source.varint())).toString('latin1');
      const count = source.varint();
      if (key <= last || count === 0) throw source.corrupt('its values are out of order');
      this.#counts.set(key, count);
      this.#inner.add(this.#valueOf(key));
      last = key;
    }
  }

  #keyOf(value: SqlValue): string {
    return Buffer.from(encodeKey(this.#types, [value])).toString('latin1');
  }

  /** What every value with that key is counted as. */
  #valueOf(key: string): SqlValue {
    return decodeKey(this.#types, Buffer.from(key, 'latin1'))[0]!;
  }
}
