/**
 * Sums over one window by item, kept up to date with every event, and the best items by them. It stands at one end of the
 * window; to stand at a later one it takes off the buckets that leave and adds those that come. Everything in it can be found
 * again from the tables, and sums are exact, so it makes no difference whether it was kept, moved or made anew.
 */
import type { Best, Ranking } from './best.ts';
import type { CellRun } from './cell-run.ts';
import type { CellTable } from './cell-table.ts';
import type { GroupSet } from './group-set.ts';
import { Leaders, type Ranked } from './leaders.ts';
import type { NamedTable } from './timeline.ts';
import { ValuePages } from './value-pages.ts';
import type { Grain, WindowShape } from './window.ts';

/** `acceleration`: events in the window less those in the window before it. */
export type BoardMeasure = 'count' | 'weight' | 'acceleration';

export interface BoardRequest {
  readonly measure: BoardMeasure;
  readonly window: WindowShape;
  /** The bucket behind the window; 0 where the window is everything. */
  readonly end: number;
  /** Null: all, where nothing is told apart. */
  readonly groups: GroupSet | null;
}

/** Where the cells lie. */
export interface CellSource {
  /** Tables of buckets `from` to before `to`. */
  tables(grain: Grain, from: number, to: number): Iterable<NamedTable>;
  /** Whether tables of the bucket and all later ones are there, as far as something happened in them. */
  reachesBackTo(grain: Grain, bucket: number): boolean;
}

/** The window that has no end: everything there is. */
export const EVERYTHING: WindowShape = Object.freeze({
  grain: 'day',
  buckets: Number.POSITIVE_INFINITY,
  hours: Number.POSITIVE_INFINITY,
});

export class Board implements Ranked {
  readonly measure: BoardMeasure;
  readonly window: WindowShape;
  #end: number;
  #groups: GroupSet | null;
  readonly #values = new ValuePages();
  readonly #leaders = new Leaders(this);

  constructor({ measure, window, end, groups }: BoardRequest) {
    this.measure = measure;
    this.window = window;
    this.#end = end;
    this.#groups = groups;
  }

  get end(): number {
    return this.#end;
  }

  /** The first bucket that it depends on. */
  get begin(): number {
    return this.#end - this.window.buckets * (this.measure === 'acceleration' ? 2 : 1);
  }

  get groups(): GroupSet | null {
    return this.#groups;
  }

  get memoryBytes(): number {
    return this.#values.memoryBytes + this.#leaders.memoryBytes;
  }

  value(item: number): number {
    return this.#values.get(item);
  }

  /** Values of many, divided by `per`. */
  read(targets: Uint32Array, count: number, per: number, out: Float64Array): void {
    for (let at = 0; at < count; at++) out[at] = this.value(targets[at]!) / per;
  }

  top(limit: number): Ranking {
    return this.#leaders.top(limit);
  }

  offerAll(best: Best): void {
    this.#values.offerAll(best);
  }

  /** Nobody asks it any more: gives back its memory. */
  release(): void {
    this.#values.release();
  }

  /** An event has happened. */
  feed(bucket: number, group: number, item: number, amount: number, weight: number): void {
    const factor = this.#factorOf(bucket);
    if (factor === 0 || (this.#groups !== null && !this.#groups.has(group))) return;
    this.#change(item, factor * (this.measure === 'weight' ? weight * amount : amount));
  }

  /** Adds everything up; once, before anything else. */
  fill(source: CellSource): void {
    this.#addWindow(source, 1, this.#groups);
  }

  /** Moves to a later end, by less than the window is long. */
  moveTo(end: number, source: CellSource): void {
    const { buckets } = this.window;
    const from = this.#end;
    this.#end = end;
    this.#add(source, from, end, 1, this.#groups);
    if (this.measure === 'acceleration') {
      // What leaves the window comes into the one before it, which loses as much at its own beginning.
      this.#add(source, from - buckets, end - buckets, -2, this.#groups);
      this.#add(source, from - 2 * buckets, end - 2 * buckets, 1, this.#groups);
    } else {
      this.#add(source, from - buckets, end - buckets, -1, this.#groups);
    }
  }

  /** Counts other groups from now on. */
  regroup(groups: GroupSet, source: CellSource): void {
    const before = this.#groups!;
    this.#groups = groups;
    this.#addWindow(source, 1, groups.without(before));
    this.#addWindow(source, -1, before.without(groups));
  }

  #addWindow(source: CellSource, factor: number, groups: GroupSet | null): void {
    if (groups !== null && groups.numbers.length === 0) return;
    const end = this.#end;
    const { buckets } = this.window;
    if (buckets === Number.POSITIVE_INFINITY) {
      this.#add(source, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, factor, groups);
      return;
    }
    this.#add(source, end - buckets, end, factor, groups);
    if (this.measure === 'acceleration') this.#add(source, end - 2 * buckets, end - buckets, -factor, groups);
  }

  #add(source: CellSource, from: number, to: number, factor: number, groups: GroupSet | null): void {
    for (const { table } of source.tables(this.window.grain, from, to)) this.#addTable(table, factor, groups);
  }

  #addTable(table: CellTable, factor: number, groups: GroupSet | null): void {
    const weighs = this.measure === 'weight';
    for (const run of table.runs) this.#addRun(run.cells, factor, groups);
    table.open?.forEach((group, item, count, weight) => {
      if (groups === null || groups.has(group)) this.#change(item, factor * (weighs ? weight : count));
    });
  }

  #addRun(run: CellRun, factor: number, groups: GroupSet | null): void {
    if (groups === null) {
      this.#addCells(run, 0, run.size, factor);
      return;
    }
    if (groups.numbers.length < run.groups.length / 8) {
      for (const group of groups.numbers) {
        const place = run.placeOf(group);
        if (run.groups[place] === group)
          this.#addCells(run, run.starts[place]!, run.starts[place + 1]!, factor);
      }
      return;
    }
    for (let place = 0; place < run.groups.length; place++) {
      if (groups.has(run.groups[place]!))
        this.#addCells(run, run.starts[place]!, run.starts[place + 1]!, factor);
    }
  }

  #addCells(run: CellRun, from: number, to: number, factor: number): void {
    const { items } = run;
    if (this.measure === 'weight') {
      for (let cell = from; cell < to; cell++) this.#change(items[cell]!, factor * run.weightAt(cell));
    } else {
      for (let cell = from; cell < to; cell++) this.#change(items[cell]!, factor * run.countAt(cell));
    }
  }

  #change(item: number, change: number): void {
    this.#leaders.moved(item, this.#values.add(item, change));
  }

  /** How an event of the bucket counts: 1 in the window, -1 in the one before where that matters. */
  #factorOf(bucket: number): number {
    const { buckets } = this.window;
    if (buckets === Number.POSITIVE_INFINITY) return 1;
    if (bucket >= this.#end) return 0;
    if (bucket >= this.#end - buckets) return 1;
    return this.measure === 'acceleration' && bucket >= this.#end - 2 * buckets ? -1 : 0;
  }
}
