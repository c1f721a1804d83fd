/** Typed arrays that grow by doubling. What is read beyond the count is old content; nobody does. */

const FIRST = 16;

export class GrowingU32 {
  array = new Uint32Array(FIRST);
  count = 0;

  push(value: number): void {
    if (this.count === this.array.length) this.#grow(this.count + 1);
    this.array[this.count++] = value;
  }

  append(values: Uint32Array): void {
    this.reserve(values.length);
    this.array.set(values, this.count);
    this.count += values.length;
  }

  /** Makes room for so many more. */
  reserve(more: number): void {
    if (this.count + more > this.array.length) this.#grow(this.count + more);
  }

  /** The content itself: not a copy, and no longer it once something is added. */
  get values(): Uint32Array {
    return this.array.subarray(0, this.count);
  }

  #grow(least: number): void {
    const grown = new Uint32Array(Math.max(least, this.array.length * 2));
    grown.set(this.array);
    this.array = grown;
  }
}

export class GrowingU8 {
  array = new Uint8Array(FIRST);
  count = 0;

  push(value: number): void {
    if (this.count === this.array.length) {
      const grown = new Uint8Array(this.array.length * 2);
      grown.set(this.array);
      this.array = grown;
    }
    this.array[this.count++] = value;
  }

  get values(): Uint8Array {
    return this.array.subarray(0, this.count);
  }
}
