/**
 * Entities in the order of a number they have: sorted once, with what has changed since beside it, and sorted in when that has
 * become a sixteenth. Nothing is sorted before somebody asks. It is worked out from a column and never saved.
 */

import { Bitmap, SortedNumbers } from '../indexes/bitmaps/index.ts';
import type { NumberSet } from '../reading.ts';
import type { Column } from './column.ts';
import { sortByValue } from './value-order.ts';

/** Values from `low` to `high`, each with or without its end. */
export interface Range {
  readonly low: number;
  readonly high: number;
  readonly withLow: boolean;
  readonly withHigh: boolean;
}

const CHANGED_MAX = 1_024;
const CHANGED_SHARE_MAX = 1 / 16;
/** Above this share of all it is faster to look at every value. */
const SCAN_SHARE = 1 / 16;

export class RangeIndex {
  readonly #column: Column<Float64Array>;
  /** Ascending by value, then by number. */
  #values = new Float64Array(0);
  #numbers = new Uint32Array(0);
  /** Those whose place is out of date; null before the first sorting. */
  #changed: Bitmap | null = null;

  /** NaN in the column: the entity has none. */
  constructor(column: Column<Float64Array>) {
    this.#column = column;
  }

  /** The entity's value has changed. */
  note(entity: number): void {
    this.#changed?.add(entity);
  }

  /** Begins anew from the column. */
  forget(): void {
    this.#changed = null;
  }

  /** Entities whose value lies in the range. */
  within(range: Range): NumberSet {
    this.#settle();
    const [from, to] = this.#places(range);
    if (to - from > this.#numbers.length * SCAN_SHARE) return this.#scanned(range);
    const found: number[] = [];
    for (const entity of this.#changed!) if (contains(range, this.#column.get(entity))) found.push(entity);
    for (let place = from; place < to; place++) {
      const entity = this.#numbers[place]!;
      if (!this.#changed!.has(entity)) found.push(entity);
    }
    return new SortedNumbers(Uint32Array.from(found).sort());
  }

  /** How many there are, about. */
  estimate(range: Range): number {
    this.#settle();
    const [from, to] = this.#places(range);
    return Math.min(to - from + this.#changed!.size, this.#numbers.length + this.#changed!.size);
  }

  /** Those of the largest values first, ties by larger number; only those that `accepts` takes. */
  largest(limit: number, accepts: (entity: number) => boolean): Uint32Array {
    this.#settle();
    const recent = [...this.#changed!].filter(
      (entity) => !Number.isNaN(this.#column.get(entity)) && accepts(entity),
    );
    recent.sort((a, b) => this.#column.get(b) - this.#column.get(a) || b - a);
    const found: number[] = [];
    let next = 0;
    for (let place = this.#numbers.length - 1; found.length < limit && place >= 0; place--) {
      const entity = this.#numbers[place]!;
      if (this.#changed!.has(entity) || !accepts(entity)) continue;
      while (next < recent.length && found.length < limit && this.#isBefore(recent[next]!, entity, place))
        found.push(recent[next++]!);
      if (found.length < limit) found.push(entity);
    }
    while (next < recent.length && found.length < limit) found.push(recent[next++]!);
    return Uint32Array.from(found);
  }

  get bytes(): number {
    return this.#values.byteLength + this.#numbers.byteLength + (this.#changed?.bytes ?? 0);
  }

  #isBefore(entity: number, other: number, place: number): boolean {
    const [own, theirs] = [this.#column.get(entity), this.#values[place]!];
    return own > theirs || (own === theirs && entity > other);
  }

  #scanned(range: Range): NumberSet {
    const found = new Uint32Array(this.#numbers.length + this.#changed!.size);
    let count = 0;
    this.#column.each(0, Number.MAX_SAFE_INTEGER, (entity, value) => {
      if (contains(range, value)) found[count++] = entity;
    });
    return Bitmap.fromSorted(found.subarray(0, count));
  }

  /** First and one past the last place of values in the range. */
  #places({ low, high, withLow, withHigh }: Range): readonly [number, number] {
    const from = this.#firstPlace(low, !withLow);
    return [from, Math.max(from, this.#firstPlace(high, withHigh))];
  }

  /** First place of a value from `value` on; of one behind it when `above`. */
  #firstPlace(value: number, above: boolean): number {
    let low = 0;
    let high = this.#values.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const there = this.#values[middle]!;
      if (there < value || (above && there === value)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #settle(): void {
    const changed = this.#changed;
    if (changed !== null && changed.size <= Math.max(CHANGED_MAX, this.#numbers.length * CHANGED_SHARE_MAX))
      return;
    const fresh = changed === null ? this.#all() : this.#valuesOf(changed);
    sortByValue(fresh.values, fresh.numbers);
    if (changed === null) {
      this.#values = fresh.values;
      this.#numbers = fresh.numbers;
    } else this.#merge(fresh, changed);
    this.#changed = new Bitmap();
  }

  #all(): Sorted {
    let count = 0;
    this.#column.each(0, Number.MAX_SAFE_INTEGER, (_, value) => {
      if (!Number.isNaN(value)) count += 1;
    });
    const sorted: Sorted = { values: new Float64Array(count), numbers: new Uint32Array(count) };
    let at = 0;
    this.#column.each(0, Number.MAX_SAFE_INTEGER, (entity, value) => {
      if (Number.isNaN(value)) return;
      // No -0, which the bits put before 0.
      sorted.values[at] = value + 0;
      sorted.numbers[at++] = entity;
    });
    return sorted;
  }

  #valuesOf(entities: Bitmap): Sorted {
    const numbers = Uint32Array.from(entities.toArray()).filter(
      (entity) => !Number.isNaN(this.#column.get(entity)),
    );
    return { values: Float64Array.from(numbers, (entity) => this.#column.get(entity) + 0), numbers };
  }

  /** What was there, without those that changed, and the changed ones. */
  #merge(fresh: Sorted, changed: Bitmap): void {
    const most = this.#numbers.length + fresh.numbers.length;
    const values = new Float64Array(most);
    const numbers = new Uint32Array(most);
    let end = 0;
    let next = 0;
    for (let place = 0; place < this.#numbers.length; place++) {
      const entity = this.#numbers[place]!;
      if (changed.has(entity)) continue;
      const value = this.#values[place]!;
      while (next < fresh.numbers.length && isBefore(fresh, next, value, entity)) {
        values[end] = fresh.values[next]!;
        numbers[end++] = fresh.numbers[next++]!;
      }
      values[end] = value;
      numbers[end++] = entity;
    }
    values.set(fresh.values.subarray(next), end);
    numbers.set(fresh.numbers.subarray(next), end);
    end += fresh.numbers.length - next;
    this.#values = values.slice(0, end);
    this.#numbers = numbers.slice(0, end);
  }
}

interface Sorted {
  readonly values: Float64Array<ArrayBuffer>;
  readonly numbers: Uint32Array<ArrayBuffer>;
}

function isBefore({ values, numbers }: Sorted, at: number, value: number, entity: number): boolean {
  return values[at]! < value || (values[at] === value && numbers[at]! < entity);
}

/** NaN is in none. */
export function contains({ low, high, withLow, withHigh }: Range, value: number): boolean {
  return (value > low || (withLow && value === low)) && (value < high || (withHigh && value === high));
}
