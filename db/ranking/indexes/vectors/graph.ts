/**
 * A navigable graph over the rows of a slot, by which the nearest of very many are found in few comparisons. Source: Malkov and
 * Yashunin, "Efficient and robust approximate nearest neighbor search using Hierarchical Navigable Small World graphs" (2018).
 *
 * Nothing in it is left to chance: levels come from a hash of the number, ties go to the smaller number, and the kernels give
 * the same distances on every machine. So the same changes in the same order make the same graph.
 *
 * Rows whose entity has another vector now, or none, stay as ways to others. They are never found and never linked to anew;
 * when they have become many, `repair` leads the others around them, list by list.
 */
import { ROOM } from './arena.ts';
import { type Accept, BASE_LINKS, DISTANCES, GraphWalk, NEAR_MAX, NO_ROW, SAME_MOST } from './graph-walk.ts';
import type { LinkLists } from './link-lists.ts';
import { NearestRows } from './nearest-rows.ts';
import type { Position } from './position.ts';
import { levelsOf, type UpperLinks } from './upper-links.ts';
import { ROW, type VectorRows } from './vector-rows.ts';

/** Links that a new row makes on a level. */
const LINKS_NEW = 16;
/** Rows too near to each other would be left with one link; they keep so many. */
const LINKS_LEAST = 8;
/**
 * Nearest rows that a new row chooses its links from. 128 takes a third longer to build and finds no more, as measured on 40,000
 * vectors of 64 independent directions (0.9963 of the ten nearest with either; 0.994 with 64).
 */
const FOUND_BUILDING = 96;
/** Rows compared for one new row. Thousands of the same vector would be gone through each time. */
const COMPARED_BUILDING = 12_000;
const LIST = ROOM.list >>> 2;
const PLACES = ROOM.places >>> 2;

export class Graph {
  readonly #rows: VectorRows;
  readonly #walk: GraphWalk;
  #entry = NO_ROW;
  /** Level of the entry. */
  #top = NO_ROW;
  readonly #found = new NearestRows();
  readonly #sortedRows = new Uint32Array(NEAR_MAX);
  readonly #sortedDistances = new Float64Array(NEAR_MAX);
  readonly #chosen = new Uint32Array(BASE_LINKS);
  readonly #links = new Uint32Array(BASE_LINKS);

  constructor(rows: VectorRows, position: Position) {
    this.#rows = rows;
    this.#walk = new GraphWalk(rows, position);
  }

  /** Links of the ground level, by row. */
  get base(): LinkLists {
    return this.#walk.base;
  }

  get upper(): UpperLinks {
    return this.#walk.upper;
  }

  /** Memory that links take. */
  get bytes(): number {
    return this.base.bytes + this.upper.bytes;
  }

  /** Row that searches begin at; -1 while there is none. */
  get entry(): number {
    return this.#entry;
  }

  /**
   * Offers rows near to what lies at `query` to `found`, as far as they are accepted. False when it has compared `most` rows and
   * has not come to an end.
   */
  search(query: number, found: NearestRows, accept: Accept, most: number): boolean {
    if (this.#entry === NO_ROW) return true;
    return this.#walk.explore({
      query,
      start: this.#descend(query, 0),
      level: 0,
      found,
      accept,
      most,
      same: Number.NaN,
    });
  }

  /** Links a row that is held. */
  insert(row: number): void {
    const levels = this.#add(row);
    if (this.#entry === NO_ROW) {
      this.#enter(row, levels);
      return;
    }
    const query = this.#rows.address(row);
    const highest = Math.min(levels, this.#top);
    let start = this.#descend(query, highest);
    for (let level = highest; level >= 0; level--) {
      start = this.#findNear(row, start, level);
      const count = this.#choose(row, this.#takeFound(), LINKS_NEW);
      this.#links.set(this.#chosen.subarray(0, count));
      this.#walk.lists(level).write(this.#walk.list(row, level), this.#links, count);
      for (let at = 0; at < count; at++) this.#linkBack(this.#links[at]!, row, level);
    }
    if (levels > this.#top) this.#enter(row, levels);
  }

  /** Leads the links of a row around those that are condemned. False when it had none of them. */
  repair(row: number): boolean {
    let repaired = false;
    const levels = levelsOf(this.#rows.numbers[row]!);
    for (let level = 0; level <= levels; level++) {
      if (!this.#leadsToCondemned(row, level)) continue;
      repaired = true;
      let count = this.#gatherAround(row, level);
      if (count >= LINKS_LEAST) this.#sortNear(this.#rows.address(row), count);
      else {
        this.#findNear(row, this.#descend(this.#rows.address(row), level), level);
        count = this.#takeFound();
      }
      const lists = this.#walk.lists(level);
      lists.write(this.#walk.list(row, level), this.#chosen, this.#choose(row, count, lists.width));
    }
    return repaired;
  }

  /** Takes out a row that nothing links to; afterwards `elect` is due if it was the entry. */
  remove(row: number): void {
    this.base.clear(row);
    this.upper.close(row, levelsOf(this.#rows.numbers[row]!));
    this.#rows.flags[row]! &= ~ROW.linked;
  }

  /** Makes the highest of all linked rows the entry; of several the one with the smallest number. */
  elect(): void {
    const { rows, numbers, flags } = this.#rows;
    this.#enter(NO_ROW, NO_ROW);
    for (let row = 0; row < rows; row++) {
      if ((flags[row]! & ROW.linked) === 0) continue;
      const levels = levelsOf(numbers[row]!);
      const higher = levels > this.#top || (levels === this.#top && numbers[row]! < numbers[this.#entry]!);
      if (higher) this.#enter(row, levels);
    }
  }

  /** Goes on from a saved entry, whose lists and links are there. */
  restore(entry: number): void {
    this.#enter(entry, entry === NO_ROW ? NO_ROW : levelsOf(this.#rows.numbers[entry]!));
  }

  #enter(row: number, levels: number): void {
    this.#entry = row;
    this.#top = levels;
  }

  /** Gives a row its lists; returns its levels above the ground. */
  #add(row: number): number {
    const levels = levelsOf(this.#rows.numbers[row]!);
    this.base.reach(row);
    this.upper.open(row, levels);
    this.#rows.flags[row]! |= ROW.linked;
    return levels;
  }

  /** Row to begin at on a level. */
  #descend(query: number, level: number): number {
    return this.#walk.descend(query, this.#entry, this.#top, level);
  }

  /** Fills `#found` with what a new or repaired row may link to; returns the nearest row on the way, found or not. */
  #findNear(row: number, start: number, level: number): number {
    const { flags, numbers } = this.#rows;
    const query = this.#rows.address(row);
    this.#found.clear(FOUND_BUILDING, numbers);
    const accept = (other: number): boolean => (flags[other]! & ROW.held) !== 0 && other !== row;
    const same = this.#walk.distanceTo(query, row);
    this.#walk.explore({ query, start, level, found: this.#found, accept, most: COMPARED_BUILDING, same });
    return this.#walk.nearest;
  }

  #takeFound(): number {
    return this.#found.take(this.#sortedRows, this.#sortedDistances);
  }

  /** Adds a row to the links of another. A list that is full is chosen anew. */
  #linkBack(from: number, to: number, level: number): void {
    const lists = this.#walk.lists(level);
    const list = this.#walk.list(from, level);
    const words = lists.page(list);
    const start = lists.start(list);
    const count = words[start]!;
    if (count < lists.width) {
      const changing = lists.writable(list);
      changing[start + 1 + count] = to;
      changing[start] = count + 1;
      return;
    }
    const { flags } = this.#rows;
    let kept = 0;
    for (let at = start + 1; at <= start + count; at++)
      if ((flags[words[at]!]! & ROW.held) !== 0) this.#walk.near[kept++] = words[at]!;
    this.#walk.near[kept++] = to;
    if (kept <= lists.width) {
      lists.write(list, this.#walk.near, kept);
      return;
    }
    this.#sortNear(this.#rows.address(from), kept);
    lists.write(list, this.#chosen, this.#choose(from, kept, lists.width));
  }

  #leadsToCondemned(row: number, level: number): boolean {
    const { flags } = this.#rows;
    const count = this.#walk.gather(row, level);
    for (let each = 0; each < count; each++)
      if ((flags[this.#walk.near[each]!]! & ROW.condemned) !== 0) return true;
    return false;
  }

  /** Lays into `#near` the links of a row and, in place of those that are condemned, theirs. */
  #gatherAround(row: number, level: number): number {
    const { flags } = this.#rows;
    const walk = this.#walk;
    walk.begin();
    const direct = this.#links;
    const directCount = this.#walk.gather(row, level);
    direct.set(this.#walk.near.subarray(0, directCount));
    walk.sees(row);
    let count = 0;
    const add = (other: number): void => {
      if ((flags[other]! & ROW.held) !== 0 && walk.sees(other)) walk.near[count++] = other;
    };
    const lists = this.#walk.lists(level);
    for (let each = 0; each < directCount; each++) {
      const other = direct[each]!;
      add(other);
      if ((flags[other]! & ROW.condemned) === 0) continue;
      const list = this.#walk.list(other, level);
      const words = lists.page(list);
      const start = lists.start(list);
      for (let at = start + 1; at <= start + words[start]!; at++) add(words[at]!);
    }
    return count;
  }

  /** Sorts the first `count` of `#near` by their distance to what lies at `query`. */
  #sortNear(query: number, count: number): void {
    const distances = this.#walk.compareNear(query, count);
    const { numbers } = this.#rows;
    const [rows, sorted] = [this.#sortedRows, this.#sortedDistances];
    for (let each = 0; each < count; each++) {
      const row = this.#walk.near[each]!;
      const distance = distances[DISTANCES + each]!;
      let at = each;
      for (; at > 0; at--) {
        const before = sorted[at - 1]!;
        if (before < distance || (before === distance && numbers[rows[at - 1]!]! < numbers[row]!)) break;
        rows[at] = rows[at - 1]!;
        sorted[at] = before;
      }
      rows[at] = row;
      sorted[at] = distance;
    }
  }

  /** Chooses links of a row among the first `count` sorted ones: those that stand apart, and the nearest where these are few. */
  #choose(row: number, count: number, limit: number): number {
    const rows = this.#rows;
    const { words, floats } = rows.arena;
    const same = this.#walk.distanceTo(rows.address(row), row);
    let candidates = 0;
    for (let each = 0, sames = 0; each < count; each++) {
      const distance = this.#sortedDistances[each]!;
      if (distance === same && ++sames > SAME_MOST) continue;
      const candidate = this.#sortedRows[each]!;
      this.#sortedRows[candidates] = candidate;
      words[LIST + candidates] = rows.address(candidate);
      floats[DISTANCES + candidates] = distance;
      candidates += 1;
    }
    const apart = rows.choose(candidates, limit);
    for (let each = 0; each < apart; each++) this.#chosen[each] = this.#sortedRows[words[PLACES + each]!]!;
    let chosen = apart;
    for (let at = 0, next = 0; at < candidates && chosen < LINKS_LEAST; at++) {
      if (next < apart && words[PLACES + next] === at) next += 1;
      else this.#chosen[chosen++] = this.#sortedRows[at]!;
    }
    return chosen;
  }
}
