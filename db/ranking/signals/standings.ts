/**
 * How the items of one signal stand: sums over windows, scores, totals, and the best by each, found from the ledger when they
 * are first asked for and then kept up to date with every event. Nothing of it is state: no digest and no checkpoint knows of it.
 */
import {
  type Board,
  type BoardMeasure,
  BoardShelf,
  type CellSource,
  endOf,
  Leaders,
  type Ranking,
  type WindowShape,
} from '../counting/index.ts';
import type { Micros } from '../ground.ts';
import type { ItemTotals, TotalsMeasure } from './item-totals.ts';
import { LinearBoard, type LinearShape } from './linear-board.ts';

/** Memory for boards of a signal: seven of a million items. */
const BOARDS_BYTES_MAX = 64 * 1024 * 1024;
const EACH_ONCE = Float64Array.of(1, 1, 1);

export class Standings {
  readonly #source: CellSource;
  readonly #totals: ItemTotals;
  readonly #shelf: BoardShelf;
  /** As far as they were asked for. */
  readonly #leaders: { readonly measure: TotalsMeasure; readonly leaders: Leaders }[] = [];
  #linear: LinearBoard | null = null;

  constructor(source: CellSource, totals: ItemTotals) {
    this.#source = source;
    this.#totals = totals;
    this.#shelf = new BoardShelf(source, BOARDS_BYTES_MAX);
  }

  get memoryBytes(): number {
    let bytes = this.#shelf.memoryBytes + (this.#linear?.memoryBytes ?? 0);
    for (const { leaders } of this.#leaders) bytes += leaders.memoryBytes;
    return bytes;
  }

  /** Totals of an item have changed. */
  totalsMoved(item: number): void {
    for (const { measure, leaders } of this.#leaders)
      leaders.moved(item, this.#totals.measure(measure, item));
  }

  /** An event was counted in its bucket of each grain. */
  counted(buckets: Float64Array, item: number, weight: number): void {
    this.#shelf.feed(buckets, EACH_ONCE, 0, item, weight);
  }

  /** The same for scores that fall linearly. */
  aged(bucket: number, item: number, weight: number): void {
    this.#linear?.feed(bucket, item, weight);
  }

  /** Values of all items have changed. */
  valuesScaled(): void {
    for (const { measure, leaders } of this.#leaders) if (measure === 'value') leaders.forget();
  }

  /** What is counted, and how, has changed. */
  clear(): void {
    this.#shelf.clear();
    this.#leaders.length = 0;
    this.#linear = null;
  }

  board(measure: BoardMeasure, window: WindowShape, now: Micros): Board {
    return this.#shelf.board({ measure, window, end: endOf(now, window.grain), groups: null });
  }

  linear(shape: LinearShape, now: Micros): LinearBoard {
    const end = endOf(now, shape.grain);
    const board = this.#linear;
    if (board === null || !board.reaches(end, this.#source)) {
      this.#linear = new LinearBoard(shape, end, this.#source);
      return this.#linear;
    }
    if (board.end !== end) board.moveTo(end, this.#source);
    return board;
  }

  /** The best by their totals. */
  leading(measure: TotalsMeasure, limit: number): Ranking {
    const known = this.#leaders.find((each) => each.measure === measure);
    return (known?.leaders ?? this.#lead(measure)).top(limit);
  }

  #lead(measure: TotalsMeasure): Leaders {
    const totals = this.#totals;
    const leaders = new Leaders({
      value: (item) => totals.measure(measure, item),
      offerAll: (best) => totals.offerAll(measure, best),
    });
    this.#leaders.push({ measure, leaders });
    return leaders;
  }
}
