/**
 * How often a term is in a document, each time counted by the weight of its field: in eighths as a whole number, so that sums
 * are exact, and as one byte in the postings. Up to 127 eighths the byte is exact; beyond it keeps four bits behind the first,
 * which BM25, flat by then, does not tell apart.
 */

export const EIGHTHS = 8;

const EXACT_CODES = 128;
const EXACT_BITS = 7;
const EIGHTHS_MAX = 0x7fff;

export function frequencyCode(eighths: number): number {
  if (eighths < EXACT_CODES) return eighths;
  const size = Math.min(eighths, EIGHTHS_MAX);
  const octave = 31 - Math.clz32(size) - EXACT_BITS;
  return EXACT_CODES + (octave << 4) + (size >>> (octave + 3)) - 16;
}

/** The other way; of what was rounded, the least. */
export function eighthsOf(code: number): number {
  if (code < EXACT_CODES) return code;
  const rest = code - EXACT_CODES;
  return (16 + (rest & 15)) << ((rest >>> 4) + 3);
}

/** By code, in units. */
export const FREQUENCIES: Float64Array = Float64Array.from(
  { length: 256 },
  (_, code) => eighthsOf(code) / EIGHTHS,
);
