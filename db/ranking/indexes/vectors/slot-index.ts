/** The vectors of one slot of a kind, by number: held, compared, and the nearest of them found. */
import type { NumberSet } from '../../reading.ts';
import type { EmbeddingSlot } from '../../schema/model.ts';
import { type Arenas, LIST_ROWS, ROOM } from './arena.ts';
import type { Accept } from './graph-walk.ts';
import { Linking, type LinkingLimits } from './linking.ts';
import { NearestRows } from './nearest-rows.ts';
import type { Position } from './position.ts';
import type { HashSeed } from './row-hashes.ts';
import { Scan } from './scan.ts';
import { ROW, VectorRows } from './vector-rows.ts';

/** What is found: nearest first. */
export interface Found {
  readonly items: Uint32Array;
  readonly scores: Float64Array;
}

const NOTHING: Found = Object.freeze({ items: new Uint32Array(0), scores: new Float64Array(0) });

/** Rows that a search of the graph keeps in view: the more, the less it misses. */
const FOUND_LEAST = 64;
/** Beside those that are asked for. */
const FOUND_MORE = 32;
/**
 * A search of the graph compares so many rows, counted as if they lay side by side, for each that it keeps in view, times the
 * share of rows that do not fit. As measured: at 60,000 rows both ways take the same time where one in eight fits.
 */
const COST_OF_SEARCH = 16;
/** A search that has compared so many goes on at least. */
const COMPARED_LEAST = 4_096;

const LIST = ROOM.list >>> 2;
const DISTANCES = ROOM.distances >>> 2;

/** For one search at a time: they are over before anything else begins. */
const found = new NearestRows();
let foundRows = new Uint32Array(LIST_ROWS);
let foundDistances = new Float64Array(LIST_ROWS);

export class SlotIndex {
  readonly rows: VectorRows;
  /** Null where vectors move all the time: there is no graph then. */
  readonly linking: Linking | null;

  constructor(
    slot: EmbeddingSlot,
    options: {
      readonly arenas: Arenas;
      readonly seed: HashSeed;
      readonly position: Position;
      readonly linking: LinkingLimits | null;
    },
  ) {
    const { arenas, seed, position, linking } = options;
    this.rows = new VectorRows(slot, arenas, seed, position);
    this.linking = linking === null ? null : new Linking(this.rows, linking, position);
  }

  /** Memory taken. */
  get bytes(): number {
    return this.rows.bytes + (this.linking?.bytes ?? 0);
  }

  /** Gives a number a vector, in place of the one it had. Without a direction where it needs one, it has none afterwards. */
  set(number: number, values: ArrayLike<number>, active: boolean): void {
    const { rows, linking } = this;
    let row = rows.rowOf(number);
    // The graph was made for the vector that is there: it keeps it until it is swept.
    if (row >= 0 && (rows.flags[row]! & ROW.linked) !== 0) {
      this.remove(number);
      row = -1;
    }
    if (row >= 0) {
      if (!rows.write(row, values)) this.remove(number);
      return;
    }
    row = rows.take(number, active);
    const written = rows.write(row, values);
    linking?.added(row);
    if (!written) this.remove(number);
  }

  remove(number: number): void {
    const row = this.rows.rowOf(number);
    if (row < 0) return;
    this.rows.drop(row);
    if (this.linking === null) this.rows.release(row);
    else this.linking.dropped(row);
  }

  setActive(number: number, active: boolean): void {
    const row = this.rows.rowOf(number);
    if (row >= 0) this.rows.setActive(row, active);
  }

  /** Null where there is none; where it lies, until the next allocation. */
  vector(number: number): Float32Array | null {
    const row = this.rows.rowOf(number);
    return row < 0 ? null : this.rows.floats(row);
  }

  /** An entity without a vector is as near as one that has zeros only. */
  similarity(query: Float32Array, targets: Uint32Array, count: number, out: Float64Array): void {
    const { rows } = this;
    const address = rows.prepare(query);
    const { words, floats } = rows.arena;
    for (let from = 0; from < count; from += LIST_ROWS) {
      const batch = Math.min(LIST_ROWS, count - from);
      for (let each = 0; each < batch; each++) {
        const row = rows.rowOf(targets[from + each]!);
        words[LIST + each] = row < 0 ? ROOM.zeros : rows.address(row);
      }
      rows.compare(address, batch);
      for (let each = 0; each < batch; each++) out[from + each] = 0 - floats[DISTANCES + each]!;
    }
  }

  nearest(query: Float32Array, limit: number, within: NumberSet | null): Found {
    const { rows } = this;
    const candidates = within === null ? rows.active : Math.min(within.size, rows.held);
    const wanted = Math.min(limit, candidates);
    if (wanted < 1) return NOTHING;
    const address = rows.prepare(query);
    const inView = Math.max(FOUND_LEAST, wanted + FOUND_MORE);
    if (!this.#searchGraph(address, inView, candidates, within)) {
      found.clear(wanted, rows.numbers);
      this.#scanAll(address, within);
    }
    return this.#takeFound(wanted);
  }

  /** False where comparing all candidates is better, or turned out to be. */
  #searchGraph(address: number, inView: number, candidates: number, within: NumberSet | null): boolean {
    const linked = this.linking?.linked ?? 0;
    if (candidates * candidates <= inView * COST_OF_SEARCH * linked || linked === 0) return false;
    const accept = this.#acceptOf(within);
    found.clear(inView, this.rows.numbers);
    const most = Math.max(COMPARED_LEAST, candidates);
    if (!this.linking!.graph.search(address, found, accept, most)) return false;
    const scan = new Scan(this.rows, address, found);
    for (const row of this.linking!.waiting) if (accept(row)) scan.add(row);
    scan.end();
    return true;
  }

  #acceptOf(within: NumberSet | null): Accept {
    const { flags, numbers } = this.rows;
    const active = ROW.held | ROW.active;
    if (within === null) return (row) => (flags[row]! & active) === active;
    return (row) => (flags[row]! & ROW.held) !== 0 && within.has(numbers[row]!);
  }

  #scanAll(address: number, within: NumberSet | null): void {
    const { rows } = this;
    const scan = new Scan(rows, address, found);
    // The smaller side is gone through.
    if (within !== null && within.size < rows.rows) {
      for (const number of within.toArray()) {
        const row = rows.rowOf(number);
        if (row >= 0) scan.add(row);
      }
    } else {
      const accept = this.#acceptOf(within);
      for (let row = 0; row < rows.rows; row++) if (accept(row)) scan.add(row);
    }
    scan.end();
  }

  #takeFound(wanted: number): Found {
    if (found.size > foundRows.length) {
      foundRows = new Uint32Array(found.size);
      foundDistances = new Float64Array(found.size);
    }
    const count = Math.min(wanted, found.take(foundRows, foundDistances));
    const items = new Uint32Array(count);
    const scores = new Float64Array(count);
    for (let at = 0; at < count; at++) {
      items[at] = this.rows.numbers[foundRows[at]!]!;
      scores[at] = 0 - foundDistances[at]!;
    }
    return { items, scores };
  }
}
