/**
 * How much of appends may be under way for all connections together. Beyond it a session whose next request is an append
 * stops there, and TCP makes its client wait: cheaper for both sides than to send, refuse with BUSY and send again.
 * Sessions that only read are not held up. BUSY remains for what the log itself cannot take.
 */
export class Admission {
  readonly #bytesMax: number;
  readonly #waiting = new Set<() => void>();
  #bytes = 0;
  #waking = false;

  /** `bytesMax` may be passed by one append, so that none is too large to be ever admitted. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get open(): boolean {
    return this.#bytes < this.#bytesMax;
  }

  take(bytes: number): void {
    this.#bytes += bytes;
  }

  give(bytes: number): void {
    this.#bytes -= bytes;
    if (this.#waking || this.#waiting.size === 0) return;
    this.#waking = true;
    // Not at once: all answers of this turn give back first.
    setImmediate(() => {
      this.#waking = false;
      this.#wake();
    });
  }

  /** `resume` is called once there is room; those who wait longest come first. */
  wait(resume: () => void): void {
    this.#waiting.add(resume);
  }

  forget(resume: () => void): void {
    this.#waiting.delete(resume);
  }

  #wake(): void {
    for (const resume of this.#waiting) {
      if (!this.open) return;
      this.#waiting.delete(resume);
      resume();
    }
  }
}
