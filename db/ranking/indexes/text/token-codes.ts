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
  out.reserve(end - from);
  const { array } = out;
  let count = out.count;
  let at = from;
  while (at < end) {
    let byte = bytes[at++]!;
    let value = byte & 0x7f;
    for (let shift = 7; byte > 0x7f && at < end; shift += 7) {
      byte = bytes[at++]!;
      value |= (byte & 0x7f) << shift;
    }
    array[count++] = value;
  }
  out.count = count;
}

/** The same, but only the words of one field, without its head; what is behind it is not read. */
export function readField(
  bytes: Uint8Array,
  from: number,
  end: number,
  attribute: number,
  out: GrowingU32,
): void {
  out.reserve(end - from);
  const { array } = out;
  let count = out.count;
  let isInField = false;
  let isHead = false;
  let at = from;
  while (at < end) {
    let byte = bytes[at++]!;
    let value = byte & 0x7f;
    for (let shift = 7; byte > 0x7f && at < end; shift += 7) {
      byte = bytes[at++]!;
      value |= (byte & 0x7f) << shift;
    }
    if (isHead) isInField = value === attribute;
    else if (value !== FIELD && isInField) array[count++] = value;
    else if (isInField) break;
    isHead = !isHead && value === FIELD;
  }
  out.count = count;
}

/** The words of one field, without its head. */
export function fieldIn(codes: Uint32Array, attribute: number): Uint32Array {
  let start = -1;
  for (let at = 0; at < codes.length; at++) {
    if (codes[at] !== FIELD) continue;
    if (start >= 0) return codes.subarray(start, at);
    at += 1;
    if (codes[at] === attribute) start = at + 1;
  }
  return start >= 0 ? codes.subarray(start) : codes.subarray(0, 0);
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
