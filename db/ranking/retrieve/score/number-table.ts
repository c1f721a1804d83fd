const EMPTY = 0;

/** Places of entity numbers, found by hash: what a Map does, in two typed arrays that are used again. Number 0 is no key. */
export class NumberTable {
  #keys = new Uint32Array(1024);
  #places = new Int32Array(1024);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Empties it and makes room for `count` numbers. */
  reset(count: number): void {
    let slots = this.#keys.length;
    while (slots < count * 2) slots *= 2;
    if (slots !== this.#keys.length) {
      this.#keys = new Uint32Array(slots);
      this.#places = new Int32Array(slots);
    } else {
      this.#keys.fill(EMPTY);
    }
    this.#size = 0;
  }

  /** The place of a number, which is the next free one when it is new. */
  place(number: number): number {
    const slot = this.#slot(number);
    if (this.#keys[slot] !== EMPTY) return this.#places[slot]!;
    this.#keys[slot] = number;
    this.#places[slot] = this.#size;
    return this.#size++;
  }

  /** -1: it is not there. */
  find(number: number): number {
    const slot = this.#slot(number);
    return this.#keys[slot] === EMPTY ? -1 : this.#places[slot]!;
  }

  #slot(number: number): number {
    const mask = this.#keys.length - 1;
    let slot = Math.imul(number, 0x9e3779b1) >>> 7;
    for (slot &= mask; this.#keys[slot] !== EMPTY && this.#keys[slot] !== number; slot = (slot + 1) & mask);
    return slot;
  }
}
