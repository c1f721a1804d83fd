/**
 * Builds a run from cells in order. Cells are gathered in columns that are used again and again, so that nothing but the run
 * itself is made: one is built after the other, never two at once.
 */
import { CellRun, LARGE_COUNT, type RunShape, runBytes } from './cell-run.ts';

const ROOM_FIRST = 1024;
/** Columns of more cells than that are given back. */
const ROOM_KEPT = 1 << 20;

class Columns {
  readonly items: Uint32Array;
  readonly counts: Uint8Array;
  readonly weights: Float64Array;
  readonly groups: Uint32Array;
  readonly starts: Uint32Array;

  constructor(room: number) {
    this.items = new Uint32Array(room);
    this.counts = new Uint8Array(room);
    this.weights = new Float64Array(room);
    this.groups = new Uint32Array(room);
    this.starts = new Uint32Array(room);
  }
}

let kept = new Columns(ROOM_FIRST);

export class RunBuilder {
  readonly #columns: Columns;
  readonly #unit: number | null;
  readonly #largeAt: number[] = [];
  readonly #large: number[] = [];
  #size = 0;
  #groups = 0;

  /** `unit`: the weight of every event, or null where they differ. */
  constructor(cellsMax: number, unit: number | null) {
    this.#columns = columnsFor(cellsMax);
    this.#unit = unit;
  }

  get size(): number {
    return this.#size;
  }

  /** Begins the next group; one that gets no cell is left out. */
  begin(group: number): void {
    const { groups, starts } = this.#columns;
    if (this.#groups > 0 && starts[this.#groups - 1] === this.#size) this.#groups -= 1;
    groups[this.#groups] = group;
    starts[this.#groups] = this.#size;
    this.#groups += 1;
  }

  add(item: number, count: number, weight: number): void {
    const at = this.#size++;
    const { items, counts, weights } = this.#columns;
    items[at] = item;
    weights[at] = weight;
    if (count < LARGE_COUNT) counts[at] = count;
    else this.#addLarge(at, count);
  }

  /** What was added; there is some. */
  finish(): CellRun {
    if (this.#columns.starts[this.#groups - 1] === this.#size) this.#groups -= 1;
    const shape: RunShape = {
      size: this.#size,
      groups: this.#groups,
      large: this.#large.length,
      unit: this.#unit,
    };
    const run = new CellRun(shape, new ArrayBuffer(runBytes(shape)));
    const { items, counts, weights, groups, starts } = this.#columns;
    if (this.#unit === null) run.weights.set(weights.subarray(0, this.#size));
    run.groups.set(groups.subarray(0, this.#groups));
    run.starts.set(starts.subarray(0, this.#groups));
    run.starts[this.#groups] = this.#size;
    run.items.set(items.subarray(0, this.#size));
    run.largeAt.set(this.#largeAt);
    run.large.set(this.#large);
    run.counts.set(counts.subarray(0, this.#size));
    return run;
  }

  #addLarge(at: number, count: number): void {
    this.#columns.counts[at] = LARGE_COUNT;
    this.#largeAt.push(at);
    this.#large.push(count);
  }
}

function columnsFor(cells: number): Columns {
  if (cells <= kept.items.length) return kept;
  const columns = new Columns(Math.max(cells, kept.items.length * 2));
  if (columns.items.length <= ROOM_KEPT) kept = columns;
  return columns;
}
