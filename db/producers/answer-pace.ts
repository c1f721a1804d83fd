/** How long answers take, to suggest to a refused append when there may be room. */

const SMOOTHING = 8;
const DELAY_MILLIS_MIN = 1;
const DELAY_MILLIS_MAX = 1000;

export class AnswerPace {
  #millis = 0;
  #quietSince = 0;

  /** Something is under way where nothing was. Times in milliseconds of performance.now(). */
  begins(now: number): void {
    this.#quietSince = now;
  }

  answered(now: number, millis: number): void {
    this.#quietSince = now;
    this.#millis += (millis - this.#millis) / SMOOTHING;
  }

  /**
   * Milliseconds after which what is under way now should have been answered: as long as answers took lately, or as long as
   * none has come if that is longer. Whole, 1 to 1000, like the delay the log itself suggests.
   */
  millisForAll(now: number): number {
    const millis = Math.max(this.#millis, now - this.#quietSince);
    return Math.min(Math.max(Math.ceil(millis), DELAY_MILLIS_MIN), DELAY_MILLIS_MAX);
  }
}
