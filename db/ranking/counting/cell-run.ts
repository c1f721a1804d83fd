/**
 * Cells that do not change any more, in order of group and item: about five bytes each, in one piece of memory. Groups are tuples
 * of users for cohorts, and always 0 where nothing is told apart. Counts are bytes, and the few that do not fit lie in a list of
 * their own. Weights take memory only where they differ: as long as all events of a run have the same, it is the run's unit.
 */
import { createHash } from 'node:crypto';

/** Counts from here on lie in the list of large ones. */
export const LARGE_COUNT = 255;

/** How many there are of everything; it says where each column lies. */
export interface RunShape {
  readonly size: number;
  readonly groups: number;
  /** Cells with a large count. */
  readonly large: number;
  /** Weight of every event, or null where they differ and each cell has its sum. */
  readonly unit: number | null;
}

export class CellRun {
  readonly shape: RunShape;
  /** All columns, one behind the other. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Sums of weights; empty where there is a unit. */
  readonly weights: Float64Array;
  /** Ascending. */
  readonly groups: Uint32Array;
  /** Where the cells of each group begin; behind the last, where they end. */
  readonly starts: Uint32Array;
  /** Ascending within a group. */
  readonly items: Uint32Array;
  /** Places of large counts, ascending, and the counts. */
  readonly largeAt: Uint32Array;
  readonly large: Uint32Array;
  /** 255: in the list of large ones. */
  readonly counts: Uint8Array;
  readonly #unit: number;
  readonly #hasUnit: boolean;
  #digest: Uint8Array | null = null;

  constructor(shape: RunShape, buffer: ArrayBuffer) {
    const { size, groups, large, unit } = shape;
    this.shape = shape;
    this.bytes = new Uint8Array(buffer);
    this.#hasUnit = unit !== null;
    this.#unit = unit ?? 0;
    let at = 0;
    const words = (length: number): Uint32Array => {
      const column = new Uint32Array(buffer, at, length);
      at += column.byteLength;
      return column;
    };
    this.weights = new Float64Array(buffer, 0, unit === null ? size : 0);
    at += this.weights.byteLength;
    this.groups = words(groups);
    this.starts = words(groups + 1);
    this.items = words(size);
    this.largeAt = words(large);
    this.large = words(large);
    this.counts = new Uint8Array(buffer, at, size);
  }

  get size(): number {
    return this.items.length;
  }

  get memoryBytes(): number {
    return this.bytes.byteLength;
  }

  /** The largest count of a cell. */
  get largestCount(): number {
    let largest = 0;
    for (const count of this.large.length > 0 ? this.large : this.counts)
      if (count > largest) largest = count;
    return largest;
  }

  countAt(cell: number): number {
    const count = this.counts[cell]!;
    return count < LARGE_COUNT ? count : this.large[lowerBound(this.largeAt, cell)]!;
  }

  weightAt(cell: number): number {
    return this.#hasUnit ? this.countAt(cell) * this.#unit : this.weights[cell]!;
  }

  /** Place of a group in `groups`, or where it would be. */
  placeOf(group: number): number {
    return lowerBound(this.groups, group);
  }

  /** Over everything that is in it. */
  digest(): Uint8Array {
    this.#digest ??= digestOf(this);
    return this.#digest;
  }
}

/** Bytes of all columns. */
export function runBytes({ size, groups, large, unit }: RunShape): number {
  return size * (5 + (unit === null ? 8 : 0)) + (2 * groups + 1 + 2 * large) * Uint32Array.BYTES_PER_ELEMENT;
}

/** Whether everything is in order, as it is in every run that was built. */
export function isSound(run: CellRun): boolean {
  return run.size > 0 && run.weights.every(Number.isFinite) && areGroupsSound(run) && areCountsSound(run);
}

function areGroupsSound({ groups, starts, items }: CellRun): boolean {
  if (starts[0] !== 0 || starts.at(-1) !== items.length) return false;
  for (let at = 0; at < groups.length; at++) {
    if (at > 0 && groups[at]! <= groups[at - 1]!) return false;
    const end = starts[at + 1]!;
    if (end <= starts[at]! || end > items.length || items[starts[at]!] === 0) return false;
    for (let cell = starts[at]! + 1; cell < end; cell++) if (items[cell]! <= items[cell - 1]!) return false;
  }
  return true;
}

function areCountsSound({ counts, largeAt, large }: CellRun): boolean {
  let next = 0;
  for (let cell = 0; cell < counts.length; cell++) {
    if (counts[cell] === 0) return false;
    if (counts[cell] !== LARGE_COUNT) continue;
    if (largeAt[next] !== cell || large[next]! < LARGE_COUNT) return false;
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

function digestOf({ shape, bytes }: CellRun): Uint8Array {
  const { size, groups, large, unit } = shape;
  const head = Float64Array.of(size, groups, large, unit === null ? 0 : 1, unit ?? 0);
  return createHash('sha256').update(new Uint8Array(head.buffer)).update(bytes).digest();
}
