/**
 * Totals of some thousand items of one signal, 16 bytes each: a value, how many events, and when the first was. The value is
 * the decayed score as the landmark sees it, or the sum of weights where nothing decays exponentially. Beside a score, weights
 * take memory only where they differ: as long as all events of the page have the same, it is the page's unit.
 */
import { createHash } from 'node:crypto';
import { ITEM_PAGE_ROWS } from '../counting/index.ts';

/** Numbers of an item's record: value, and count and first second as words; the sum of weights behind them where it is kept. */
const PLAIN = 2;
const WEIGHED = 3;
/** Words of an item's record behind its value. */
const COUNT = 2;
const FIRST = 3;

export class TotalsPage {
  #numbers: Float64Array<ArrayBuffer>;
  #words: Uint32Array;
  /** Numbers of a record. */
  #stride: number;
  /** Weight of every event so far, where weights are not kept; NaN before the first. */
  #unit: number;
  #version: number;
  /** Whether a checkpoint may still read it: it is copied before it changes. */
  #isLent = false;
  #digest: { readonly version: number; readonly bytes: Uint8Array } | null = null;

  constructor({ numbers, unit, version }: PageColumns) {
    this.#numbers = numbers;
    this.#words = new Uint32Array(numbers.buffer);
    this.#stride = numbers.length / ITEM_PAGE_ROWS;
    this.#unit = unit;
    this.#version = version;
  }

  static empty(): TotalsPage {
    const numbers = new Float64Array(ITEM_PAGE_ROWS * PLAIN);
    return new TotalsPage({ numbers, unit: Number.NaN, version: 0 });
  }

  /** Grows with every change. */
  get version(): number {
    return this.#version;
  }

  get memoryBytes(): number {
    return this.#numbers.byteLength;
  }

  value(row: number): number {
    return this.#numbers[row * this.#stride]!;
  }

  count(row: number): number {
    return this.#words[row * this.#stride * 2 + COUNT]!;
  }

  /** Second of the first event; of an item that has one. */
  firstSecond(row: number): number {
    return this.#words[row * this.#stride * 2 + FIRST]!;
  }

  /** Sum of weights, where the value is a score. */
  weight(row: number): number {
    if (this.#stride === WEIGHED) return this.#numbers[row * WEIGHED + PLAIN]!;
    const count = this.count(row);
    return count === 0 ? 0 : count * this.#unit;
  }

  /** Counts an event whose weight is the value. */
  add(row: number, weight: number, second: number): void {
    this.#beforeChange();
    this.#addValue(row * this.#stride, weight, second);
  }

  /** Counts an event that adds so much to the value, and keeps its weight. */
  addScored(row: number, score: number, weight: number, second: number): void {
    this.#beforeChange();
    if (this.#stride === PLAIN && weight !== this.#unit) this.#tellWeights(weight);
    const at = row * this.#stride;
    if (this.#stride === WEIGHED) this.#numbers[at + PLAIN]! += weight;
    this.#addValue(at, score, second);
  }

  /** Multiplies all values. */
  scale(factor: number): void {
    this.#beforeChange();
    for (let at = 0; at < this.#numbers.length; at += this.#stride) this.#numbers[at]! *= factor;
  }

  /** Makes values of `valueAt`, and of what they are now the weights; or the other way round. */
  become(values: 'scores' | 'weights', valueAt: (row: number) => number): void {
    this.#beforeChange();
    const now = Float64Array.from({ length: ITEM_PAGE_ROWS }, (_, row) => valueAt(row));
    const before = Float64Array.from({ length: ITEM_PAGE_ROWS }, (_, row) => this.value(row));
    this.#restride(values === 'scores' ? WEIGHED : PLAIN);
    for (let row = 0; row < ITEM_PAGE_ROWS; row++) {
      this.#numbers[row * this.#stride] = now[row]!;
      if (this.#stride === WEIGHED) this.#numbers[row * WEIGHED + PLAIN] = before[row]!;
    }
    this.#unit = Number.NaN;
  }

  /** What a checkpoint writes: it stays as it is although the page changes. */
  lend(): PageColumns {
    this.#isLent = true;
    return { numbers: this.#numbers, unit: this.#unit, version: this.#version };
  }

  digest(): Uint8Array {
    if (this.#digest?.version !== this.#version)
      this.#digest = { version: this.#version, bytes: this.#computeDigest() };
    return this.#digest.bytes;
  }

  #addValue(at: number, value: number, second: number): void {
    this.#numbers[at]! += value;
    const words = this.#words;
    const word = at * 2;
    const count = words[word + COUNT]! + 1;
    words[word + COUNT] = count;
    if (count === 1 || second < words[word + FIRST]!) words[word + FIRST] = second;
  }

  #beforeChange(): void {
    this.#version += 1;
    if (this.#isLent) this.#restride(this.#stride);
  }

  #tellWeights(weight: number): void {
    if (Number.isNaN(this.#unit)) {
      this.#unit = weight;
      return;
    }
    const weights = Float64Array.from({ length: ITEM_PAGE_ROWS }, (_, row) => this.weight(row));
    this.#restride(WEIGHED);
    for (let row = 0; row < ITEM_PAGE_ROWS; row++) this.#numbers[row * WEIGHED + PLAIN] = weights[row]!;
  }

  /** Copies values, counts and first seconds to records of another size, or of the same. */
  #restride(stride: number): void {
    const words = this.#words;
    const from = this.#stride * 2;
    const to = stride * 2;
    this.#numbers = new Float64Array(ITEM_PAGE_ROWS * stride);
    this.#words = new Uint32Array(this.#numbers.buffer);
    if (from === to) this.#words.set(words);
    else
      for (let row = 0; row < ITEM_PAGE_ROWS; row++)
        for (let word = 0; word < PLAIN * 2; word++) this.#words[row * to + word] = words[row * from + word]!;
    this.#stride = stride;
    this.#isLent = false;
  }

  #computeDigest(): Uint8Array {
    const unit = Float64Array.of(this.#unit);
    const digest = createHash('sha256').update(new Uint8Array(unit.buffer));
    return digest.update(new Uint8Array(this.#numbers.buffer)).digest();
  }
}

export interface PageColumns {
  /** Two or three for each row. */
  readonly numbers: Float64Array<ArrayBuffer>;
  readonly unit: number;
  readonly version: number;
}
