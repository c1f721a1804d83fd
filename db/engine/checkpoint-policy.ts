/** Saves the views in the background each time a number of entries has been applied: the tail to replay stays short. */
export class CheckpointPolicy {
  readonly #entriesMax: number;
  readonly #save: () => Promise<void>;
  readonly #report: (line: string) => void;
  #entries = 0;
  #saving = false;

  constructor(entriesMax: number, save: () => Promise<void>, report: (line: string) => void) {
    this.#entriesMax = entriesMax;
    this.#save = save;
    this.#report = report;
  }

  applied(entries: number): void {
    this.#entries += entries;
    if (this.#entries < this.#entriesMax || this.#saving) return;
    this.#entries = 0;
    this.#saving = true;
    this.#save()
      // A checkpoint only saves time at the next start: failing to write one must not stop the database.
      .catch((error: unknown) => {
        this.#report(`views were not saved: ${error instanceof Error ? error.message : String(error)}`);
      })
      .finally(() => {
        this.#saving = false;
      });
  }
}
