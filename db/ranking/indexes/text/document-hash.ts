/** A document's content as one number, of which a digest adds up those of all: equal content, equal sum, whatever happened on the way. */
import { xxh64 } from '../../../hash/index.ts';
import { BREAK, FIELD, isOverlay, wordOf } from './token-codes.ts';
import type { Vocabulary } from './vocabulary.ts';

const HEAD_BYTES = 12;
const CODE_BYTES = 8;
/** Makes a word that lies over others another one. */
const OVERLAY = 0x9e37_79b9;

const encoder = new TextEncoder();

export class DocumentHash {
  readonly #vocabulary: Vocabulary;
  readonly #seed: bigint;
  #bytes = new Uint8Array(1024);
  #view = new DataView(this.#bytes.buffer);

  constructor(vocabulary: Vocabulary, seed: bigint) {
    this.#vocabulary = vocabulary;
    this.#seed = seed;
  }

  /** Words count by their own hashes, not by their numbers, which depend on what came before. */
  of(number: number, state: number, title: string, codes: Uint32Array): bigint {
    this.#fit(HEAD_BYTES + codes.length * CODE_BYTES + title.length * 3);
    const view = this.#view;
    view.setUint32(0, number, true);
    view.setUint32(4, state, true);
    view.setUint32(8, codes.length, true);
    let at = HEAD_BYTES;
    for (let index = 0; index < codes.length; index++, at += CODE_BYTES) {
      const code = codes[index]!;
      if (code === FIELD || code === BREAK) {
        view.setUint32(at, code, true);
        view.setUint32(at + 4, code === FIELD ? codes[++index]! : 0, true);
        continue;
      }
      const word = wordOf(code);
      view.setUint32(at, this.#vocabulary.hashLow(word) ^ (isOverlay(code) ? OVERLAY : 0), true);
      view.setUint32(at + 4, this.#vocabulary.hashHigh(word), true);
    }
    const { written } = encoder.encodeInto(title, this.#bytes.subarray(at));
    return xxh64(this.#bytes.subarray(0, at + written), this.#seed);
  }

  #fit(bytes: number): void {
    if (bytes <= this.#bytes.length) return;
    this.#bytes = new Uint8Array(bytes * 2);
    this.#view = new DataView(this.#bytes.buffer);
  }
}
