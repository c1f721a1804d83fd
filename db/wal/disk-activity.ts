/** How busy the disk was in the last seconds and how fast it took bytes while busy, from counters that only grow. */

const WINDOW_NANOS = 10_000_000_000n;
/** Assumed before anything has been written: what a slow disk does. */
const BYTES_PER_MICRO_ASSUMED = 50;
const DELAY_MILLIS_MIN = 1;
const DELAY_MILLIS_MAX = 1000;

interface Sample {
  readonly at: bigint;
  readonly busyMicros: number;
  readonly bytes: number;
}

export class DiskActivity {
  #older: Sample;
  #newer: Sample;
  #now: Sample;

  constructor(at: bigint) {
    this.#older = { at, busyMicros: 0, bytes: 0 };
    this.#newer = this.#older;
    this.#now = this.#older;
  }

  /** Takes the counters as they are now. */
  sample(at: bigint, busyMicros: number, bytes: number): this {
    this.#now = { at, busyMicros, bytes };
    if (at - this.#newer.at > WINDOW_NANOS) {
      this.#older = this.#newer;
      this.#newer = this.#now;
    }
    return this;
  }

  /** 0 to 1, over at least the last ten seconds and at most the last twenty if sampled regularly. */
  get busyFraction(): number {
    const elapsedMicros = Number(this.#now.at - this.#older.at) / 1000;
    if (elapsedMicros <= 0) return 0;
    return Math.min((this.#now.busyMicros - this.#older.busyMicros) / elapsedMicros, 1);
  }

  /** Milliseconds after which so many queued bytes will have been written at the present pace: whole, 1 to 1000. */
  millisFor(bytes: number): number {
    const micros = this.#now.busyMicros - this.#older.busyMicros;
    const written = this.#now.bytes - this.#older.bytes;
    const pace = micros > 0 && written > 0 ? written / micros : BYTES_PER_MICRO_ASSUMED;
    return Math.min(Math.max(Math.ceil(bytes / pace / 1000), DELAY_MILLIS_MIN), DELAY_MILLIS_MAX);
  }
}
