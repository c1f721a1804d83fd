/**
 * All words of an index and their stems, numbered in the order in which they came. A number is never given out again and a
 * word never forgotten: what is counted for it goes down to 0.
 */
import { xxh64 } from '../../../hash/index.ts';
import { GrowingU8, GrowingU32 } from './growing.ts';
import { stem } from './stemmer.ts';
import { STOP_WORDS } from './stop-words.ts';

const U32_BITS = 32n;
/** Of a word beside its letters: a string's head, its place in the list, and a filled slot of the map with its share of empty ones. */
const WORD_BYTES = 72;
const PLAIN = /^[a-z]+$/;
export const NO_WORD = -1;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class Vocabulary {
  readonly #ids = new Map<string, number>();
  readonly #words: string[] = [];
  readonly #stems = new GrowingU32();
  readonly #hashes = new GrowingU32();
  readonly #stops = new GrowingU8();
  /** Documents that have a word with this stem. */
  readonly #documents = new GrowingU32();
  /** Documents that may be shown and have this very word. */
  readonly #shown = new GrowingU32();
  /** Of `begin`: which place in a query a stem has, from 1. */
  #marks = new Uint16Array(16);
  #sorted = new Uint32Array(0);
  #letters = 0;

  /** Memory taken, about. */
  get bytes(): number {
    const columns = [this.#stems, this.#hashes, this.#stops, this.#documents, this.#shown];
    return (
      columns.reduce((sum, { array }) => sum + array.byteLength, 0) +
      this.#marks.byteLength +
      this.#sorted.byteLength +
      this.#words.length * WORD_BYTES +
      this.#letters
    );
  }

  get size(): number {
    return this.#words.length;
  }

  /** Number of the word, or NO_WORD. */
  find(word: string): number {
    return this.#ids.get(word) ?? NO_WORD;
  }

  /** Number of the stem of any word, known or not, or NO_WORD. */
  findStem(word: string): number {
    const id = this.find(word);
    return id === NO_WORD ? this.find(stemOf(word)) : this.stem(id);
  }

  word(id: number): string {
    return this.#words[id]!;
  }

  stem(id: number): number {
    return this.#stems.array[id]!;
  }

  /** Stems of all words, for loops over many: to be asked for anew after a word was added. */
  get stems(): Uint32Array {
    return this.#stems.array;
  }

  isStop(id: number): boolean {
    return this.#stops.array[id] === 1;
  }

  /** Two halves of each word's hash: what stands for it in a digest, since numbers depend on the order of things. */
  get hashes(): Uint32Array {
    return this.#hashes.array;
  }

  documents(stemId: number): number {
    return this.#documents.array[stemId]!;
  }

  countDocument(stemId: number, step: 1 | -1): void {
    this.#documents.array[stemId]! += step;
  }

  shown(id: number): number {
    return this.#shown.array[id]!;
  }

  countShown(id: number, step: 1 | -1): void {
    this.#shown.array[id]! += step;
  }

  intern(word: string): number {
    const known = this.#ids.get(word);
    if (known !== undefined) return known;
    const id = this.#add(word);
    const stemmed = stemOf(word);
    // Numbered before its stem, which may be itself. Not in one line: the array may be another one behind the call.
    const stemId = stemmed === word ? id : this.intern(stemmed);
    this.#stems.array[id] = stemId;
    return id;
  }

  /** A page of it as bytes, from `first` to before `end`: for each word its stem's number, its length in bytes, itself. */
  page(first: number, end: number): Uint8Array {
    const words = this.#words.slice(first, end).map((word) => encoder.encode(word));
    const bytes = new Uint8Array(words.reduce((sum, word) => sum + word.length + 8, 0));
    const view = new DataView(bytes.buffer);
    let at = 0;
    for (const [index, word] of words.entries()) {
      view.setUint32(at, this.stem(first + index), true);
      view.setUint32(at + 4, word.length, true);
      bytes.set(word, at + 8);
      at += 8 + word.length;
    }
    return bytes;
  }

  /** Adds what `page` gave. False: they are no such bytes. Stems are to be checked once all are there (`isWhole`). */
  addPage(bytes: Uint8Array): boolean {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    let at = 0;
    while (at + 8 <= bytes.length) {
      const length = view.getUint32(at + 4, true);
      if (length > bytes.length - at - 8) return false;
      const word = decoder.decode(bytes.subarray(at + 8, at + 8 + length));
      if (this.#ids.has(word)) return false;
      const id = this.#add(word);
      this.#stems.array[id] = view.getUint32(at, true);
      at += 8 + length;
    }
    return at === bytes.length;
  }

  isWhole(): boolean {
    return this.#stems.values.every((id) => id < this.size);
  }

  /** What is counted for each word: documents, then documents shown. A copy. */
  counts(): Uint32Array {
    const counts = new Uint32Array(this.size * 2);
    counts.set(this.#documents.values);
    counts.set(this.#shown.values, this.size);
    return counts;
  }

  clearCounts(): void {
    this.#documents.array.fill(0);
    this.#shown.array.fill(0);
  }

  setCounts(counts: Uint32Array): void {
    this.#documents.array.set(counts.subarray(0, this.size));
    this.#shown.array.set(counts.subarray(this.size));
  }

  /** An array over all words, all 0: whoever marks something unmarks it before the next one asks. */
  get marks(): Uint16Array {
    if (this.#marks.length < this.size) this.#marks = new Uint16Array(this.size * 2);
    return this.#marks;
  }

  /** Numbers of all words in the order of their letters. Valid until a word is added. */
  sorted(): Uint32Array {
    const known = this.#sorted.length;
    if (known === this.size) return this.#sorted;
    const added = Uint32Array.from({ length: this.size - known }, (_, index) => known + index);
    added.sort((one, other) => this.#compare(one, other));
    this.#sorted = merged(this.#sorted, added, (one, other) => this.#compare(one, other) < 0);
    return this.#sorted;
  }

  #compare(one: number, other: number): number {
    return this.#words[one]! < this.#words[other]! ? -1 : 1;
  }

  #add(given: string): number {
    const bytes = encoder.encode(given);
    // Made anew: a part cut from a text would keep the whole text alive.
    const word = decoder.decode(bytes);
    const hash = xxh64(bytes);
    const id = this.#words.length;
    this.#words.push(word);
    this.#letters += bytes.length;
    this.#ids.set(word, id);
    this.#stems.push(0);
    this.#hashes.push(Number(hash & 0xffff_ffffn));
    this.#hashes.push(Number(hash >> U32_BITS));
    this.#stops.push(STOP_WORDS.has(word) ? 1 : 0);
    this.#documents.push(0);
    this.#shown.push(0);
    return id;
  }
}

export function stemOf(word: string): string {
  return PLAIN.test(word) ? stem(word) : word;
}

/** Two sorted lists as one; each added number goes to its place, and what lies between is moved in one go. */
function merged(
  base: Uint32Array,
  added: Uint32Array,
  isBefore: (one: number, other: number) => boolean,
): Uint32Array<ArrayBuffer> {
  const all = new Uint32Array(base.length + added.length);
  let from = 0;
  let at = 0;
  for (const id of added) {
    let low = from;
    let high = base.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isBefore(base[middle]!, id)) low = middle + 1;
      else high = middle;
    }
    all.set(base.subarray(from, low), at);
    at += low - from;
    all[at++] = id;
    from = low;
  }
  all.set(base.subarray(from), at);
  return all;
}
