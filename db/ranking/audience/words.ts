/** Words on their way into and out of a part of a checkpoint: little-endian, as they lie in memory on every machine this runs on. */
import { TruthError } from '../../errors.ts';

const WORD_BYTES = Uint32Array.BYTES_PER_ELEMENT;

export class WordWriter {
  #words = new Uint32Array(256);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  add(word: number): void {
    if (this.#length === this.#words.length) this.#grow(1);
    this.#words[this.#length++] = word;
  }

  addAll(words: Uint32Array): void {
    if (this.#length + words.length > this.#words.length) this.#grow(words.length);
    this.#words.set(words, this.#length);
    this.#length += words.length;
  }

  /** Writes over a word that was added. */
  replace(at: number, word: number): void {
    this.#words[at] = word;
  }

  /** Everything added, as bytes of their own; the writer is empty afterwards. */
  finish(): Uint8Array {
    const words = this.#words.slice(0, this.#length);
    this.#length = 0;
    return new Uint8Array(words.buffer);
  }

  #grow(more: number): void {
    const larger = new Uint32Array(Math.max(this.#words.length * 2, this.#length + more));
    larger.set(this.#words.subarray(0, this.#length));
    this.#words = larger;
  }
}

/** Reads a part; believes no count that is written there. */
export class WordReader {
  readonly #part: string;
  readonly #words: Uint32Array;
  #at = 0;

  /** Errors: CORRUPT when the bytes are not whole words. */
  constructor(part: string, bytes: Uint8Array) {
    this.#part = part;
    if (bytes.length % WORD_BYTES !== 0)
      throw this.corrupt(`has ${bytes.length} bytes, which are not whole words`);
    const aligned = bytes.byteOffset % WORD_BYTES === 0 ? bytes : new Uint8Array(bytes);
    this.#words = new Uint32Array(aligned.buffer, aligned.byteOffset, bytes.length / WORD_BYTES);
  }

  get isAtEnd(): boolean {
    return this.#at === this.#words.length;
  }

  next(): number {
    if (this.#at === this.#words.length) throw this.corrupt('ends too early');
    return this.#words[this.#at++]!;
  }

  /** How many things follow of so many words each, which all have to be there. */
  count(wordsOfEach: number): number {
    const count = this.next();
    if (count * wordsOfEach > this.#words.length - this.#at)
      throw this.corrupt(`says that ${count} rows follow, which is more than it has`);
    return count;
  }

  /** Words that follow, to be read only. */
  take(count: number): Uint32Array {
    if (count > this.#words.length - this.#at) throw this.corrupt('ends too early');
    this.#at += count;
    return this.#words.subarray(this.#at - count, this.#at);
  }

  corrupt(problem: string): TruthError {
    return new TruthError(
      'CORRUPT',
      `part ${this.#part} of the audience's checkpoint ${problem}: it has to be rebuilt`,
    );
  }
}
