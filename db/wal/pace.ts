/** When so many bytes may have been read: time comes in, a delay goes out. */
export class Pace {
  readonly #bytesPerSecond: number;
  #due = 0n;

  constructor(bytesPerSecond: number) {
    this.#bytesPerSecond = bytesPerSecond;
  }

  /** Nanoseconds to wait after reading `bytes`. Time that was not used is not saved up. */
  delayAfter(bytes: number, nowNanos: bigint): bigint {
    const begun = this.#due > nowNanos ? this.#due : nowNanos;
    this.#due = begun + BigInt(Math.ceil((bytes * 1e9) / this.#bytesPerSecond));
    return this.#due - nowNanos;
  }
}
