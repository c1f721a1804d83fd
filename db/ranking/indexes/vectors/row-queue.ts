/** Rows in the order they came, each at most once. */
export class RowQueue {
  #rows = new Uint32Array(16);
  #head = 0;
  #tail = 0;

  get size(): number {
    return this.#tail - this.#head;
  }

  get bytes(): number {
    return this.#rows.byteLength;
  }

  push(row: number): void {
    if (this.#tail === this.#rows.length) this.#makeRoom();
    this.#rows[this.#tail++] = row;
  }

  /** Takes the first; there has to be one. */
  shift(): number {
    return this.#rows[this.#head++]!;
  }

  /** In order; a view, until something changes. */
  view(): Uint32Array {
    return this.#rows.subarray(this.#head, this.#tail);
  }

  /** Keeps those only, in their order, that are wanted. */
  keep(wanted: (row: number) => boolean): void {
    let kept = 0;
    for (let at = this.#head; at < this.#tail; at++) {
      const row = this.#rows[at]!;
      if (wanted(row)) this.#rows[kept++] = row;
    }
    this.#head = 0;
    this.#tail = kept;
  }

  #makeRoom(): void {
    const waiting = this.view();
    const rows = this.size * 2 > this.#rows.length ? new Uint32Array(this.#rows.length * 2) : this.#rows;
    rows.set(waiting);
    this.#tail = waiting.length;
    this.#head = 0;
    this.#rows = rows;
  }
}
