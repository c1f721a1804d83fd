/** Cells that still grow: a hash table by group and item, open addressing with linear probing, twelve bytes a slot. */
import { type CellRun, RunBuilder } from './cell-run.ts';
import { radixOrder } from './radix-order.ts';

const SLOTS_FIRST = 16;
/** Words of a slot: item (0: free), group, count. */
const WORDS = 3;
const FILL_MOST = 0.6;
const GOLDEN = 0x9e37_79b1;
const MIXER = 0x85eb_ca6b;

export class OpenCells {
  #words = new Uint32Array(SLOTS_FIRST * WORDS);
  /** Null while all events have the same weight. */
  #weights: Float64Array | null = null;
  readonly #unit: number;
  #shift = 32 - Math.log2(SLOTS_FIRST);
  #size = 0;

  /** `unit`: the weight of the first event. */
  constructor(unit: number) {
    this.#unit = unit;
  }

  get size(): number {
    return this.#size;
  }

  get memoryBytes(): number {
    return this.#words.byteLength + (this.#weights?.byteLength ?? 0);
  }

  /** `weight`: of one of the `amount` events. */
  add(group: number, item: number, amount: number, weight: number): void {
    if (this.#weights === null && weight !== this.#unit) this.#tellWeights();
    const slot = this.#find(group, item);
    const at = slot * WORDS;
    this.#words[at + 2]! += amount;
    if (this.#weights !== null) this.#weights[slot]! += weight * amount;
    if (this.#words[at] !== 0) return;
    this.#words[at] = item;
    this.#words[at + 1] = group;
    this.#size += 1;
    if (this.#size * WORDS > this.#words.length * FILL_MOST) this.#grow();
  }

  /** In no order. */
  forEach(visit: (group: number, item: number, count: number, weight: number) => void): void {
    const words = this.#words;
    for (let at = 0, slot = 0; at < words.length; at += WORDS, slot++) {
      if (words[at] !== 0) visit(words[at + 1]!, words[at]!, words[at + 2]!, this.#weightAt(slot));
    }
  }

  /** All of it in order. */
  toRun(): CellRun {
    const builder = new RunBuilder(this.#size, this.#weights === null ? this.#unit : null);
    const words = this.#words;
    let group = -1;
    for (const slot of radixOrder(this.#slots(), words, { stride: WORDS, first: 1, second: 0 })) {
      const at = slot * WORDS;
      if (words[at + 1] !== group) {
        group = words[at + 1]!;
        builder.begin(group);
      }
      builder.add(words[at]!, words[at + 2]!, this.#weightAt(slot));
    }
    return builder.finish();
  }

  #slots(): Uint32Array {
    const slots = new Uint32Array(this.#size);
    let count = 0;
    for (let slot = 0; slot * WORDS < this.#words.length; slot++) {
      if (this.#words[slot * WORDS] !== 0) slots[count++] = slot;
    }
    return slots;
  }

  #weightAt(slot: number): number {
    return this.#weights === null ? this.#words[slot * WORDS + 2]! * this.#unit : this.#weights[slot]!;
  }

  /** Slot of the cell, or the free one where it belongs. */
  #find(group: number, item: number): number {
    const words = this.#words;
    const last = words.length / WORDS - 1;
    let slot = Math.imul(item ^ Math.imul(group, MIXER), GOLDEN) >>> this.#shift;
    for (let at = slot * WORDS; words[at] !== 0; at = slot * WORDS) {
      if (words[at] === item && words[at + 1] === group) break;
      slot = slot === last ? 0 : slot + 1;
    }
    return slot;
  }

  #tellWeights(): void {
    const weights = new Float64Array(this.#words.length / WORDS);
    for (let slot = 0; slot < weights.length; slot++) weights[slot] = this.#weightAt(slot);
    this.#weights = weights;
  }

  #grow(): void {
    const words = this.#words;
    const weights = this.#weights;
    this.#words = new Uint32Array(words.length * 2);
    this.#weights = weights === null ? null : new Float64Array(weights.length * 2);
    this.#shift -= 1;
    for (let at = 0, slot = 0; at < words.length; at += WORDS, slot++) {
      if (words[at] === 0) continue;
      const place = this.#find(words[at + 1]!, words[at]!);
      this.#words.set(words.subarray(at, at + WORDS), place * WORDS);
      if (this.#weights !== null) this.#weights[place] = weights![slot]!;
    }
  }
}
