/**
 * The tables of one grain, bucket by bucket, as far back from the newest as they are kept. What is older leaves when a newer
 * bucket begins, so what is there follows from the events alone: no timer, no clock.
 */
import type { Scratch } from '../../materializer/index.ts';
import type { Micros } from '../ground.ts';
import { CellTable, OPEN_CELLS_MAX } from './cell-table.ts';
import { GRAIN_MICROS, type Grain, type SpillOrder, spilledBefore } from './window.ts';

const NONE: readonly CellTable[] = [];

/** A table and the bucket it is of. */
export interface NamedTable {
  readonly bucket: number;
  readonly table: CellTable;
}

/** What is counted: `weight` is that of one of the `amount` events. `change` numbers the changes of the owner. */
export interface Counted {
  readonly group: number;
  readonly item: number;
  readonly amount: number;
  readonly weight: number;
  readonly change: number;
}

export class Timeline {
  readonly grain: Grain;
  readonly #micros: number;
  #kept: number;
  readonly #tables = new Map<number, CellTable>();
  /** Ascending. */
  readonly #buckets: number[] = [];
  #newest: number;
  #recentBucket = -1;
  #recent: CellTable | null = null;
  /** Cells of the newest bucket when it was over, which the next may have too. */
  #expected = 0;
  /** Tables that have got a hash table since the newest bucket began; some of them twice. */
  #unclosed: CellTable[] = [];

  /** `newest`: the newest bucket that something happened in; -1 before. */
  constructor(grain: Grain, kept: number, newest: number) {
    this.grain = grain;
    this.#micros = GRAIN_MICROS[grain];
    this.#kept = kept;
    this.#newest = newest;
  }

  get newest(): number {
    return this.#newest;
  }

  /** The first bucket that is kept. */
  get oldest(): number {
    return this.#newest - this.#kept + 1;
  }

  /** Those that have a table, ascending. */
  get buckets(): readonly number[] {
    return this.#buckets;
  }

  get memoryBytes(): number {
    return this.all().reduce((sum, table) => sum + table.memoryBytes, 0);
  }

  /** Cells, some of them twice. */
  get size(): number {
    return this.all().reduce((sum, table) => sum + table.size, 0);
  }

  /** Keeps more or fewer from now on; returns what leaves. */
  keep(kept: number): readonly CellTable[] {
    this.#kept = kept;
    return this.#evict();
  }

  /** The bucket that a moment is in. */
  bucketOf(at: Micros): number {
    return Math.floor(at / this.#micros);
  }

  /** A bucket begins that is newer than all before: returns what leaves. */
  advance(bucket: number): readonly CellTable[] {
    this.#expected = Math.min(this.#tables.get(this.#newest)?.size ?? 0, OPEN_CELLS_MAX);
    this.#newest = bucket;
    for (const table of this.#unclosed) table.closed();
    this.#unclosed = [];
    return this.#evict();
  }

  /** Counts something in a bucket that is kept. `level`: of the table, if there is none yet. */
  add(bucket: number, level: number, { group, item, amount, weight, change }: Counted): void {
    const table = bucket === this.#recentBucket ? this.#recent! : this.#tableFor(bucket, level);
    if (!table.isOpen) this.#unclosed.push(table);
    table.add(group, item, amount, weight, bucket === this.#newest ? this.#expected : 0);
    table.changedAt = change;
  }

  /** Level of a bucket's table, or `level` if it has none. */
  levelOf(bucket: number, level: number): number {
    if (bucket === this.#recentBucket) return this.#recent!.level;
    return this.#tables.get(bucket)?.level ?? level;
  }

  /** Null where there is none. */
  table(bucket: number): CellTable | null {
    return this.#tables.get(bucket) ?? null;
  }

  /** Tables of buckets `from` to before `to`. */
  between(from: number, to: number): readonly NamedTable[] {
    const buckets = this.#buckets.slice(this.#place(from), this.#place(to));
    return buckets.map((bucket) => ({ bucket, table: this.#tables.get(bucket)! }));
  }

  all(): readonly CellTable[] {
    return this.#buckets.map((bucket) => this.#tables.get(bucket)!);
  }

  /** Puts a table of a checkpoint back, in any order. */
  restore(bucket: number, table: CellTable): void {
    this.#put(bucket, table);
  }

  /** Moves tables out of memory, oldest first, until so many bytes are free; returns how many are. */
  spill(order: SpillOrder, bytes: number, scratch: Scratch): number {
    const before = spilledBefore(this.#newest, this.grain, order);
    let freed = 0;
    for (const bucket of this.#buckets) {
      if (bucket >= before || freed >= bytes) break;
      freed += this.#tables.get(bucket)!.spill(scratch);
    }
    return freed;
  }

  /** Forgets tables that have no cells any more. */
  dropEmpty(): void {
    for (const bucket of [...this.#buckets]) {
      if (this.#tables.get(bucket)!.size > 0) continue;
      this.#buckets.splice(this.#place(bucket), 1);
      this.#forget(bucket);
    }
  }

  #tableFor(bucket: number, level: number): CellTable {
    const table = this.#tables.get(bucket) ?? this.#put(bucket, new CellTable(level));
    this.#recentBucket = bucket;
    this.#recent = table;
    return table;
  }

  #put(bucket: number, table: CellTable): CellTable {
    this.#tables.set(bucket, table);
    this.#buckets.splice(this.#place(bucket), 0, bucket);
    return table;
  }

  #evict(): readonly CellTable[] {
    const leaving = this.#place(this.oldest);
    if (leaving === 0) return NONE;
    return this.#buckets.splice(0, leaving).map((bucket) => this.#forget(bucket));
  }

  #forget(bucket: number): CellTable {
    const table = this.#tables.get(bucket)!;
    this.#tables.delete(bucket);
    if (this.#recentBucket === bucket) this.#recentBucket = -1;
    return table;
  }

  /** Place among the buckets of the first that is not before `bucket`. */
  #place(bucket: number): number {
    const buckets = this.#buckets;
    if (buckets.length === 0 || buckets.at(-1)! < bucket) return buckets.length;
    let low = 0;
    let high = buckets.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (buckets[middle]! < bucket) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
