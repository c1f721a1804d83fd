/** Columns of one number a candidate, used again and again: a query allocates next to nothing once its thread is warm. */
export class Memory {
  /** Candidates a column has room for. */
  readonly capacity: number;
  readonly #columns: Float64Array[] = [];
  readonly #masks: Uint8Array[] = [];

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  /** What is in it is left over from somebody else. */
  column(): Float64Array {
    return this.#columns.pop() ?? new Float64Array(this.capacity);
  }

  mask(): Uint8Array {
    return this.#masks.pop() ?? new Uint8Array(this.capacity);
  }

  give(column: Float64Array): void {
    this.#columns.push(column);
  }

  giveMask(mask: Uint8Array): void {
    this.#masks.push(mask);
  }
}
