/**
 * Totals of some thousand items of one signal, 16 bytes each: a value, how many events, and when the first was. The value is
 * the decayed score as the landmark sees it, or the sum of weights where nothing decays exponentially. Beside a score, weights
 * take memory only where they differ: as long as all events of the page have the same, it is the page's unit.
 */
import { createHash } from 'node:crypto';
import { ITEM_PAGE_ROWS } from '../counting/index.ts';

const NUMBERS = 2;
const WORDS = 4;
/** Words of an item's record behind its value. */
const COUNT = 2;
const FIRST = 3;

export class TotalsPage {
  /** Value, then count and first second as words. */
  #numbers: Float64Array<ArrayBuffer>;
  #words: Uint32Array;
  #weights: Float64Array<ArrayBuffer> | null;
  /** NaN before the first event. */
  #unit: number;
  #version: number;
  /** Whether a checkpoint may still read it: it is copied before it changes. */
  #isLent = false;
  #digest: { readonly version: number; readonly bytes: Uint8Array } | null = null;

  constructor(columns: PageColumns) {
    this.#numbers = columns.numbers;
    this.#words = new Uint32Array(columns.numbers.buffer);
    this.#weights = columns.weights;
    this.#unit = columns.unit;
    this.#version = columns.version;
  }

  static empty(): TotalsPage {
    const numbers = new Float64Array(ITEM_PAGE_ROWS * NUMBERS);
    return new TotalsPage({ numbers, weights: null, unit: Number.NaN, version: 0 });
  }

  /** Grows with every change. */
  get version(): number {
    return this.#version;
  }

  get memoryBytes(): number {
    return this.#numbers.byteLength + (this.#weights?.byteLength ?? 0);
  }

  value(row: number): number {
    return this.#numbers[row * NUMBERS]!;
  }

  count(row: number): number {
    return this.#words[row * WORDS + COUNT]!;
  }

  /** Second of the first event; of an item that has one. */
  firstSecond(row: number): number {
    return this.#words[row * WORDS + FIRST]!;
  }

  /** Sum of weights, where the value is a score. */
  weight(row: number): number {
    if (this.#weights !== null) return this.#weights[row]!;
    const count = this.count(row);
    return count === 0 ? 0 : count * this.#unit;
  }

  /** Counts an event that adds so much to the value. */
  add(row: number, value: number, second: number): void {
    this.#beforeChange();
    this.#numbers[row * NUMBERS]! += value;
    const at = row * WORDS;
    const count = this.#words[at + COUNT]! + 1;
    this.#words[at + COUNT] = count;
    if (count === 1 || second < this.#words[at + FIRST]!) this.#words[at + FIRST] = second;
  }

  /** Keeps the weight of an event that is going to be added. */
  weigh(row: number, weight: number): void {
    this.#beforeChange();
    if (this.#weights === null && weight !== this.#unit) this.#tellWeights(weight);
    if (this.#weights !== null) this.#weights[row]! += weight;
  }

  /** Multiplies all values. */
  scale(factor: number): void {
    this.#beforeChange();
    for (let at = 0; at < this.#numbers.length; at += NUMBERS) this.#numbers[at]! *= factor;
  }

  /** Makes values of `valueAt`, and of what they are now the weights; or the other way round. */
  become(values: 'scores' | 'weights', valueAt: (row: number) => number): void {
    this.#beforeChange();
    const weights = values === 'scores' ? new Float64Array(ITEM_PAGE_ROWS) : null;
    for (let row = 0; row < ITEM_PAGE_ROWS; row++) {
      if (weights !== null) weights[row] = this.value(row);
      this.#numbers[row * NUMBERS] = valueAt(row);
    }
    this.#weights = weights;
    this.#unit = Number.NaN;
  }

  /** What a checkpoint writes: it stays as it is although the page changes. */
  lend(): PageColumns {
    this.#isLent = true;
    return { numbers: this.#numbers, weights: this.#weights, unit: this.#unit, version: this.#version };
  }

  digest(): Uint8Array {
    if (this.#digest?.version !== this.#version)
      this.#digest = { version: this.#version, bytes: this.#computeDigest() };
    return this.#digest.bytes;
  }

  #beforeChange(): void {
    this.#version += 1;
    if (!this.#isLent) return;
    this.#isLent = false;
    this.#numbers = this.#numbers.slice();
    this.#words = new Uint32Array(this.#numbers.buffer);
    this.#weights = this.#weights?.slice() ?? null;
  }

  #tellWeights(weight: number): void {
    if (Number.isNaN(this.#unit)) {
      this.#unit = weight;
      return;
    }
    const weights = new Float64Array(ITEM_PAGE_ROWS);
    for (let row = 0; row < ITEM_PAGE_ROWS; row++) weights[row] = this.weight(row);
    this.#weights = weights;
  }

  #computeDigest(): Uint8Array {
    const digest = createHash('sha256').update(new Uint8Array(this.#numbers.buffer));
    if (this.#weights === null)
      return digest.update(new Uint8Array(Float64Array.of(this.#unit).buffer)).digest();
    return digest.update(new Uint8Array(this.#weights.buffer)).digest();
  }
}

export interface PageColumns {
  readonly numbers: Float64Array<ArrayBuffer>;
  /** Null: counts times the unit, or not kept. */
  readonly weights: Float64Array<ArrayBuffer> | null;
  readonly unit: number;
  readonly version: number;
}
