/** How often each term is in one document at a time, and how long it is, both by the weights of its fields. */
import { frequencyCode } from './frequency.ts';
import { GrowingU32 } from './growing.ts';
import { BREAK, FIELD, isOverlay, wordOf } from './token-codes.ts';
import type { Vocabulary } from './vocabulary.ts';

/** In eighths, by attribute; an attribute that is not there is not searched. */
export type FieldWeights = ReadonlyMap<number, number>;

export class TermCounter {
  readonly #vocabulary: Vocabulary;
  #eighths = new Uint32Array(16);
  readonly #terms = new GrowingU32();
  /** In eighths; words that lie over others do not count. */
  length = 0;

  constructor(vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary;
  }

  /** Stems of the last document, each once, in the order in which they came. */
  get terms(): Uint32Array {
    return this.#terms.values;
  }

  /** How often the document has one of its terms (frequency.ts). */
  codeOf(term: number): number {
    return frequencyCode(this.#eighths[term]!);
  }

  count(codes: Uint32Array, weights: FieldWeights): void {
    this.#clear();
    const stems = this.#vocabulary.stems;
    const eighths = this.#eighths;
    let weight = 0;
    for (let at = 0; at < codes.length; at++) {
      const code = codes[at]!;
      if (code === FIELD) weight = weights.get(codes[++at]!) ?? 0;
      if (code === FIELD || code === BREAK || weight === 0) continue;
      const term = stems[wordOf(code)]!;
      if (eighths[term] === 0) this.#terms.push(term);
      eighths[term]! += weight;
      if (!isOverlay(code)) this.length += weight;
    }
  }

  #clear(): void {
    for (const term of this.terms) this.#eighths[term] = 0;
    this.#terms.count = 0;
    this.length = 0;
    if (this.#eighths.length < this.#vocabulary.size)
      this.#eighths = new Uint32Array(this.#vocabulary.size * 2);
  }
}
