/** More rows of its sources would have to be looked at for one change than may be: the projection is refreshed instead. */
export class FanOut extends Error {}

/** Counts rows that are looked at. The count depends on the rows alone, so it runs out at the same place everywhere. */
export class Budget {
  #left: number;

  constructor(rows: number) {
    this.#left = rows;
  }

  /** Throws FanOut when nothing is left. */
  take(): void {
    this.#left -= 1;
    if (this.#left < 0) throw new FanOut('too many rows for one change');
  }

  /** Takes so many without throwing; false when that was the last. */
  spare(rows: number): boolean {
    this.#left -= rows;
    return this.#left > 0;
  }
}
