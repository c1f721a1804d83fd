/**
 * When rows enter the graph of a slot and leave it. There is no graph until there are so many rows that comparing all of them
 * takes long. Rows that come wait in a queue and are linked in steps that the log allots; until then a search compares them
 * one by one, so it misses none. Rows that go stay in the graph as ways; when they are a fifth of it, a sweep over all rows,
 * in steps too, leads the links around them, and then they are free. All of it counts changes; none of it knows of time.
 */
import { Graph } from './graph.ts';
import type { Position } from './position.ts';
import { RowQueue } from './row-queue.ts';
import { ROW, type VectorRows } from './vector-rows.ts';

export interface LinkingLimits {
  /** A slot with so many vectors gets a graph, and keeps it. */
  readonly graphFrom: number;
  /** Fewer rows that have gone are not swept. */
  readonly sweptFrom: number;
}

/** Of all rows in the graph, the share that may be of no use: one in so many. */
const GONE_SHARE = 5;
/** Rows that a sweep looks at in the time it takes to link one. */
const SWEPT_A_STEP = 16;
const NOT_SWEEPING = -1;

/** What a checkpoint keeps, beside flags and the links themselves. */
export interface SavedLinking {
  readonly queue: Uint32Array;
  readonly built: boolean;
  /** Row that a sweep looks at next; -1: none is under way. */
  readonly cursor: number;
  readonly entry: number;
}

export class Linking {
  readonly graph: Graph;
  readonly #rows: VectorRows;
  readonly #limits: LinkingLimits;
  readonly #queue = new RowQueue();
  #built = false;
  #linked = 0;
  /** Linked ones that nobody has any more. */
  #gone = 0;
  /** Queued ones that nobody has any more. */
  #stale = 0;
  #cursor = NOT_SWEEPING;

  constructor(rows: VectorRows, limits: LinkingLimits, position: Position) {
    this.#rows = rows;
    this.#limits = limits;
    this.graph = new Graph(rows, position);
  }

  /** Memory that the graph and the queue take. */
  get bytes(): number {
    return this.graph.bytes + this.#queue.bytes;
  }

  /** Rows that can be found by the graph. */
  get linked(): number {
    return this.#linked - this.#gone;
  }

  /** Rows that wait; of no order that means anything to others. */
  get waiting(): Uint32Array {
    return this.#queue.view();
  }

  /** Steps that are left to do, about. */
  get due(): number {
    if (!this.#built && this.#rows.held < this.#limits.graphFrom) return 0;
    const swept = this.#cursor === NOT_SWEEPING ? 0 : this.#rows.rows - this.#cursor;
    return this.#queue.size + Math.ceil(swept / SWEPT_A_STEP);
  }

  /** A row was filled for the first time. */
  added(row: number): void {
    this.#rows.flags[row]! |= ROW.queued;
    this.#queue.push(row);
  }

  /** A row was dropped; it is freed when nothing needs it. */
  dropped(row: number): void {
    if ((this.#rows.flags[row]! & ROW.linked) !== 0) {
      this.#gone += 1;
      if (this.#gone === this.#linked) this.#clear();
      return;
    }
    this.#stale += 1;
    if (this.#stale > this.#limits.sweptFrom && this.#stale * 2 > this.#queue.size) this.#forgetStale();
  }

  /** Does work worth linking so many rows. */
  advance(steps: number): void {
    if (!this.#built && this.#rows.held < this.#limits.graphFrom) return;
    this.#built = true;
    let left = steps;
    while (left > 0 && this.#queue.size > 0) {
      const row = this.#queue.shift();
      if (!this.#leaveQueue(row)) continue;
      this.graph.insert(row);
      this.#linked += 1;
      left -= 1;
    }
    if (left > 0) this.#sweep(left * SWEPT_A_STEP);
  }

  save(): SavedLinking {
    return {
      ...{ queue: this.#queue.view().slice(), built: this.#built, cursor: this.#cursor },
      entry: this.graph.entry,
    };
  }

  /** Rows, their flags and the links have been restored and checked. */
  restore({ queue, built, cursor, entry }: SavedLinking): void {
    const { rows, flags } = this.#rows;
    for (const row of queue) this.#queue.push(row);
    for (let row = 0; row < rows; row++) {
      const held = (flags[row]! & ROW.held) !== 0;
      if ((flags[row]! & ROW.queued) !== 0 && !held) this.#stale += 1;
      if ((flags[row]! & ROW.linked) === 0) continue;
      this.#linked += 1;
      if (!held) this.#gone += 1;
    }
    this.#built = built;
    this.#cursor = cursor;
    this.graph.restore(entry);
  }

  /** Whether the row is still wanted; else it is free now. */
  #leaveQueue(row: number): boolean {
    this.#rows.flags[row]! &= ~ROW.queued;
    if ((this.#rows.flags[row]! & ROW.held) !== 0) return true;
    this.#stale -= 1;
    this.#rows.release(row);
    return false;
  }

  #forgetStale(): void {
    const { flags } = this.#rows;
    this.#queue.keep((row) => (flags[row]! & ROW.held) !== 0 || this.#leaveQueue(row));
  }

  /** Looks at so many rows. */
  #sweep(count: number): void {
    if (this.#cursor === NOT_SWEEPING && !this.#beginSweep()) return;
    const { flags } = this.#rows;
    let left = count;
    while (left > 0 && this.#cursor < this.#rows.rows) {
      const row = this.#cursor++;
      left -= 1;
      const state = flags[row]! & (ROW.linked | ROW.condemned);
      // A row that has to be linked anew costs about as much as a new one.
      if (state === ROW.linked && this.graph.repair(row)) left -= 4;
    }
    if (this.#cursor >= this.#rows.rows) this.#endSweep();
  }

  #beginSweep(): boolean {
    if (this.#gone < this.#limits.sweptFrom || this.#gone * GONE_SHARE < this.#linked) return false;
    const { rows, flags } = this.#rows;
    for (let row = 0; row < rows; row++)
      if ((flags[row]! & (ROW.linked | ROW.held)) === ROW.linked) flags[row]! |= ROW.condemned;
    this.#cursor = 0;
    return true;
  }

  #endSweep(): void {
    this.#cursor = NOT_SWEEPING;
    const { rows, flags } = this.#rows;
    const { entry } = this.graph;
    for (let row = 0; row < rows; row++) if ((flags[row]! & ROW.condemned) !== 0) this.#unlink(row);
    if ((flags[entry]! & ROW.linked) === 0) this.graph.elect();
  }

  #unlink(row: number): void {
    this.graph.remove(row);
    this.#rows.release(row);
    this.#linked -= 1;
    this.#gone -= 1;
  }

  /** Nothing in the graph is held: all of it can go at once. */
  #clear(): void {
    this.#cursor = NOT_SWEEPING;
    const { rows, flags } = this.#rows;
    for (let row = 0; row < rows; row++) if ((flags[row]! & ROW.linked) !== 0) this.#unlink(row);
    this.graph.elect();
  }
}
