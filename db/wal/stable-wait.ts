/** Readers at the end of a log that wait for more of it. */
export class StableWait {
  readonly #waiting = new Set<() => void>();

  /** The log has grown, ended or failed: everybody looks again. */
  wakeAll(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  /** True once `reached` says so; false when `over` or the signal ended the wait. */
  async until(
    reached: () => boolean,
    over: () => boolean,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    while (!reached()) {
      if (over() || signal?.aborted === true) return false;
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#waiting.delete(wake);
          signal?.removeEventListener('abort', wake);
          resolve();
        };
        this.#waiting.add(wake);
        signal?.addEventListener('abort', wake);
      });
    }
    return true;
  }
}
