/** A part of an index that is searched by itself: some documents, numbered from 0 within it. */

/** What may be done with a document. */
export const STATE = Object.freeze({
  /** Taken away, or written again elsewhere. */
  dead: 0,
  /** Found, but not suggested. */
  hidden: 1,
  shown: 2,
});

/** Documents that have something, ascending, and how often (frequency.ts). */
export interface Postings {
  readonly docs: Uint16Array;
  readonly codes: Uint8Array;
  readonly count: number;
  /** Bounds for what any of them can score. */
  readonly codeMost: number;
  readonly lengthLeast: number;
}

export interface Shard {
  /** Dead ones too. */
  readonly count: number;
  readonly states: Uint8Array;
  /** In eighths. */
  readonly lengths: Uint32Array;
  readonly numbers: Uint32Array;
  /** Null: no document has the term. Side by side with `terms`. */
  postings(terms: readonly number[]): (Postings | null)[];
  /** Its words (token-codes.ts), valid until the next call. */
  tokens(local: number): Uint32Array;
  /** Those of one field, without its head; valid until the next call. */
  field(local: number, attribute: number): Uint32Array;
  title(local: number): string;
}

/** More documents do not fit: their numbers within a shard are of 16 bits. */
export const SHARD_DOCUMENTS_MAX = 0x1_0000;

/** Place of a document among the postings, or -1. */
export function placeOf(postings: Postings, local: number): number {
  const { docs } = postings;
  let low = 0;
  let high = postings.count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (docs[middle]! < local) low = middle + 1;
    else high = middle;
  }
  return low < postings.count && docs[low] === local ? low : -1;
}
