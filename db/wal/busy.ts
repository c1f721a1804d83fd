/** What fraction of the last seconds a thing was busy, from a counter of busy time that only grows. */

const WINDOW_NANOS = 10_000_000_000n;

interface Sample {
  readonly at: bigint;
  readonly busyMicros: number;
}

export class BusyFraction {
  #older: Sample;
  #newer: Sample;

  constructor(at: bigint) {
    this.#older = { at, busyMicros: 0 };
    this.#newer = this.#older;
  }

  /** 0 to 1, over at least the last ten seconds and at most the last twenty if asked regularly. */
  read(at: bigint, busyMicros: number): number {
    if (at - this.#newer.at > WINDOW_NANOS) {
      this.#older = this.#newer;
      this.#newer = { at, busyMicros };
    }
    const elapsedMicros = Number(at - this.#older.at) / 1000;
    return elapsedMicros > 0 ? Math.min((busyMicros - this.#older.busyMicros) / elapsedMicros, 1) : 0;
  }
}
