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

export interface DocumentMatch {
  /** 0 where something is missing that must be there, or only what tells others apart is there. */
  readonly score: number;
  /** Atoms that the document has, without those that only tell others apart. */
  readonly majors: number;
}

const NO_MATCH: DocumentMatch = { score: 0, majors: 0 };

/** Of one document, always added up in the same order. */
export function documentMatch(
  atoms: readonly Atom[],
  postings: readonly (Postings | null)[],
  local: number,
  length: number,
  norm: Norm,
): DocumentMatch {
  let score = 0;
  let majors = 0;
  for (let index = 0; index < atoms.length; index++) {
    const { role, weight, isMinor } = atoms[index]!;
    const list = postings[index]!;
    const place = list === null ? -1 : placeOf(list, local);
    if ((role === 'must' && place < 0) || (role === 'not' && place >= 0)) return NO_MATCH;
    if (place < 0) continue;
    score += scoreOf(weight, list!.codes[place]!, length, norm);
    if (!isMinor) majors += 1;
  }
  return majors > 0 ? { score, majors } : NO_MATCH;
}
