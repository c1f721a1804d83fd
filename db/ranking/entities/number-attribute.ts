import { Bitmap, NO_NUMBERS, unite, without } from '../indexes/bitmaps/index.ts';
import type { NumberSet } from '../reading.ts';
import type { AttributeType, AttributeValue } from '../schema/model.ts';
import {
  type AttributeStore,
  type AttributeTest,
  absentKeywords,
  NO_TEST,
  type PreparedTest,
} from './attribute-store.ts';
import { absentDoubles, Column } from './column.ts';
import type { Piece } from './piece.ts';
import { contains, type Range, RangeIndex } from './range-index.ts';

/** Whole numbers, doubles and times. All are doubles here: whole ones are exact up to 2^53. */
export class NumberAttribute implements AttributeStore {
  readonly type: AttributeType;
  readonly #values = new Column(absentDoubles, Number.NaN);
  readonly #ranges = new RangeIndex(this.#values);
  #present: Bitmap | null = null;

  constructor(type: AttributeType, filter: boolean) {
    this.type = type;
    if (filter) this.#present = new Bitmap();
  }

  set(entity: number, value: AttributeValue | null): void {
    const number = typeof value === 'number' ? value : Number.NaN;
    const before = this.#values.get(entity);
    if (Object.is(before, number)) return;
    this.#values.set(entity, number);
    if (this.#present === null) return;
    if (Number.isNaN(number)) this.#present.remove(entity);
    else this.#present.add(entity);
    this.#ranges.note(entity);
  }

  get(entity: number): AttributeValue | null {
    const value = this.#values.get(entity);
    return Number.isNaN(value) ? null : value;
  }

  numbers(entities: Uint32Array, count: number, out: Float64Array): void {
    this.#values.gather(entities, count, out);
  }

  keywords(_: Uint32Array, count: number, out: Int32Array): void {
    absentKeywords(count, out);
  }

  prepare(test: AttributeTest): PreparedTest {
    const present = this.#present;
    if (present === null) return NO_TEST;
    switch (test.test) {
      case 'has':
        return { estimate: present.size, set: () => present.freeze(), has: (entity) => present.has(entity) };
      case 'between':
        return this.#within({ low: test.low, high: test.high, withLow: true, withHigh: true });
      case 'in':
        return this.#anyOf(test.values);
      case 'compare': {
        const value = Number(test.value);
        if (test.operator === '<>') return this.#allBut(present, value);
        const range = rangeOf(test.operator, value);
        return range === null ? NO_TEST : this.#within(range);
      }
    }
  }

  indexed(filter: boolean): void {
    if (!filter) this.#present = null;
    else if (this.#present === null) this.#index();
  }

  pieces(name: string): readonly Piece[] {
    return this.#values.pieces(name);
  }

  digestAhead(): Iterable<void> {
    return this.#values.digestAhead();
  }

  restore(place: string, bytes: Uint8Array): void {
    this.#values.restore(Number(place), bytes);
  }

  restored(filter: boolean): void {
    this.#present = null;
    this.indexed(filter);
  }

  get bytes(): number {
    return this.#values.bytes + (this.#present?.bytes ?? 0) + this.#ranges.bytes;
  }

  #within(range: Range): PreparedTest {
    return {
      estimate: this.#ranges.estimate(range),
      set: () => this.#ranges.within(range),
      has: (entity) => contains(range, this.#values.get(entity)),
    };
  }

  #anyOf(values: readonly (string | number)[]): PreparedTest {
    const tests = values.map((value) => this.#within(rangeOf('=', Number(value))!));
    return {
      estimate: tests.reduce((sum, { estimate }) => sum + estimate, 0),
      set: () => tests.reduce<NumberSet>((all, each) => unite(all, each.set()), NO_NUMBERS),
      has: (entity) => tests.some((each) => each.has(entity)),
    };
  }

  #allBut(present: Bitmap, value: number): PreparedTest {
    const equal = this.#within(rangeOf('=', value)!);
    return {
      estimate: Math.max(0, present.size - equal.estimate),
      set: () => without(present.freeze(), equal.set()),
      has: (entity) => present.has(entity) && !equal.has(entity),
    };
  }

  #index(): void {
    const found: number[] = [];
    this.#values.each(0, Number.MAX_SAFE_INTEGER, (entity, value) => {
      if (!Number.isNaN(value)) found.push(entity);
    });
    this.#present = Bitmap.fromSorted(Uint32Array.from(found));
    this.#ranges.forget();
  }
}

function rangeOf(operator: string, value: number): Range | null {
  const all = {
    low: Number.NEGATIVE_INFINITY,
    high: Number.POSITIVE_INFINITY,
    withLow: true,
    withHigh: true,
  };
  if (operator === '=') return { low: value, high: value, withLow: true, withHigh: true };
  if (operator === '<') return { ...all, high: value, withHigh: false };
  if (operator === '<=') return { ...all, high: value };
  if (operator === '>') return { ...all, low: value, withLow: false };
  return operator === '>=' ? { ...all, low: value } : null;
}
