/** A segment as bytes of a checkpoint. Its states are elsewhere: they change, and this does not. */
import { GrowingU32 } from './growing.ts';
import type { PartReader, PartWriter } from './part-bytes.ts';
import type { SegmentContent } from './segment.ts';
import { SHARD_DOCUMENTS_MAX } from './shard.ts';
import { areCodes, readCodes } from './token-codes.ts';

export function writeSegment(content: SegmentContent, to: PartWriter): void {
  to.column(content.numbers);
  to.column(content.lengths);
  to.column(content.tokenStarts);
  to.column(content.titleStarts);
  to.column(content.terms);
  to.column(content.postingStarts);
  to.column(content.tokenBytes);
  to.column(content.titleBytes);
  to.column(content.codes);
  to.raw(content.docs);
}

/** `words`: how many the vocabulary has. Errors: CORRUPT. */
export function readSegment(from: PartReader, words: number): SegmentContent {
  const numbers = from.words();
  const lengths = from.words();
  const tokenStarts = from.words();
  const titleStarts = from.words();
  const terms = from.words();
  const postingStarts = from.words();
  const tokenBytes = from.bytes();
  const titleBytes = from.bytes();
  const codes = from.bytes();
  const docs = new Uint16Array(from.raw(codes.length * Uint16Array.BYTES_PER_ELEMENT).buffer);
  from.end();
  const check = (holds: boolean, problem: string): void => {
    if (!holds) throw from.corrupt(problem);
  };
  const documents = numbers.length;
  check(documents > 0 && documents <= SHARD_DOCUMENTS_MAX, `has a segment of ${documents} documents`);
  check(isAscending(numbers), 'has documents out of order');
  check(lengths.length === documents, 'has lengths of other documents');
  check(isCut(tokenStarts, documents, tokenBytes.length), 'has words of other documents');
  check(isCut(titleStarts, documents, titleBytes.length), 'has titles of other documents');
  check(isAscending(terms) && (terms.at(-1) ?? 0) < Math.max(1, words), 'has terms that are no words');
  check(isCut(postingStarts, terms.length, docs.length), 'has postings of other terms');
  check(arePostings(postingStarts, docs, documents), 'has postings out of order');
  check(haveWords(tokenStarts, tokenBytes, words), 'has words that are none');
  return {
    ...{ numbers, lengths, tokenStarts, tokenBytes, titleStarts, titleBytes },
    ...{ terms, postingStarts, docs, codes },
  };
}

function isAscending(values: Uint32Array): boolean {
  for (let at = 1; at < values.length; at++) if (values[at]! <= values[at - 1]!) return false;
  return true;
}

/** Starts of `count` pieces that together are `length` long. */
function isCut(starts: Uint32Array, count: number, length: number): boolean {
  if (starts.length !== count + 1 || starts[0] !== 0 || starts[count] !== length) return false;
  for (let at = 1; at < starts.length; at++) if (starts[at]! < starts[at - 1]!) return false;
  return true;
}

function arePostings(starts: Uint32Array, docs: Uint16Array, documents: number): boolean {
  for (let term = 0; term + 1 < starts.length; term++) {
    let last = -1;
    for (let at = starts[term]!; at < starts[term + 1]!; at++) {
      if (docs[at]! <= last || docs[at]! >= documents) return false;
      last = docs[at]!;
    }
  }
  return true;
}

function haveWords(starts: Uint32Array, bytes: Uint8Array, words: number): boolean {
  const codes = new GrowingU32();
  for (let local = 0; local + 1 < starts.length; local++) {
    codes.count = 0;
    readCodes(bytes, starts[local]!, starts[local + 1]!, codes);
    if (!areCodes(codes.values, words)) return false;
  }
  return true;
}
