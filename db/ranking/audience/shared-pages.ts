/**
 * Pages of words that a copy can be taken of without copying: `hold` gives the pages as they are, and whoever writes into one
 * of them afterwards writes into a copy. So a checkpoint of hundreds of megabytes holds up nobody.
 */

/** Pages as they were at one moment. To be released when nobody reads them any more. */
export interface HeldPages {
  readonly pages: readonly Uint32Array[];
  release(): void;
}

export class SharedPages {
  readonly #pages: Uint32Array[] = [];
  /** 1: somebody holds the page, so it must not change. */
  #held = new Uint8Array(16);
  #holders = 0;

  /** For reading only. */
  get pages(): readonly Uint32Array[] {
    return this.#pages;
  }

  forWriting(page: number): Uint32Array {
    if (this.#held[page] === 1) this.put(page, this.#pages[page]!.slice());
    return this.#pages[page]!;
  }

  /** Adds the page behind the last, or replaces one. */
  put(page: number, words: Uint32Array): void {
    if (page >= this.#held.length) {
      const larger = new Uint8Array(this.#held.length * 2);
      larger.set(this.#held);
      this.#held = larger;
    }
    this.#pages[page] = words;
    this.#held[page] = 0;
  }

  hold(): HeldPages {
    this.#holders += 1;
    this.#held.fill(1, 0, this.#pages.length);
    let released = false;
    return {
      pages: this.#pages.slice(),
      release: () => {
        if (released) return;
        released = true;
        this.#holders -= 1;
        if (this.#holders === 0) this.#held.fill(0);
      },
    };
  }

  get bytes(): number {
    return this.#pages.reduce((sum, page) => sum + page.byteLength, 0);
  }
}
