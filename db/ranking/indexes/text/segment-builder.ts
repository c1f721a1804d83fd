/** Makes a segment of documents that come in the order of their numbers. */
import { invariant } from '../../../kernel/index.ts';
import { GrowingU8, GrowingU32 } from './growing.ts';
import { Segment, type SegmentContent } from './segment.ts';
import { SHARD_DOCUMENTS_MAX } from './shard.ts';
import { writeCodes } from './token-codes.ts';

export interface BuiltDocument {
  readonly number: number;
  readonly state: number;
  readonly title: string;
  /** In eighths. */
  readonly length: number;
  /** Its words (token-codes.ts). */
  readonly tokens: Uint32Array;
  /** Its stems, each once, and how often each is there (frequency.ts). */
  readonly terms: Uint32Array;
  readonly codes: Uint8Array;
}

const encoder = new TextEncoder();

export class SegmentBuilder {
  readonly #words: number;
  readonly #numbers = new GrowingU32();
  readonly #lengths = new GrowingU32();
  readonly #states = new GrowingU8();
  readonly #tokenStarts = new GrowingU32();
  readonly #tokens = new GrowingU8();
  readonly #titleStarts = new GrowingU32();
  readonly #titles: Uint8Array[] = [];
  #titleBytes = 0;
  /** Terms of all documents, one document after the other, and where each begins. */
  readonly #terms = new GrowingU32();
  readonly #codes = new GrowingU8();
  readonly #termStarts = new GrowingU32();

  /** `words`: how many the vocabulary has. */
  constructor(words: number) {
    this.#words = words;
  }

  get count(): number {
    return this.#numbers.count;
  }

  add({ number, state, title, length, tokens, terms, codes }: BuiltDocument): void {
    const last = this.#numbers.count === 0 ? -1 : this.#numbers.array[this.#numbers.count - 1]!;
    invariant(number > last, 'a segment is made of documents in the order of their numbers');
    invariant(this.count < SHARD_DOCUMENTS_MAX, 'a segment has at most 65,536 documents');
    const titleBytes = encoder.encode(title);
    this.#numbers.push(number);
    this.#states.push(state);
    this.#lengths.push(length);
    this.#tokenStarts.push(this.#tokens.count);
    writeCodes(tokens, this.#tokens);
    this.#titleStarts.push(this.#titleBytes);
    this.#titles.push(titleBytes);
    this.#titleBytes += titleBytes.length;
    this.#termStarts.push(this.#terms.count);
    this.#terms.append(terms);
    for (const code of codes) this.#codes.push(code);
  }

  finish(id: number, level: number): Segment {
    this.#tokenStarts.push(this.#tokens.count);
    this.#titleStarts.push(this.#titleBytes);
    this.#termStarts.push(this.#terms.count);
    const content: SegmentContent = {
      numbers: this.#numbers.values.slice(),
      lengths: this.#lengths.values.slice(),
      tokenStarts: this.#tokenStarts.values.slice(),
      tokenBytes: this.#tokens.values.slice(),
      titleStarts: this.#titleStarts.values.slice(),
      titleBytes: concatenated(this.#titles, this.#titleBytes),
      ...this.#postings(),
    };
    return new Segment(id, level, content, this.#states.values.slice());
  }

  /** Turns terms by document into documents by term. */
  #postings(): Pick<SegmentContent, 'terms' | 'postingStarts' | 'docs' | 'codes'> {
    const all = this.#terms.values;
    const counts = new Uint32Array(this.#words);
    let distinct = 0;
    for (let at = 0; at < all.length; at++) if (counts[all[at]!]!++ === 0) distinct += 1;
    const terms = new Uint32Array(distinct);
    const postingStarts = new Uint32Array(distinct + 1);
    let start = 0;
    for (let term = 0, place = 0; place < distinct; term++) {
      const count = counts[term]!;
      if (count === 0) continue;
      terms[place] = term;
      postingStarts[place++] = start;
      // From here on: where the term's next document goes.
      counts[term] = start;
      start += count;
    }
    postingStarts[distinct] = start;
    return { terms, postingStarts, ...this.#scattered(all, counts) };
  }

  #scattered(all: Uint32Array, next: Uint32Array): Pick<SegmentContent, 'docs' | 'codes'> {
    const docs = new Uint16Array(all.length);
    const codes = new Uint8Array(all.length);
    const starts = this.#termStarts.array;
    const given = this.#codes.array;
    for (let local = 0; local < this.count; local++) {
      for (let at = starts[local]!; at < starts[local + 1]!; at++) {
        const place = next[all[at]!]!++;
        docs[place] = local;
        codes[place] = given[at]!;
      }
    }
    return { docs, codes };
  }
}

function concatenated(parts: readonly Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
