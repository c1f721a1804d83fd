/**
 * Cells that do not change any more, in order of group and item: about five bytes each. Groups are tuples of users for cohorts,
 * and always 0 where nothing is told apart. Counts are bytes, and the few that do not fit lie in a list of their own. Weights
 * take memory only where they differ: as long as all events of a run have the same, it is the run's unit.
 */
import { createHash } from 'node:crypto';

/** Counts from here on lie in the list of large ones. */
const LARGE = 255;

export interface CellColumns {
  /** Ascending. */
  readonly groups: Uint32Array;
  /** Where the cells of each group begin; behind the last, where they end. */
  readonly starts: Uint32Array;
  /** Ascending within a group. */
  readonly items: Uint32Array;
  /** 255: in the list of large ones. */
  readonly counts: Uint8Array;
  /** Places of large counts, ascending, and the counts. */
  readonly largeAt: Uint32Array;
  readonly large: Uint32Array;
  /** Sum of the weights of each cell; null: its count times the unit. */
  readonly weights: Float64Array | null;
  readonly unit: number;
}

export class CellRun {
  readonly columns: CellColumns;
  readonly items: Uint32Array;
  readonly groups: Uint32Array;
  readonly starts: Uint32Array;
  readonly #counts: Uint8Array;
  readonly #weights: Float64Array | null;
  readonly #unit: number;
  #digest: Uint8Array | null = null;

  constructor(columns: CellColumns) {
    this.columns = columns;
    this.items = columns.items;
    this.groups = columns.groups;
    this.starts = columns.starts;
    this.#counts = columns.counts;
    this.#weights = columns.weights;
    this.#unit = columns.unit;
  }

  get size(): number {
    return this.items.length;
  }

  get memoryBytes(): number {
    const { groups, starts, items, counts, largeAt, large, weights } = this.columns;
    const lists = groups.byteLength + starts.byteLength + largeAt.byteLength + large.byteLength;
    return lists + items.byteLength + counts.byteLength + (weights?.byteLength ?? 0);
  }

  /** The largest count of a cell. */
  get largestCount(): number {
    const list = this.columns.large.length > 0 ? this.columns.large : this.#counts;
    let largest = 0;
    for (const count of list) if (count > largest) largest = count;
    return largest;
  }

  countAt(cell: number): number {
    const count = this.#counts[cell]!;
    return count < LARGE ? count : this.#largeCount(cell);
  }

  weightAt(cell: number): number {
    return this.#weights === null ? this.countAt(cell) * this.#unit : this.#weights[cell]!;
  }

  /** Place of a group in `groups`, or where it would be. */
  placeOf(group: number): number {
    return lowerBound(this.groups, group);
  }

  /** Over everything that is in it. */
  digest(): Uint8Array {
    this.#digest ??= digestOf(this.columns);
    return this.#digest;
  }

  #largeCount(cell: number): number {
    return this.columns.large[lowerBound(this.columns.largeAt, cell)]!;
  }
}

/** Builds a run from cells in order. */
export class RunBuilder {
  readonly #items: Uint32Array;
  readonly #counts: Uint8Array;
  readonly #weights: Float64Array | null;
  readonly #unit: number;
  readonly #groups: number[] = [];
  readonly #starts: number[] = [];
  readonly #largeAt: number[] = [];
  readonly #large: number[] = [];
  #size = 0;

  /** `unit`: the weight of every event, or null where they differ. */
  constructor(cellsMax: number, unit: number | null) {
    this.#items = new Uint32Array(cellsMax);
    this.#counts = new Uint8Array(cellsMax);
    this.#weights = unit === null ? new Float64Array(cellsMax) : null;
    this.#unit = unit ?? 0;
  }

  /** Begins the next group. */
  begin(group: number): void {
    this.#groups.push(group);
    this.#starts.push(this.#size);
  }

  add(item: number, count: number, weight: number): void {
    const at = this.#size++;
    this.#items[at] = item;
    if (count < LARGE) this.#counts[at] = count;
    else this.#addLarge(at, count);
    if (this.#weights !== null) this.#weights[at] = weight;
  }

  finish(): CellRun {
    const size = this.#size;
    this.#dropEmptyGroups();
    return new CellRun({
      groups: Uint32Array.from(this.#groups),
      starts: Uint32Array.from([...this.#starts, size]),
      items: this.#items.slice(0, size),
      counts: this.#counts.slice(0, size),
      largeAt: Uint32Array.from(this.#largeAt),
      large: Uint32Array.from(this.#large),
      weights: this.#weights?.slice(0, size) ?? null,
      unit: this.#unit,
    });
  }

  #addLarge(at: number, count: number): void {
    this.#counts[at] = LARGE;
    this.#largeAt.push(at);
    this.#large.push(count);
  }

  /** Groups that were begun and got no cell. */
  #dropEmptyGroups(): void {
    let kept = 0;
    for (let at = 0; at < this.#groups.length; at++) {
      const end = this.#starts[at + 1] ?? this.#size;
      if (this.#starts[at] === end) continue;
      this.#groups[kept] = this.#groups[at]!;
      this.#starts[kept] = this.#starts[at]!;
      kept += 1;
    }
    this.#groups.length = kept;
    this.#starts.length = kept;
  }
}

/** Whether the columns are those of a run: in order, and of one length. */
export function areColumns(columns: CellColumns): boolean {
  const { groups, starts, items, counts, largeAt, large, weights } = columns;
  if (items.length === 0 || counts.length !== items.length || largeAt.length !== large.length) return false;
  if (weights !== null && (weights.length !== items.length || !weights.every(Number.isFinite))) return false;
  if (starts.length !== groups.length + 1 || starts[0] !== 0 || starts.at(-1) !== items.length) return false;
  return areGroupsInOrder(columns) && areCountsRight(columns) && Number.isFinite(columns.unit);
}

function areGroupsInOrder({ groups, starts, items }: CellColumns): boolean {
  for (let at = 0; at < groups.length; at++) {
    if (at > 0 && groups[at]! <= groups[at - 1]!) return false;
    const end = starts[at + 1]!;
    if (end <= starts[at]! || end > items.length || items[starts[at]!] === 0) return false;
    for (let cell = starts[at]! + 1; cell < end; cell++) if (items[cell]! <= items[cell - 1]!) return false;
  }
  return true;
}

function areCountsRight({ counts, largeAt, large }: CellColumns): boolean {
  let next = 0;
  for (let cell = 0; cell < counts.length; cell++) {
    if (counts[cell] === 0) return false;
    if (counts[cell] !== LARGE) continue;
    if (largeAt[next] !== cell || large[next]! < LARGE) return false;
    next += 1;
  }
  return next === large.length;
}

/** First place in an ascending list that is not below `value`. */
function lowerBound(list: Uint32Array, value: number): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (list[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function digestOf({ groups, starts, items, counts, large, weights, unit }: CellColumns): Uint8Array {
  const digest = createHash('sha256');
  for (const column of [
    Float64Array.of(groups.length, items.length, unit),
    groups,
    starts,
    items,
    counts,
    large,
  ])
    digest.update(bytesOf(column));
  if (weights !== null) digest.update(bytesOf(weights));
  return digest.digest();
}

/** As they lie in memory: little-endian on every machine this runs on. */
function bytesOf({ buffer, byteOffset, byteLength }: Float64Array | Uint32Array | Uint8Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
