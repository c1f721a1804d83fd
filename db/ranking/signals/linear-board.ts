/**
 * Scores that fall to nothing within a lifetime, from buckets: an event k buckets before the running one weighs
 * 1 − k · grain / lifetime of what it did. Per item it keeps the sum of weights and the sum of weights times k, from which
 * every score follows; both are exact, so it makes no difference whether it was kept, moved or made anew.
 */
import {
  type Best,
  type CellSource,
  type CellTable,
  GRAIN_MICROS,
  type Grain,
  ITEM_IN_PAGE,
  ITEM_PAGE_BITS,
  ITEM_PAGE_ROWS,
  keptBuckets,
  Leaders,
  type Ranked,
  type Ranking,
} from '../counting/index.ts';

/** Values of an item: sum of weights, sum of weights times age in buckets. */
const VALUES = 2;
/** Buckets that are kept behind a lifetime, for questions about a moment not long ago. */
const MARGIN = 8;

export interface LinearShape {
  readonly grain: Grain;
  /** Buckets in which an event still weighs something. */
  readonly buckets: number;
  /** What an event loses from bucket to bucket. */
  readonly loss: number;
}

/** The finest grain that does not need more buckets than windows do. */
export function linearShape(lifetimeMicros: number): LinearShape {
  const kept = keptBuckets(['1h', '7d']);
  const isShort = (grain: 'minute' | 'hour'): boolean => lifetimeMicros <= kept[grain] * GRAIN_MICROS[grain];
  const grain = isShort('minute') ? 'minute' : isShort('hour') ? 'hour' : 'day';
  return {
    grain,
    buckets: Math.ceil(lifetimeMicros / GRAIN_MICROS[grain]),
    loss: GRAIN_MICROS[grain] / lifetimeMicros,
  };
}

/** How many buckets have to be kept for it. */
export function linearKept({ buckets }: LinearShape): number {
  return buckets + MARGIN;
}

export class LinearBoard implements Ranked {
  readonly #shape: LinearShape;
  #end: number;
  readonly #pages: Float64Array[] = [];
  readonly #leaders = new Leaders(this);

  constructor(shape: LinearShape, end: number, source: CellSource) {
    this.#shape = shape;
    this.#end = end;
    this.#add(source, end - shape.buckets, end, 1);
  }

  get end(): number {
    return this.#end;
  }

  get memoryBytes(): number {
    return this.#pages.reduce((sum, page) => sum + page.byteLength, this.#leaders.memoryBytes);
  }

  value(item: number): number {
    const page = this.#pages[item >>> ITEM_PAGE_BITS];
    if (page === undefined) return 0;
    const at = (item & ITEM_IN_PAGE) * VALUES;
    return page[at]! - page[at + 1]! * this.#shape.loss;
  }

  offerAll(best: Best): void {
    for (const [number, page] of this.#pages.entries()) {
      if (page === undefined) continue;
      const first = number * ITEM_PAGE_ROWS;
      for (let row = 0; row < ITEM_PAGE_ROWS; row++) {
        const value = this.value(first + row);
        if (value > 0) best.offer(value, first + row);
      }
    }
  }

  top(limit: number): Ranking {
    return this.#leaders.top(limit);
  }

  /** An event has happened. */
  feed(bucket: number, item: number, weight: number): void {
    if (bucket >= this.#end || bucket < this.#end - this.#shape.buckets) return;
    this.#change(item, weight, this.#end - 1 - bucket);
    this.#leaders.moved(item, this.value(item));
  }

  /** Moves to a later end, by less than the lifetime. */
  moveTo(end: number, source: CellSource): void {
    const from = this.#end;
    this.#end = end;
    this.#age(end - from);
    this.#add(source, from - this.#shape.buckets, end - this.#shape.buckets, -1);
    this.#add(source, from, end, 1);
    this.#leaders.forget();
  }

  /** Whether it can be moved there: it stands before it, not too far, and what leaves is still known. */
  reaches(end: number, source: CellSource): boolean {
    const { grain, buckets } = this.#shape;
    const distance = end - this.#end;
    return distance >= 0 && distance < buckets && source.reachesBackTo(grain, this.#end - buckets);
  }

  #age(buckets: number): void {
    for (const page of this.#pages) {
      if (page === undefined) continue;
      for (let at = 0; at < page.length; at += VALUES) page[at + 1]! += page[at]! * buckets;
    }
  }

  #add(source: CellSource, from: number, to: number, factor: number): void {
    for (const { bucket, table } of source.tables(this.#shape.grain, from, to))
      this.#addTable(table, factor, this.#end - 1 - bucket);
  }

  #addTable(table: CellTable, factor: number, age: number): void {
    for (const { cells: run } of table.closed()) {
      for (let cell = 0; cell < run.size; cell++)
        this.#change(run.items[cell]!, factor * run.weightAt(cell), age);
    }
  }

  #change(item: number, weight: number, age: number): void {
    const page = this.#pages[item >>> ITEM_PAGE_BITS] ?? this.#addPage(item >>> ITEM_PAGE_BITS);
    const at = (item & ITEM_IN_PAGE) * VALUES;
    page[at]! += weight;
    page[at + 1]! += weight * age;
  }

  #addPage(number: number): Float64Array {
    const page = new Float64Array(ITEM_PAGE_ROWS * VALUES);
    this.#pages[number] = page;
    return page;
  }
}
