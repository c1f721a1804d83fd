/**
 * What views may take of the machine's memory, all of them that say how much they do. It looks while commits are applied and
 * checkpoints are read: when most of the budget is used, views move what they seldom read to scratch files; when all of it is,
 * what was made for answers is dropped; and when that is not enough, whoever writes is told. Nothing of it is in any view's
 * content: machines with other budgets have the same views.
 */
import type { Materializer, MemoryUse, Scratch } from './materializer.ts';

/** Bytes of commits and checkpoints between two looks. */
const BYTES_PER_LOOK = 1 << 20;
/** Spilling begins at this share of the budget, so that little has to be spilled at once. */
const SPILL_FROM = 7 / 8;
/** Spilled in one look at most, unless the budget is exceeded. */
const BYTES_AT_ONCE = 32 << 20;
/** Refused writes between two looks where spilling does not work: somebody may have made room on the disk. */
const REFUSALS_PER_LOOK = 256;

export interface MemoryStatus extends MemoryUse {
  /** Bytes of memory that views may take; null: as many as there are. */
  readonly budget: number | null;
  /** Bytes that lie in scratch files instead of in memory. */
  readonly spilled: number;
  /** Why nothing can be spilled, or null. */
  readonly problem: string | null;
}

/** Scratch files as the budget sees them. */
export interface ScratchStore extends Scratch {
  /** Bytes that somebody may still read. */
  readonly bytes: number;
  /** Why the last piece could not be written, or null. */
  readonly problem: string | null;
  /** Removes everything. */
  clear(): void;
}

export interface MemoryBudgetOptions {
  /** Null: no bounds. */
  readonly bytesMax: number | null;
  /** Null: nothing can be spilled. */
  readonly scratch: ScratchStore | null;
}

export class MemoryBudget {
  readonly #bytesMax: number | null;
  readonly scratch: ScratchStore | null;
  #views: () => readonly Materializer[] = () => [];
  #unlooked = 0;
  #refusals = 0;
  #isExceeded = false;

  constructor({ bytesMax, scratch }: MemoryBudgetOptions) {
    this.#bytesMax = bytesMax;
    this.scratch = scratch;
  }

  /** Whose memory it is about. */
  watch(views: () => readonly Materializer[]): void {
    this.#views = views;
  }

  /** Views have taken so many bytes in, or are about to: they have grown in some proportion to that. */
  taken(bytes: number): void {
    if (this.#bytesMax === null) return;
    this.#unlooked += bytes;
    if (this.#unlooked >= BYTES_PER_LOOK) this.look();
  }

  /** Sees what views take now, and does something about it. */
  look(): void {
    if (this.#bytesMax !== null) this.#look(this.#bytesMax);
  }

  /** Whether views keep more than they may, and nothing more can be done about it. */
  get isExceeded(): boolean {
    if (this.#bytesMax === null || !this.#isExceeded) return false;
    this.#refusals += 1;
    // What was taken since, or the disk, may have changed it.
    if (this.#unlooked > 0 || this.#refusals >= REFUSALS_PER_LOOK) this.#look(this.#bytesMax);
    return this.#isExceeded;
  }

  status(): MemoryStatus {
    return {
      ...this.#use(),
      budget: this.#bytesMax,
      spilled: this.scratch?.bytes ?? 0,
      problem: this.scratch?.problem ?? null,
    };
  }

  #look(bytesMax: number): void {
    this.#unlooked = 0;
    this.#refusals = 0;
    let { kept, ready } = this.#use();
    const most = Math.floor(bytesMax * SPILL_FROM);
    if (kept + ready > most) {
      this.#spill(
        kept + ready > bytesMax ? kept + ready - most : Math.min(kept + ready - most, BYTES_AT_ONCE),
      );
      ({ kept, ready } = this.#use());
    }
    if (kept + ready > bytesMax && ready > 0) for (const view of this.#views()) view.dropReady?.();
    this.#isExceeded = kept > bytesMax;
  }

  #spill(bytes: number): void {
    if (this.scratch === null) return;
    let wanted = bytes;
    for (const view of this.#views()) {
      if (wanted > 0) wanted -= view.spill?.(wanted) ?? 0;
    }
  }

  #use(): MemoryUse {
    let kept = 0;
    let ready = 0;
    for (const view of this.#views()) {
      const use = view.memory?.();
      kept += use?.kept ?? 0;
      ready += use?.ready ?? 0;
    }
    return { kept, ready };
  }
}
