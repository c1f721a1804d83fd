/** A document's content as one number, of which a digest adds up those of all: equal content, equal sum, whatever happened on the way. */
import { xxh64 } from '../../../hash/index.ts';
import { BREAK, FIELD, isOverlay, wordOf } from './token-codes.ts';
import type { Vocabulary } from './vocabulary.ts';

const HEAD_WORDS = 3;
/** Makes a word that lies over others another one. */
const OVERLAY = 0x9e37_79b9;

const encoder = new TextEncoder();

export class DocumentHash {
  readonly #vocabulary: Vocabulary;
  readonly #seed: bigint;
  #words = new Uint32Array(1024);
  #bytes = new Uint8Array(this.#words.buffer);

  constructor(vocabulary: Vocabulary, seed: bigint) {
    this.#vocabulary = vocabulary;
    this.#seed = seed;
  }

  /** Words count by their own hashes, not by their numbers, which depend on what came before. */
  of(number: number, state: number, title: string, codes: Uint32Array): bigint {
    this.#fit(HEAD_WORDS + codes.length * 2 + title.length);
    const words = this.#words;
    const hashes = this.#vocabulary.hashes;
    words[0] = number;
    words[1] = state;
    words[2] = codes.length;
    let at = HEAD_WORDS;
    for (let index = 0; index < codes.length; index++, at += 2) {
      const code = codes[index]!;
      if (code === FIELD || code === BREAK) {
        words[at] = code;
        words[at + 1] = code === FIELD ? codes[++index]! : 0;
        continue;
      }
      const word = wordOf(code);
      words[at] = hashes[word * 2]! ^ (isOverlay(code) ? OVERLAY : 0);
      words[at + 1] = hashes[word * 2 + 1]!;
    }
    // A unit of text is at most three bytes.
    const { written } = encoder.encodeInto(title, this.#bytes.subarray(at * Uint32Array.BYTES_PER_ELEMENT));
    return xxh64(this.#bytes.subarray(0, at * Uint32Array.BYTES_PER_ELEMENT + written), this.#seed);
  }

  #fit(words: number): void {
    if (words <= this.#words.length) return;
    this.#words = new Uint32Array(words * 2);
    this.#bytes = new Uint8Array(this.#words.buffer);
  }
}
