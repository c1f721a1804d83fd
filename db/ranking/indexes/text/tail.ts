/**
 * The documents that came last, few enough to look through all their words for each query. A document that is written again is
 * added again, and its older self is dead.
 */
import { frequencyCode } from './frequency.ts';
import { GrowingU8, GrowingU32 } from './growing.ts';
import { type Postings, type Shard, STATE } from './shard.ts';
import { type FieldWeights, TermCounter } from './term-counter.ts';
import { BREAK, FIELD, wordOf } from './token-codes.ts';
import type { Vocabulary } from './vocabulary.ts';

/** When one of them is reached, the tail becomes a segment. */
const DOCUMENTS_MAX = 256;
const CODES_MAX = 0x1_0000;

export class Tail implements Shard {
  readonly #vocabulary: Vocabulary;
  readonly #weights: FieldWeights;
  readonly #numbers = new GrowingU32();
  readonly #lengths = new GrowingU32();
  readonly #states = new GrowingU8();
  readonly #starts = new GrowingU32();
  readonly #codes = new GrowingU32();
  readonly #titles: string[] = [];
  readonly #counter: TermCounter;

  constructor(vocabulary: Vocabulary, weights: FieldWeights) {
    this.#vocabulary = vocabulary;
    this.#weights = weights;
    this.#counter = new TermCounter(vocabulary);
  }

  get count(): number {
    return this.#numbers.count;
  }

  get states(): Uint8Array {
    return this.#states.values;
  }

  get lengths(): Uint32Array {
    return this.#lengths.values;
  }

  get numbers(): Uint32Array {
    return this.#numbers.values;
  }

  get isFull(): boolean {
    return this.count >= DOCUMENTS_MAX || this.#codes.count >= CODES_MAX;
  }

  get bytes(): number {
    return this.#codes.array.byteLength + this.count * 64;
  }

  /** Returns its number within the tail. */
  add(number: number, state: number, title: string, codes: Uint32Array): number {
    const local = this.count;
    this.#counter.count(codes, this.#weights);
    this.#numbers.push(number);
    this.#lengths.push(this.#counter.length);
    this.#states.push(state);
    this.#starts.push(this.#codes.count);
    this.#codes.append(codes);
    this.#titles.push(title);
    return local;
  }

  tokens(local: number): Uint32Array {
    const end = local + 1 < this.count ? this.#starts.array[local + 1]! : this.#codes.count;
    return this.#codes.array.subarray(this.#starts.array[local], end);
  }

  title(local: number): string {
    return this.#titles[local]!;
  }

  postings(terms: readonly number[]): (Postings | null)[] {
    const marks = this.#vocabulary.marks;
    for (const [place, term] of terms.entries()) marks[term] = place + 1;
    const found = terms.map(() => new TailPostings());
    for (let local = 0; local < this.count; local++)
      if (this.states[local] !== STATE.dead) this.#find(local, marks, found);
    for (const term of terms) marks[term] = 0;
    return found.map((postings) => (postings.count === 0 ? null : postings));
  }

  /** Terms are all different, so each has a place of its own. */
  #find(local: number, marks: Uint16Array, found: readonly TailPostings[]): void {
    const codes = this.tokens(local);
    const length = this.#lengths.array[local]!;
    let weight = 0;
    for (let at = 0; at < codes.length; at++) {
      const code = codes[at]!;
      if (code === FIELD) weight = this.#weights.get(codes[++at]!) ?? 0;
      if (code === FIELD || code === BREAK || weight === 0) continue;
      const place = marks[this.#vocabulary.stem(wordOf(code))]!;
      if (place !== 0) found[place - 1]!.add(local, weight, length);
    }
  }
}

class TailPostings implements Postings {
  readonly docs = new Uint16Array(DOCUMENTS_MAX);
  readonly codes = new Uint8Array(DOCUMENTS_MAX);
  count = 0;
  codeMost = 0;
  lengthLeast = 0xffff_ffff;
  #eighths = 0;

  add(local: number, weight: number, length: number): void {
    if (this.count === 0 || this.docs[this.count - 1] !== local) {
      this.docs[this.count++] = local;
      this.#eighths = 0;
    }
    this.#eighths += weight;
    const code = frequencyCode(this.#eighths);
    this.codes[this.count - 1] = code;
    if (code > this.codeMost) this.codeMost = code;
    if (length < this.lengthLeast) this.lengthLeast = length;
  }
}
