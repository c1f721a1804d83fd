/**
 * Rows by their distance, nearest or farthest on top. Of rows equally far the one with the smaller number counts as nearer, so
 * that an order never depends on when something came in.
 */

const CAPACITY_FIRST = 64;

export class RowHeap {
  /** 1: the nearest is on top, -1: the farthest. */
  readonly #order: 1 | -1;
  /** Numbers by row, for ties. */
  #numbers: Uint32Array = new Uint32Array(0);
  /** Distances, times the order: the smallest is on top. */
  #keys = new Float64Array(CAPACITY_FIRST);
  #rows = new Uint32Array(CAPACITY_FIRST);
  #size = 0;

  constructor(top: 'nearest' | 'farthest') {
    this.#order = top === 'nearest' ? 1 : -1;
  }

  get size(): number {
    return this.#size;
  }

  /** Of the top; nothing is to be asked of an empty heap. */
  get distance(): number {
    return this.#keys[0]! * this.#order;
  }

  get row(): number {
    return this.#rows[0]!;
  }

  clear(numbers: Uint32Array): void {
    this.#numbers = numbers;
    this.#size = 0;
  }

  push(distance: number, row: number): void {
    if (this.#size === this.#keys.length) this.#grow();
    const key = distance * this.#order;
    let at = this.#size++;
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      if (!this.#before(key, row, this.#keys[parent]!, this.#rows[parent]!)) break;
      this.#move(parent, at);
      at = parent;
    }
    this.#put(at, key, row);
  }

  /** Takes the top away. */
  pop(): void {
    this.#size -= 1;
    if (this.#size > 0) this.#sink(this.#keys[this.#size]!, this.#rows[this.#size]!);
  }

  /** Puts another in the place of the top. */
  replace(distance: number, row: number): void {
    this.#sink(distance * this.#order, row);
  }

  /** Whether a row would stand before the top of a heap of the nearest, behind it in one of the farthest. */
  isNearer(distance: number, row: number): boolean {
    const top = this.distance;
    return distance !== top ? distance < top : this.#numberBefore(row, this.#rows[0]!);
  }

  #sink(key: number, row: number): void {
    const size = this.#size;
    let at = 0;
    for (let child = 1; child < size; child = at * 2 + 1) {
      const right = child + 1;
      if (
        right < size &&
        this.#before(this.#keys[right]!, this.#rows[right]!, this.#keys[child]!, this.#rows[child]!)
      )
        child = right;
      if (!this.#before(this.#keys[child]!, this.#rows[child]!, key, row)) break;
      this.#move(child, at);
      at = child;
    }
    this.#put(at, key, row);
  }

  #before(key: number, row: number, otherKey: number, otherRow: number): boolean {
    if (key !== otherKey) return key < otherKey;
    return this.#numberBefore(row, otherRow) === (this.#order === 1);
  }

  /** Two rows have one number only where one of them is not held any more. */
  #numberBefore(row: number, other: number): boolean {
    const number = this.#numbers[row]!;
    const otherNumber = this.#numbers[other]!;
    return number !== otherNumber ? number < otherNumber : row < other;
  }

  #move(from: number, to: number): void {
    this.#keys[to] = this.#keys[from]!;
    this.#rows[to] = this.#rows[from]!;
  }

  #put(at: number, key: number, row: number): void {
    this.#keys[at] = key;
    this.#rows[at] = row;
  }

  #grow(): void {
    const keys = new Float64Array(this.#size * 2);
    const rows = new Uint32Array(this.#size * 2);
    keys.set(this.#keys);
    rows.set(this.#rows);
    this.#keys = keys;
    this.#rows = rows;
  }
}
