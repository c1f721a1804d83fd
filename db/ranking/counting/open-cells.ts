/**
 * Cells that still grow: a hash table by group and item, open addressing with linear probing, twelve bytes a slot. Tables are used
 * again when they have become a run, because most of them grow to about the size of the one before.
 */

import { cellOrder } from './cell-order.ts';
import type { CellRun } from './cell-run.ts';
import { RunBuilder } from './run-builder.ts';

const SLOTS_MIN = 16;
/** Words of a slot: item (0: free), group, count. */
const WORDS = 3;
/** Share of the slots that are taken at most, in eighths. */
const FILL_EIGHTHS = 5;
const GOLDEN = 0x9e37_79b1;
const MIXER = 0x85eb_ca6b;

/** Tables waiting to be used again, by the logarithm of their slots; so many of each. */
const waiting: OpenCells[][] = [];
const WAITING_MAX = 16;

export class OpenCells {
  #words: Uint32Array;
  /** Slots that are taken, in the order in which they were. */
  #taken: Uint32Array;
  #weights: Float64Array | null = null;
  /** Whether events differ in weight; if so, `#weights` has the sums. */
  #weighs = false;
  #unit = 0;
  #mask: number;
  #shift: number;
  #size = 0;
  /** Bits that any of the items, and of the groups, has. */
  #itemBits = 0;
  #groupBits = 0;

  private constructor(slots: number) {
    this.#words = new Uint32Array(slots * WORDS);
    this.#taken = new Uint32Array(roomOf(slots));
    this.#mask = slots - 1;
    this.#shift = Math.clz32(slots) + 1;
  }

  /** An empty one with room for about so many cells; more may come. `unit`: the weight of the first event. */
  static begin(unit: number, cells: number): OpenCells {
    const slots = slotsFor(cells);
    const open = waiting[Math.clz32(slots)]?.pop() ?? new OpenCells(slots);
    open.#unit = unit;
    return open;
  }

  get size(): number {
    return this.#size;
  }

  get memoryBytes(): number {
    return this.#words.byteLength + this.#taken.byteLength + (this.#weights?.byteLength ?? 0);
  }

  /** `weight`: of one of the `amount` events. */
  add(group: number, item: number, amount: number, weight: number): void {
    if (!this.#weighs && weight !== this.#unit) this.#tellWeights();
    const slot = this.#find(group, item);
    const words = this.#words;
    const at = slot * WORDS;
    words[at + 2]! += amount;
    if (this.#weighs) this.#weights![slot]! += weight * amount;
    if (words[at] !== 0) return;
    words[at] = item;
    words[at + 1] = group;
    this.#itemBits |= item;
    this.#groupBits |= group;
    this.#taken[this.#size++] = slot;
    if (this.#size === this.#taken.length) this.#grow();
  }

  /** In no order that matters. */
  forEach(visit: (group: number, item: number, count: number, weight: number) => void): void {
    const words = this.#words;
    for (let each = 0; each < this.#size; each++) {
      const slot = this.#taken[each]!;
      const at = slot * WORDS;
      visit(words[at + 1]!, words[at]!, words[at + 2]!, this.#weightAt(slot));
    }
  }

  /** All of it in order; the table is given up. */
  intoRun(): CellRun {
    const builder = new RunBuilder(this.#size, this.#weighs ? null : this.#unit);
    const words = this.#words;
    let group = -1;
    const bits = [this.#itemBits, this.#groupBits] as const;
    const order = cellOrder(this.#taken.slice(0, this.#size), words, WORDS, bits);
    for (let each = 0; each < order.length; each++) {
      const slot = order[each]!;
      const at = slot * WORDS;
      if (words[at + 1] !== group) {
        group = words[at + 1]!;
        builder.begin(group);
      }
      builder.add(words[at]!, words[at + 2]!, this.#weightAt(slot));
    }
    this.#giveUp();
    return builder.finish();
  }

  #giveUp(): void {
    for (let each = 0; each < this.#size; each++) {
      const slot = this.#taken[each]!;
      for (let word = 0; word < WORDS; word++) this.#words[slot * WORDS + word] = 0;
      if (this.#weighs) this.#weights![slot] = 0;
    }
    this.#size = 0;
    this.#itemBits = 0;
    this.#groupBits = 0;
    this.#weighs = false;
    const size = Math.clz32(this.#mask + 1);
    waiting[size] ??= [];
    if (waiting[size].length < WAITING_MAX) waiting[size].push(this);
  }

  #weightAt(slot: number): number {
    return this.#weighs ? this.#weights![slot]! : this.#words[slot * WORDS + 2]! * this.#unit;
  }

  /** Slot of the cell, or the free one where it belongs. */
  #find(group: number, item: number): number {
    const words = this.#words;
    const mask = this.#mask;
    let slot = Math.imul(item ^ Math.imul(group, MIXER), GOLDEN) >>> this.#shift;
    for (let at = slot * WORDS; words[at] !== 0; at = slot * WORDS) {
      if (words[at] === item && words[at + 1] === group) break;
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  #tellWeights(): void {
    this.#weights ??= new Float64Array(this.#mask + 1);
    for (let each = 0; each < this.#size; each++) {
      const slot = this.#taken[each]!;
      this.#weights[slot] = this.#words[slot * WORDS + 2]! * this.#unit;
    }
    this.#weighs = true;
  }

  #grow(): void {
    const words = this.#words;
    const weights = this.#weights;
    const taken = this.#taken;
    const slots = (this.#mask + 1) * 2;
    this.#words = new Uint32Array(slots * WORDS);
    this.#taken = new Uint32Array(roomOf(slots));
    this.#weights = weights === null ? null : new Float64Array(slots);
    this.#mask = slots - 1;
    this.#shift -= 1;
    for (let each = 0; each < this.#size; each++) {
      const slot = taken[each]!;
      const at = slot * WORDS;
      const place = this.#find(words[at + 1]!, words[at]!);
      for (let word = 0; word < WORDS; word++) this.#words[place * WORDS + word] = words[at + word]!;
      if (this.#weighs) this.#weights![place] = weights![slot]!;
      this.#taken[each] = place;
    }
  }
}

/** Cells that so many slots have room for. */
function roomOf(slots: number): number {
  return (slots * FILL_EIGHTHS) >>> 3;
}

function slotsFor(cells: number): number {
  let slots = SLOTS_MIN;
  while (roomOf(slots) <= cells) slots *= 2;
  return slots;
}
