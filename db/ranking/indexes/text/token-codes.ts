/**
 * A document's words in their order, as numbers: what a phrase is looked up in, and from which postings can be made again.
 *
 *     0, attribute       a field begins
 *     1                  another value of it
 *     2 + 2 · word       a word of the vocabulary; + 1 when it lies over the words before it and has no place of its own
 *
 * In a segment they are bytes: seven bits each, the lowest first, the eighth says that more follow.
 */
import type { GrowingU8, GrowingU32 } from './growing.ts';

export const FIELD = 0;
export const BREAK = 1;
const WORD = 2;

export function codeOf(word: number, isOverlay: boolean): number {
  return word * 2 + WORD + (isOverlay ? 1 : 0);
}

export function wordOf(code: number): number {
  return (code - WORD) >>> 1;
}

export function isOverlay(code: number): boolean {
  return (code & 1) === 1;
}

export function writeCodes(codes: Uint32Array, out: GrowingU8): void {
  for (let at = 0; at < codes.length; at++) {
    let rest = codes[at]!;
    while (rest > 0x7f) {
      out.push((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    out.push(rest);
  }
}

/** Appends what `writeCodes` wrote from `from` to before `end`. */
export function readCodes(bytes: Uint8Array, from: number, end: number, out: GrowingU32): void {
  let at = from;
  while (at < end) {
    let byte = bytes[at++]!;
    let value = byte & 0x7f;
    for (let shift = 7; byte > 0x7f && at < end; shift += 7) {
      byte = bytes[at++]!;
      value |= (byte & 0x7f) << shift;
    }
    out.push(value >>> 0);
  }
}

/** Whether codes that were read are a document's: fields begin it, and every word is below `words`. */
export function areCodes(codes: Uint32Array, words: number): boolean {
  if (codes.length > 0 && codes[0] !== FIELD) return false;
  for (let at = 0; at < codes.length; at++) {
    const code = codes[at]!;
    if (code >= WORD && wordOf(code) >= words) return false;
    if (code === FIELD && ++at === codes.length) return false;
  }
  return true;
}

/** The codes of each field, by its attribute. */
export function fieldsOf(codes: Uint32Array): Map<number, Uint32Array> {
  const fields = new Map<number, Uint32Array>();
  let start = 0;
  for (let at = 0; at <= codes.length; at++) {
    const isEnd = at === codes.length || codes[at] === FIELD;
    if (!isEnd) continue;
    if (at > start) fields.set(codes[start + 1]!, codes.slice(start, at));
    start = at;
    // The attribute behind it may be 0 as well.
    at += 1;
  }
  return fields;
}
