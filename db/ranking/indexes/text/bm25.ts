/** BM25 over one frequency a document, all fields together by weight ("BM25F" with one length, as Lucene's combined fields). */
import { FREQUENCIES } from './frequency.ts';
import { type Postings, placeOf } from './shard.ts';
import { type Atom, B, K1 } from './text-plan.ts';

/** What the length of documents does to frequencies: `base` + `perEighth` · length is set against each. */
export interface Norm {
  readonly base: number;
  readonly perEighth: number;
}

/** From the length of all documents together, in eighths. */
export function normOf(documents: number, eighths: number): Norm {
  const perEighth = eighths === 0 ? 0 : (K1 * B * documents) / eighths;
  return { base: K1 * (1 - B), perEighth };
}

/** Of a frequency in units. */
export function saturated(frequency: number, length: number, norm: Norm): number {
  return ((K1 + 1) * frequency) / (frequency + norm.base + norm.perEighth * length);
}

/** A little more than any document of the postings can get. */
export function boundOf(weight: number, postings: Postings, norm: Norm): number {
  return weight * saturated(FREQUENCIES[postings.codeMost]!, postings.lengthLeast, norm) * (1 + 1e-9);
}

export function scoreOf(weight: number, code: number, length: number, norm: Norm): number {
  return weight * saturated(FREQUENCIES[code]!, length, norm);
}

/** Of one document, always added up in the same order; 0 where something is missing, or only what tells others apart is there. */
export function documentScore(
  atoms: readonly Atom[],
  postings: readonly (Postings | null)[],
  local: number,
  length: number,
  norm: Norm,
): number {
  let score = 0;
  let isFound = false;
  for (let index = 0; index < atoms.length; index++) {
    const { role, weight, isMinor } = atoms[index]!;
    const list = postings[index]!;
    const place = list === null ? -1 : placeOf(list, local);
    if ((role === 'must' && place < 0) || (role === 'not' && place >= 0)) return 0;
    if (place < 0) continue;
    score += scoreOf(weight, list!.codes[place]!, length, norm);
    if (!isMinor) isFound = true;
  }
  return isFound ? score : 0;
}
