/**
 * Documents that are not added to any more: sorted by number, postings one after the other in one array, words as bytes. Only
 * their states change, when one is written again, taken away, hidden or shown.
 */
import { xxh64Low } from '../../../hash/index.ts';
import { GrowingU32 } from './growing.ts';
import { type Postings, type Shard, STATE } from './shard.ts';
import { readCodes, readField } from './token-codes.ts';

/** What never changes of a segment. `…Starts` have one number more than there are: the end of the last. */
export interface SegmentContent {
  readonly numbers: Uint32Array;
  readonly lengths: Uint32Array;
  readonly tokenStarts: Uint32Array;
  readonly tokenBytes: Uint8Array;
  readonly titleStarts: Uint32Array;
  readonly titleBytes: Uint8Array;
  /** Ascending numbers of stems. */
  readonly terms: Uint32Array;
  readonly postingStarts: Uint32Array;
  readonly docs: Uint16Array;
  readonly codes: Uint8Array;
}

const decoder = new TextDecoder();

export class Segment implements Shard {
  readonly id: number;
  /** How often its documents were merged. */
  readonly level: number;
  readonly content: SegmentContent;
  readonly states: Uint8Array;
  /** By place in `terms`. */
  readonly #codeMost: Uint8Array;
  readonly #lengthLeast: Uint32Array;
  readonly #tokens = new GrowingU32();
  #fingerprint: number | null = null;
  dead = 0;

  constructor(id: number, level: number, content: SegmentContent, states: Uint8Array) {
    this.id = id;
    this.level = level;
    this.content = content;
    this.states = states;
    this.#codeMost = new Uint8Array(content.terms.length);
    this.#lengthLeast = new Uint32Array(content.terms.length);
    for (const state of states) if (state === STATE.dead) this.dead += 1;
    this.#bound();
  }

  get count(): number {
    return this.content.numbers.length;
  }

  get numbers(): Uint32Array {
    return this.content.numbers;
  }

  get lengths(): Uint32Array {
    return this.content.lengths;
  }

  /** Bytes of memory. */
  get bytes(): number {
    let sum = this.states.byteLength + this.#codeMost.byteLength + this.#lengthLeast.byteLength;
    for (const array of Object.values(this.content)) sum += array.byteLength;
    return sum;
  }

  /** Of its words, which all the rest follows from. */
  get fingerprint(): number {
    const { tokenBytes } = this.content;
    this.#fingerprint ??= xxh64Low(tokenBytes, 0, tokenBytes.length);
    return this.#fingerprint;
  }

  postings(terms: readonly number[]): (Postings | null)[] {
    return terms.map((term) => this.#postingsOf(term));
  }

  tokens(local: number): Uint32Array {
    const { tokenStarts, tokenBytes } = this.content;
    this.#tokens.count = 0;
    readCodes(tokenBytes, tokenStarts[local]!, tokenStarts[local + 1]!, this.#tokens);
    return this.#tokens.values;
  }

  field(local: number, attribute: number): Uint32Array {
    const { tokenStarts, tokenBytes } = this.content;
    this.#tokens.count = 0;
    readField(tokenBytes, tokenStarts[local]!, tokenStarts[local + 1]!, attribute, this.#tokens);
    return this.#tokens.values;
  }

  title(local: number): string {
    return decoder.decode(this.titleBytes(local));
  }

  titleBytes(local: number): Uint8Array {
    const { titleStarts, titleBytes } = this.content;
    return titleBytes.subarray(titleStarts[local], titleStarts[local + 1]);
  }

  #postingsOf(term: number): Postings | null {
    const { terms, postingStarts, docs, codes } = this.content;
    let low = 0;
    let high = terms.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (terms[middle]! < term) low = middle + 1;
      else high = middle;
    }
    if (low === terms.length || terms[low] !== term) return null;
    const start = postingStarts[low]!;
    const end = postingStarts[low + 1]!;
    return {
      docs: docs.subarray(start, end),
      codes: codes.subarray(start, end),
      count: end - start,
      codeMost: this.#codeMost[low]!,
      lengthLeast: this.#lengthLeast[low]!,
    };
  }

  #bound(): void {
    const { terms, postingStarts, docs, codes, lengths } = this.content;
    for (let place = 0; place < terms.length; place++) {
      let most = 0;
      let least = 0xffff_ffff;
      for (let at = postingStarts[place]!; at < postingStarts[place + 1]!; at++) {
        if (codes[at]! > most) most = codes[at]!;
        const length = lengths[docs[at]!]!;
        if (length < least) least = length;
      }
      this.#codeMost[place] = most;
      this.#lengthLeast[place] = least;
    }
  }
}
