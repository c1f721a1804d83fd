/** A run of a table: its cells in memory, or in scratch files, from where they are read each time they are asked for. */
import type { Scratch, ScratchPiece } from '../../materializer/index.ts';
import { CellRun, type RunShape, runBytes } from './cell-run.ts';

/** Of a run that is spilled: what is remembered of it, about. */
const SPILLED_BYTES = 400;

export class KeptRun {
  readonly shape: RunShape;
  /** Null: it is spilled. */
  #run: CellRun | null;
  #piece: ScratchPiece | null = null;
  #digest: Uint8Array | null = null;
  #largestCount: number | null = null;

  constructor(run: CellRun) {
    this.shape = run.shape;
    this.#run = run;
  }

  get size(): number {
    return this.shape.size;
  }

  /** Of the cells, wherever they are. */
  get bytes(): number {
    return runBytes(this.shape);
  }

  get isSpilled(): boolean {
    return this.#run === null;
  }

  get memoryBytes(): number {
    return this.#run === null ? SPILLED_BYTES : this.bytes;
  }

  /** Not to be kept longer than they are needed. Errors: IO, CORRUPT, where they are spilled. */
  get cells(): CellRun {
    return this.#run ?? new CellRun(this.shape, this.#piece!.read().buffer);
  }

  get largestCount(): number {
    this.#largestCount ??= this.cells.largestCount;
    return this.#largestCount;
  }

  digest(): Uint8Array {
    this.#digest ??= this.cells.digest();
    return this.#digest;
  }

  /** Gives its memory back; returns how many bytes that were. */
  spill(scratch: Scratch): number {
    const run = this.#run;
    if (run === null || this.bytes < scratch.bytesLeast) return 0;
    const piece = scratch.put(run.bytes);
    if (piece === null) return 0;
    // Digests want all of them, and estimates want their largest count: neither shall have to read them again.
    this.digest();
    this.#largestCount ??= run.largestCount;
    this.#piece = piece;
    this.#run = null;
    return this.bytes - SPILLED_BYTES;
  }
}
