/**
 * A query with its words looked up: what is asked of each part of the index, and what each answer is worth. Weights are those
 * of BM25 (Robertson and Walker 1994, with Lucene's logarithm, which is never negative), times how often the query says it.
 */
import type { Role } from './text-query.ts';

/** BM25: how fast more of a term stops to matter, and how much the length of a document does. */
export const K1 = 1.2;
export const B = 0.75;

export interface Atom {
  readonly role: Role;
  /** `union`: any of several. `phrase`: all of them, one behind the other. */
  readonly form: 'term' | 'union' | 'phrase';
  /** Places in the plan's terms. Empty: nothing has it. */
  readonly terms: readonly number[];
  readonly weight: number;
  /** Only tells apart what others have found. */
  readonly isMinor: boolean;
}

/** A word of the query that is looked for by itself, in the order of the query. */
export interface PlanWord {
  /** Place in the plan's terms. */
  readonly term: number;
  /** As it was typed, in the vocabulary, or NO_WORD. */
  readonly word: number;
  readonly weight: number;
  /** Counts all words of the query. */
  readonly position: number;
  readonly isMinor: boolean;
}

export interface TextPlan {
  /** Numbers of stems, each once. */
  readonly terms: readonly number[];
  readonly atoms: readonly Atom[];
  readonly words: readonly PlanWord[];
}
