/** The documents of an index, with everything that is counted over them. */
import { DocumentHash } from './document-hash.ts';
import { DocumentWriter, type FieldChange } from './document-writer.ts';
import { Locations, localOf, NOWHERE, slotOf, TAIL_SLOT } from './locations.ts';
import type { Segment } from './segment.ts';
import { SegmentBuilder } from './segment-builder.ts';
import { Segments } from './segments.ts';
import { type Shard, STATE } from './shard.ts';
import { Tail } from './tail.ts';
import { type FieldWeights, TermCounter } from './term-counter.ts';
import { BREAK, FIELD, fieldsOf, wordOf } from './token-codes.ts';
import { Vocabulary } from './vocabulary.ts';

export const NO_TITLE = -1;
const HASH_BITS = 64;

interface Document {
  readonly number: number;
  readonly state: number;
  readonly title: string;
  readonly codes: Uint32Array;
}

export class DocumentStore {
  readonly vocabulary = new Vocabulary();
  readonly #writer = new DocumentWriter(this.vocabulary);
  readonly #counter = new TermCounter(this.vocabulary);
  readonly #hash: DocumentHash;
  weights: FieldWeights = new Map();
  /** Attribute that titles are in. */
  title = NO_TITLE;
  locations = new Locations();
  segments = new Segments(this.vocabulary, this.locations, 0);
  tail = new Tail(this.vocabulary);
  /** How many there are, and how long they are together, in eighths. */
  count = 0;
  length = 0;
  /** Sum of their hashes. */
  hash = 0n;
  /** Hashes of the vocabulary's full pages in a checkpoint, as far as they are known. */
  readonly pages: number[] = [];
  /** Grows with whatever changes: names what a checkpoint cannot keep. */
  changes = 0;

  constructor(seed: bigint) {
    this.#hash = new DocumentHash(this.vocabulary, seed);
  }

  /** Memory taken, without the vocabulary. */
  get bytes(): number {
    return this.segments.all.reduce((sum, { bytes }) => sum + bytes, this.tail.bytes + this.locations.bytes);
  }

  /** Those with documents in them. */
  shards(): readonly Shard[] {
    return this.tail.count === 0 ? this.segments.all : [...this.segments.all, this.tail];
  }

  /** Null: there is none of this number. */
  find(number: number): { readonly shard: Shard; readonly local: number } | null {
    const location = this.locations.get(number);
    if (location === NOWHERE) return null;
    const slot = slotOf(location);
    return { shard: slot === TAIL_SLOT ? this.tail : this.segments.at(slot), local: localOf(location) };
  }

  /** Whether a field of a document has words in the index, and as the title has its text. */
  holds(number: number, attribute: number): boolean {
    const found = this.find(number);
    if (found === null) return false;
    const { shard, local } = found;
    if (attribute === this.title && shard.title(local) === '') return false;
    return fieldsOf(shard.tokens(local)).has(attribute);
  }

  /** Sets some fields; the others stay as they are. */
  put(number: number, changes: readonly FieldChange[], state: number): void {
    const before = this.#read(number);
    const codes = this.#writer.write(before?.codes ?? null, changes);
    const titled = changes.find(({ attribute }) => attribute === this.title);
    const title = titled === undefined ? (before?.title ?? '') : titled.texts.join(', ');
    if (before !== null) {
      if (title === before.title && areEqual(codes, before.codes)) {
        this.setState(number, state);
        return;
      }
      this.#take(before);
    }
    if (codes.length > 0) this.#add({ number, state, title, codes });
  }

  setState(number: number, state: number): void {
    const found = this.find(number);
    if (found === null || found.shard.states[found.local] === state) return;
    const before = this.#read(number)!;
    this.#count(before, -1);
    found.shard.states[found.local] = state;
    this.#count({ ...before, state }, 1);
  }

  remove(number: number): void {
    const before = this.#read(number);
    if (before !== null) this.#take(before);
  }

  /** Writes all documents anew, without the fields that have no weight any more. */
  configure(weights: FieldWeights, title: number): void {
    const shards = this.shards();
    const isSameTitle = title === this.title;
    this.weights = weights;
    this.title = title;
    this.locations = new Locations();
    this.segments = new Segments(this.vocabulary, this.locations, this.segments.next);
    this.tail = new Tail(this.vocabulary);
    this.vocabulary.clearCounts();
    this.count = 0;
    this.length = 0;
    this.hash = 0n;
    this.changes += 1;
    for (const shard of shards) this.#addAgain(shard, isSameTitle);
  }

  /** Places what a checkpoint had, without counting it. */
  restoreTail(number: number, state: number, title: string, codes: Uint32Array): void {
    this.#counter.count(codes, this.weights);
    const local = this.tail.add(number, state, title, codes, this.#counter);
    if (state !== STATE.dead) this.locations.set(number, TAIL_SLOT, local);
  }

  restoreSegment(slot: number, segment: Segment, next: number): void {
    this.segments.restore(slot, segment, next);
  }

  #read(number: number): Document | null {
    const found = this.find(number);
    if (found === null) return null;
    const { shard, local } = found;
    const codes = shard.tokens(local).slice();
    return { number, state: shard.states[local]!, title: shard.title(local), codes };
  }

  #add(document: Document): void {
    this.#count(document, 1);
    const { number, state, title, codes } = document;
    // The counter still has what `#count` counted.
    const local = this.tail.add(number, state, title, codes, this.#counter);
    this.locations.set(number, TAIL_SLOT, local);
    if (this.tail.isFull) this.#seal();
  }

  #take(document: Document): void {
    this.#count(document, -1);
    const location = this.locations.get(document.number);
    this.locations.clear(document.number);
    const slot = slotOf(location);
    if (slot === TAIL_SLOT) this.tail.states[localOf(location)] = STATE.dead;
    else this.segments.bury(slot, localOf(location));
  }

  #seal(): void {
    const builder = new SegmentBuilder(this.vocabulary.size);
    for (const document of this.tail.living()) builder.add(document);
    this.tail = new Tail(this.vocabulary);
    this.segments.seal(builder);
  }

  #addAgain(shard: Shard, isSameTitle: boolean): void {
    for (let local = 0; local < shard.count; local++) {
      const state = shard.states[local]!;
      if (state === STATE.dead) continue;
      const before = shard.tokens(local).slice();
      const dropped = [...fieldsOf(before).keys()].filter((attribute) => !this.weights.has(attribute));
      const codes = this.#writer.write(
        before,
        dropped.map((attribute) => ({ attribute, texts: [] })),
      );
      const title = isSameTitle ? shard.title(local) : this.#titleOf(codes);
      if (codes.length > 0) this.#add({ number: shard.numbers[local]!, state, title, codes });
    }
  }

  /** The words of what is the title now: how they were written is not known any more. */
  #titleOf(codes: Uint32Array): string {
    const field = fieldsOf(codes).get(this.title);
    if (field === undefined) return '';
    const words = Array.from(field.subarray(2)).filter((code) => code !== BREAK && (code & 1) === 0);
    return words.map((code) => this.vocabulary.word(wordOf(code))).join(' ');
  }

  #count({ number, state, title, codes }: Document, step: 1 | -1): void {
    const { vocabulary } = this;
    this.#counter.count(codes, this.weights);
    for (const term of this.#counter.terms) vocabulary.countDocument(term, step);
    this.length += step * this.#counter.length;
    this.count += step;
    const hash = this.#hash.of(number, state, title, codes);
    this.hash = BigInt.asUintN(HASH_BITS, step === 1 ? this.hash + hash : this.hash - hash);
    this.changes += 1;
    if (state === STATE.shown) for (const word of this.#titleWords(codes)) vocabulary.countShown(word, step);
  }

  #titleWords(codes: Uint32Array): ReadonlySet<number> {
    const words = new Set<number>();
    let isInTitle = false;
    for (let at = 0; at < codes.length; at++) {
      if (codes[at] === FIELD) isInTitle = codes[++at] === this.title;
      else if (isInTitle && codes[at] !== BREAK) words.add(wordOf(codes[at]!));
    }
    return words;
  }
}

function areEqual(one: Uint32Array, other: Uint32Array): boolean {
  return one.length === other.length && one.every((code, at) => code === other[at]);
}
