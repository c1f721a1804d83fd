/**
 * Ways through a graph of rows: to the nearest links, level by level, and from row to row until nothing nearer is left. It reads
 * the links and remembers, for the length of one walk, where it has been.
 */
import { ROOM } from './arena.ts';
import { LinkLists } from './link-lists.ts';
import type { NearestRows } from './nearest-rows.ts';
import type { Position } from './position.ts';
import { RowHeap } from './row-heap.ts';
import { UpperLinks } from './upper-links.ts';
import type { VectorRows } from './vector-rows.ts';

/** Links that a row has on the ground level at most. */
export const BASE_LINKS = 32;
/** Of rows with the very same vector no more are looked at: they would keep everything else out of view. */
export const SAME_MOST = 8;
/** Rows whose distances are asked for together: a list, or the lists of a list. */
export const NEAR_MAX = (BASE_LINKS + 1) * BASE_LINKS + 1;
export const NO_ROW = -1;
const STAMPS_MAX = 0xffff;
const LIST = ROOM.list >>> 2;
/** Where distances begin among the floats of the arena. */
export const DISTANCES = ROOM.distances >>> 2;

export type Accept = (row: number) => boolean;

export interface Exploration {
  /** Address of what is looked for. */
  readonly query: number;
  /** Row it begins at. */
  readonly start: number;
  readonly level: number;
  /** Takes what is accepted. */
  readonly found: NearestRows;
  readonly accept: Accept;
  /** Rows to compare at most, about. */
  readonly most: number;
  /** Distance of a vector that is the same as what is looked for; NaN where these may be found like any others. */
  readonly same: number;
}

export class GraphWalk {
  /** Links of the ground level, by row. */
  readonly base: LinkLists;
  readonly upper: UpperLinks;
  /** Rows gathered last. */
  readonly near = new Uint32Array(NEAR_MAX);
  readonly #rows: VectorRows;
  /** By row: the walk that has seen it last. */
  #visited = new Uint16Array(0);
  #stamp = 0;
  #nearest = NO_ROW;
  readonly #open = new RowHeap('nearest');

  constructor(rows: VectorRows, position: Position) {
    this.#rows = rows;
    this.base = new LinkLists(BASE_LINKS, position);
    this.upper = new UpperLinks(position);
  }

  /** Of the last exploration: the nearest row it saw, found or not. */
  get nearest(): number {
    return this.#nearest;
  }

  lists(level: number): LinkLists {
    return level === 0 ? this.base : this.upper.lists;
  }

  /** Of a row, among the lists of a level. */
  list(row: number, level: number): number {
    return level === 0 ? row : this.upper.list(row, level);
  }

  /** Goes down from a row on the level `top`, always to the nearest link, to the level above `level`. */
  descend(query: number, entry: number, top: number, level: number): number {
    let at = entry;
    let distance = this.distanceTo(query, at);
    for (let from = top; from > level; from--) {
      for (let before = NO_ROW; before !== at; ) {
        before = at;
        const count = this.gather(at, from);
        const distances = this.compareNear(query, count);
        for (let each = 0; each < count; each++) {
          if (distances[DISTANCES + each]! >= distance) continue;
          distance = distances[DISTANCES + each]!;
          at = this.near[each]!;
        }
      }
    }
    return at;
  }

  /** Goes from row to row, always from the nearest not left yet. False when `most` rows were compared before the end. */
  explore({ query, start, level, found, accept, most, same }: Exploration): boolean {
    const stamp = this.#nextStamp();
    const open = this.#open;
    let least = this.distanceTo(query, start);
    let compared = 1;
    let sames = 0;
    this.#nearest = start;
    this.#visited[start] = stamp;
    open.clear(this.#rows.numbers);
    open.push(least, start);
    if (accept(start)) found.offer(least, start);
    while (open.size > 0 && open.distance <= found.bound) {
      if (compared > most) return false;
      const from = open.row;
      open.pop();
      const count = this.#gatherUnseen(from, level, stamp);
      const distances = this.compareNear(query, count);
      compared += count;
      for (let each = 0; each < count; each++) {
        const distance = distances[DISTANCES + each]!;
        const row = this.near[each]!;
        if (!found.wants(distance, row)) continue;
        open.push(distance, row);
        if (distance < least) {
          least = distance;
          this.#nearest = row;
        }
        if (distance === same) sames += 1;
        if ((distance !== same || sames <= SAME_MOST) && accept(row)) found.offer(distance, row);
      }
    }
    return true;
  }

  distanceTo(query: number, row: number): number {
    this.near[0] = row;
    return this.compareNear(query, 1)[DISTANCES]!;
  }

  /** Distances from a query to the first `count` of `near`; they begin at `DISTANCES`. */
  compareNear(query: number, count: number): Float32Array {
    const rows = this.#rows;
    const { words, floats } = rows.arena;
    for (let each = 0; each < count; each++) words[LIST + each] = rows.address(this.near[each]!);
    rows.compare(query, count);
    return floats;
  }

  /** Lays the links of a row into `near`. */
  gather(row: number, level: number): number {
    const lists = this.lists(level);
    const list = this.list(row, level);
    const words = lists.page(list);
    const start = lists.start(list);
    const count = words[start]!;
    for (let each = 0; each < count; each++) this.near[each] = words[start + 1 + each]!;
    return count;
  }

  /** The same with those only that this search has not seen. */
  #gatherUnseen(row: number, level: number, stamp: number): number {
    const lists = this.lists(level);
    const list = this.list(row, level);
    const words = lists.page(list);
    const end = lists.start(list) + 1 + words[lists.start(list)]!;
    const visited = this.#visited;
    let count = 0;
    for (let at = lists.start(list) + 1; at < end; at++) {
      const other = words[at]!;
      if (visited[other] === stamp) continue;
      visited[other] = stamp;
      this.near[count++] = other;
    }
    return count;
  }

  /** Begins a walk: it has seen nothing yet. */
  begin(): void {
    this.#nextStamp();
  }

  /** Whether this walk sees a row for the first time. */
  sees(row: number): boolean {
    if (this.#visited[row] === this.#stamp) return false;
    this.#visited[row] = this.#stamp;
    return true;
  }

  #nextStamp(): number {
    if (this.#visited.length < this.#rows.rows) {
      const visited = new Uint16Array(Math.max(this.#rows.rows, this.#visited.length * 2));
      visited.set(this.#visited);
      this.#visited = visited;
    }
    if (this.#stamp === STAMPS_MAX) {
      this.#visited.fill(0);
      this.#stamp = 0;
    }
    this.#stamp += 1;
    return this.#stamp;
  }
}
