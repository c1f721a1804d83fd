/**
 * Links above the ground level of a graph, which one row in sixteen has: its lists, one a level, lie behind each other.
 * How high a row reaches is a hash of its number, never chance: the same entities make the same graph.
 */
import { LinkLists } from './link-lists.ts';
import type { Position } from './position.ts';

const UPPER_LINKS = 16;
export const LEVELS_MAX = 8;
const ROWS_FIRST = 64;

/** Levels above the ground: one with a probability of 1/16, two with 1/256 … Sixteen is the number of links, as HNSW wants it. */
export function levelsOf(number: number): number {
  let hash = number ^ 0x9e37_79b9;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
  return Math.clz32(hash ^ (hash >>> 16)) >>> 2;
}

/** Everything but the pages of the lists. */
export interface SavedUpper {
  /** By row: its first list + 1, or 0. */
  readonly firsts: Uint32Array;
  /** Lists that are or were in use. */
  readonly end: number;
  /** By number of levels less one: first lists of rows that have gone. */
  readonly free: readonly (readonly number[])[];
}

export class UpperLinks {
  readonly lists: LinkLists;
  #firsts = new Uint32Array(ROWS_FIRST);
  #end = 0;
  #free: number[][] = Array.from({ length: LEVELS_MAX }, () => []);

  constructor(position: Position) {
    this.lists = new LinkLists(UPPER_LINKS, position);
  }

  /** Memory taken. */
  get bytes(): number {
    return this.lists.bytes + this.#firsts.byteLength;
  }

  /** List of a row on a level from 1 to as many as it has. */
  list(row: number, level: number): number {
    return this.#firsts[row]! + level - 2;
  }

  /** Gives a row empty lists. */
  open(row: number, levels: number): void {
    if (row >= this.#firsts.length) {
      const firsts = new Uint32Array(Math.max(row + 1, this.#firsts.length * 2));
      firsts.set(this.#firsts);
      this.#firsts = firsts;
    }
    if (levels === 0) return;
    const first = this.#free[levels - 1]!.pop() ?? this.#reach(levels);
    this.#firsts[row] = first + 1;
  }

  close(row: number, levels: number): void {
    if (levels === 0) return;
    const first = this.#firsts[row]! - 1;
    for (let list = first; list < first + levels; list++) this.lists.clear(list);
    this.#free[levels - 1]!.push(first);
    this.#firsts[row] = 0;
  }

  /** Of the first `rows` rows. */
  save(rows: number): SavedUpper {
    const firsts = new Uint32Array(rows);
    firsts.set(this.#firsts.subarray(0, rows));
    return { firsts, end: this.#end, free: this.#free.map((stack) => stack.slice()) };
  }

  /** Takes over what was saved and checked; the pages of the lists come on their own. */
  restore({ firsts, end, free }: SavedUpper): void {
    this.#firsts = firsts.slice();
    this.#end = end;
    this.#free = free.map((stack) => stack.slice());
  }

  #reach(levels: number): number {
    const first = this.#end;
    this.#end += levels;
    this.lists.reach(this.#end - 1);
    return first;
  }
}
