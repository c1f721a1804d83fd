/** How many different pairs and cells signals have made: what memory is divided by. */
import { AGE_GROUPS, COUNTRIES, DEVICES, type MadeSignal, SIGNALS, type World } from './world.ts';

const TUPLES = COUNTRIES.length * AGE_GROUPS.length * DEVICES.length;
/** Signals that count for cohorts: those before it in SIGNALS. */
const COUNTED_FOR_COHORTS = SIGNALS.indexOf('share');
const FILL_MOST = 0.5;

export class DistinctPairs {
  readonly #world: World;
  readonly #itemSignals = new NumberHashes();
  readonly #cells = new NumberHashes();
  #signals = 0;

  constructor(world: World) {
    this.#world = world;
  }

  /** Of all that were added. */
  get signals(): number {
    return this.#signals;
  }

  get itemSignals(): number {
    return this.#itemSignals.size;
  }

  /** Of an item, a signal that counts for cohorts, and the tuple of who gave it. */
  get cells(): number {
    return this.#cells.size;
  }

  add({ signal, item, user }: Readonly<MadeSignal>): void {
    this.#signals += 1;
    const pair = item * SIGNALS.length + signal;
    this.#itemSignals.add(pair);
    if (signal < COUNTED_FOR_COHORTS) this.#cells.add(pair * TUPLES + this.#world.tuple(user));
  }
}

/** A set of whole numbers from 0 that grows without an object for each. */
export class NumberHashes {
  /** The number and one; 0: free. */
  #slots = new Float64Array(1024);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(number: number): void {
    if (this.#size >= this.#slots.length * FILL_MOST) this.#grow();
    if (place(this.#slots, number + 1)) this.#size += 1;
  }

  #grow(): void {
    const grown = new Float64Array(this.#slots.length * 2);
    for (const value of this.#slots) if (value !== 0) place(grown, value);
    this.#slots = grown;
  }
}

/** False when it is there already. */
function place(slots: Float64Array, value: number): boolean {
  const mask = slots.length - 1;
  const mixed = Math.imul(value | 0, 0x9e3779b1) ^ Math.imul(Math.floor(value / 0x1_0000_0000), 0x85ebca6b);
  let slot = (mixed ^ (mixed >>> 15)) & mask;
  while (slots[slot] !== 0) {
    if (slots[slot] === value) return false;
    slot = (slot + 1) & mask;
  }
  slots[slot] = value;
  return true;
}
