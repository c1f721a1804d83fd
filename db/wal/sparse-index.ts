/**
 * Finds the group of a sequence in a segment: for every 256th sequence, where the group that contains it begins. From
 * there a reader walks at most a group or a few. Lookup is one array access.
 */
import type { Sequence } from '../types.ts';

export const INDEX_STRIDE = 256;

export class SparseIndex {
  readonly first: Sequence;
  readonly #offsets: number[];

  constructor(first: Sequence, offsets: readonly number[] = []) {
    this.first = first;
    this.#offsets = [...offsets];
  }

  /** The group (or seal) that starts at `offset` ends with sequence `last`. Call in order, for each one. */
  note(last: Sequence, offset: number): void {
    while (this.first + this.#offsets.length * INDEX_STRIDE <= last) this.#offsets.push(offset);
  }

  /** Where a group begins that contains `sequence` or lies before it; null when it lies past what was noted. */
  offsetBefore(sequence: Sequence): number | null {
    return this.#offsets[Math.floor((sequence - this.first) / INDEX_STRIDE)] ?? null;
  }

  get offsets(): readonly number[] {
    return this.#offsets;
  }
}
