/**
 * All cells of one bucket of time. New ones go to a small hash table that becomes a sorted run when it is full, and runs become
 * one when they are of a size, so a cell is moved a few times in all and most of them lie packed. How the cells are spread is
 * nobody's business: sums, digests and answers are those of all of them together.
 */
import type { Scratch } from '../../materializer/index.ts';
import type { CellRun } from './cell-run.ts';
import { KeptRun } from './kept-run.ts';
import { OpenCells } from './open-cells.ts';
import { mergeRuns, selectCells } from './run-merge.ts';

/** Cells of the hash table at most: small enough to stay in the processor's cache. */
export const OPEN_CELLS_MAX = 4_096;
/** A run is merged into the one before it when that is not this many times larger. */
const RUN_RATIO = 2;
/** Of a table: counts of a higher level would not fit. */
export const LEVEL_MAX = 24;

export class CellTable {
  #open: OpenCells | null = null;
  #runs: KeptRun[];
  /** Number of the change that was the last one to it, among all of its owner's. */
  changedAt: number;
  /** Only every 2^level-th cell is kept, chosen by hash and counted 2^level times. */
  #level: number;

  constructor(level: number) {
    this.#runs = [];
    this.changedAt = 0;
    this.#level = level;
  }

  static restored(level: number, changedAt: number, runs: readonly CellRun[]): CellTable {
    const table = new CellTable(level);
    table.changedAt = changedAt;
    table.#runs = runs.map((run) => new KeptRun(run));
    return table;
  }

  get level(): number {
    return this.#level;
  }

  get isOpen(): boolean {
    return this.#open !== null;
  }

  /** Cells, some of them twice where they lie in several runs. */
  get size(): number {
    return this.#runs.reduce((sum, run) => sum + run.size, this.#open?.size ?? 0);
  }

  get memoryBytes(): number {
    return this.#runs.reduce((sum, run) => sum + run.memoryBytes, this.#open?.memoryBytes ?? 0);
  }

  /** Of its cells, whether in memory or spilled. */
  get bytes(): number {
    return this.#runs.reduce((sum, run) => sum + run.bytes, this.#open?.memoryBytes ?? 0);
  }

  get largestCount(): number {
    return this.closed().reduce((largest, run) => Math.max(largest, run.largestCount), 0);
  }

  /** Counts events of one weight. `expected`: how many cells may come before the hash table becomes a run. */
  add(group: number, item: number, amount: number, weight: number, expected: number): void {
    this.#open ??= OpenCells.begin(weight, expected);
    this.#open.add(group, item, amount, weight);
    if (this.#open.size >= OPEN_CELLS_MAX) this.#close();
  }

  /** Takes the cells of another one over. */
  absorb(runs: readonly KeptRun[]): void {
    for (const run of runs) this.#push(run);
  }

  /** What is in the hash table. */
  get open(): OpenCells | null {
    return this.#open;
  }

  /** What is in runs. */
  get runs(): readonly KeptRun[] {
    return this.#runs;
  }

  /** All cells, as runs. They never change, so they can be handed out. */
  closed(): readonly KeptRun[] {
    if (this.#open !== null) this.#close();
    return this.#runs;
  }

  /** All cells in one run; there are some. */
  compacted(): KeptRun {
    while (this.closed().length > 1) this.#mergeLast();
    return this.#runs[0]!;
  }

  /** Keeps only the cells that a test lets through, and counts them twice as often. */
  thin(isKept: (group: number, item: number) => boolean): void {
    const thinned = selectCells(this.compacted().cells, 2, isKept);
    this.#runs = thinned === null ? [] : [new KeptRun(thinned)];
    this.#level += 1;
  }

  /** Moves its cells out of memory; returns how many bytes were freed. More may still be added: those stay in memory. */
  spill(scratch: Scratch): number {
    const before = this.memoryBytes;
    // One piece is better than several, but what was spilled before is not read again for it.
    if (this.closed().length > 1 && this.#runs.every((run) => !run.isSpilled)) this.compacted();
    for (const run of this.#runs) run.spill(scratch);
    return before - this.memoryBytes;
  }

  #close(): void {
    const run = new KeptRun(this.#open!.intoRun());
    this.#open = null;
    this.#push(run);
  }

  #push(run: KeptRun): void {
    this.#runs.push(run);
    const runs = this.#runs;
    while (runs.length > 1 && runs.at(-2)!.size <= runs.at(-1)!.size * RUN_RATIO) this.#mergeLast();
  }

  #mergeLast(): void {
    const last = this.#runs.pop()!;
    this.#runs.push(new KeptRun(mergeRuns(this.#runs.pop()!.cells, last.cells)));
  }
}
