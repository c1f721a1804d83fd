/**
 * The best of many: a heap of at most `limit` items with the worst on top, so that all others are turned away by one
 * comparison. Larger values are better, and of equal ones the smaller item, so there is never a choice.
 */

const ROOM_FIRST = 64;

/** Items and their values, best first. */
export interface Ranking {
  readonly items: Uint32Array;
  readonly values: Float64Array;
}

export class Best {
  readonly #limit: number;
  #values: Float64Array;
  #items: Uint32Array;
  #size = 0;

  constructor(limit: number) {
    this.#limit = limit;
    const room = Math.min(limit, ROOM_FIRST);
    this.#values = new Float64Array(room);
    this.#items = new Uint32Array(room);
  }

  get size(): number {
    return this.#size;
  }

  /** Whether it would turn away what is worse than what it has. */
  get isFull(): boolean {
    return this.#size === this.#limit;
  }

  /** Value and item of the worst that is in it; it has some. */
  get worstValue(): number {
    return this.#values[0]!;
  }

  get worstItem(): number {
    return this.#items[0]!;
  }

  offer(value: number, item: number): void {
    if (this.#size === this.#limit) {
      const worst = this.#values[0]!;
      if (value > worst || (value === worst && item < this.#items[0]!)) this.#settle(value, item);
      return;
    }
    if (this.#size === this.#values.length) this.#grow();
    this.#rise(value, item);
  }

  /** All of it, best first; it is empty afterwards. */
  take(): Ranking {
    const items = new Uint32Array(this.#size);
    const values = new Float64Array(this.#size);
    for (let at = this.#size - 1; at >= 0; at--) {
      items[at] = this.#items[0]!;
      values[at] = this.#values[0]!;
      this.#size = at;
      this.#settle(this.#values[at]!, this.#items[at]!);
    }
    return { items, values };
  }

  /** Puts an item at the end and lets it rise above those that are better. */
  #rise(value: number, item: number): void {
    const values = this.#values;
    const items = this.#items;
    let at = this.#size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = values[parent]!;
      if (above < value || (above === value && items[parent]! > item)) break;
      values[at] = above;
      items[at] = items[parent]!;
      at = parent;
    }
    values[at] = value;
    items[at] = item;
  }

  /** Puts an item in place of the one on top and lets it sink below those that are worse. */
  #settle(value: number, item: number): void {
    const values = this.#values;
    const items = this.#items;
    const size = this.#size;
    let at = 0;
    for (let child = 1; child < size; child = at * 2 + 1) {
      const other = child + 1;
      if (other < size && isWorse(values[other]!, items[other]!, values[child]!, items[child]!))
        child = other;
      if (!isWorse(values[child]!, items[child]!, value, item)) break;
      values[at] = values[child]!;
      items[at] = items[child]!;
      at = child;
    }
    values[at] = value;
    items[at] = item;
  }

  #grow(): void {
    const room = Math.min(this.#limit, this.#values.length * 2);
    const values = new Float64Array(room);
    values.set(this.#values);
    const items = new Uint32Array(room);
    items.set(this.#items);
    this.#values = values;
    this.#items = items;
  }
}

function isWorse(value: number, item: number, thanValue: number, thanItem: number): boolean {
  return value < thanValue || (value === thanValue && item > thanItem);
}
