/**
 * The documents that came last, few enough to look through all their words for each query. A document that is written again is
 * added again, and its older self is dead.
 */
import { GrowingU8, GrowingU32 } from './growing.ts';
import type { BuiltDocument } from './segment-builder.ts';
import { type Postings, type Shard, STATE } from './shard.ts';
import type { TermCounter } from './term-counter.ts';
import { fieldIn } from './token-codes.ts';
import type { Vocabulary } from './vocabulary.ts';

/** When one of them is reached, the tail becomes a segment. */
const DOCUMENTS_MAX = 256;
const CODES_MAX = 0x1_0000;

export class Tail implements Shard {
  readonly #vocabulary: Vocabulary;
  readonly #numbers = new GrowingU32();
  readonly #lengths = new GrowingU32();
  readonly #states = new GrowingU8();
  readonly #starts = new GrowingU32();
  readonly #codes = new GrowingU32();
  readonly #titles: string[] = [];
  /** Terms of all documents, one document after the other, how often each is there, and where each document's begin. */
  readonly #terms = new GrowingU32();
  readonly #termCodes = new GrowingU8();
  readonly #termStarts = new GrowingU32();

  constructor(vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary;
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

  /** Returns its number within the tail. `counter` has counted the document. */
  add(number: number, state: number, title: string, codes: Uint32Array, counter: TermCounter): number {
    const local = this.count;
    this.#termStarts.push(this.#terms.count);
    for (const term of counter.terms) {
      this.#terms.push(term);
      this.#termCodes.push(counter.codeOf(term));
    }
    this.#numbers.push(number);
    this.#lengths.push(counter.length);
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

  field(local: number, attribute: number): Uint32Array {
    return fieldIn(this.tokens(local), attribute);
  }

  title(local: number): string {
    return this.#titles[local]!;
  }

  postings(terms: readonly number[]): (Postings | null)[] {
    if (this.count === 0) return terms.map(() => null);
    const marks = this.#vocabulary.marks;
    for (const [place, term] of terms.entries()) marks[term] = place + 1;
    const found = terms.map(() => new TailPostings());
    for (let local = 0; local < this.count; local++)
      if (this.states[local] !== STATE.dead) this.#find(local, marks, found);
    for (const term of terms) marks[term] = 0;
    return found.map((postings) => (postings.count === 0 ? null : postings));
  }

  /** Those that are not dead, by ascending number. */
  living(): BuiltDocument[] {
    const locals = Array.from(this.numbers, (_, local) => local).filter(
      (local) => this.states[local] !== STATE.dead,
    );
    return locals
      .sort((one, other) => this.numbers[one]! - this.numbers[other]!)
      .map((local) => ({
        ...{ number: this.numbers[local]!, state: this.states[local]!, title: this.title(local) },
        ...{ length: this.lengths[local]!, tokens: this.tokens(local) },
        terms: this.#terms.array.subarray(this.#termStarts.array[local], this.#termsEnd(local)),
        codes: this.#termCodes.array.subarray(this.#termStarts.array[local], this.#termsEnd(local)),
      }));
  }

  /** The terms asked for are all different, so each has a mark of its own. */
  #find(local: number, marks: Uint16Array, found: readonly TailPostings[]): void {
    const terms = this.#terms.array;
    const end = this.#termsEnd(local);
    for (let at = this.#termStarts.array[local]!; at < end; at++) {
      const mark = marks[terms[at]!]!;
      if (mark !== 0) found[mark - 1]!.add(local, this.#termCodes.array[at]!, this.#lengths.array[local]!);
    }
  }

  #termsEnd(local: number): number {
    return local + 1 < this.count ? this.#termStarts.array[local + 1]! : this.#terms.count;
  }
}

class TailPostings implements Postings {
  readonly docs = new Uint16Array(DOCUMENTS_MAX);
  readonly codes = new Uint8Array(DOCUMENTS_MAX);
  count = 0;
  codeMost = 0;
  lengthLeast = 0xffff_ffff;

  add(local: number, code: number, length: number): void {
    this.docs[this.count] = local;
    this.codes[this.count++] = code;
    if (code > this.codeMost) this.codeMost = code;
    if (length < this.lengthLeast) this.lengthLeast = length;
  }
}
