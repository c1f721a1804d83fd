/** Those who wait for something to happen under a key. Waking resolves all of them; each asks again for itself. */
export class Waiters<Key> {
  readonly #waiting = new Map<Key, Set<() => void>>();

  get waiting(): boolean {
    return this.#waiting.size > 0;
  }

  /** Resolves at the next `wake` of the key or when the signal is aborted. */
  wait(key: Key, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) {
        resolve();
        return;
      }
      let set = this.#waiting.get(key);
      if (set === undefined) {
        set = new Set();
        this.#waiting.set(key, set);
      }
      const done = (): void => {
        signal.removeEventListener('abort', done);
        set.delete(done);
        if (set.size === 0 && this.#waiting.get(key) === set) this.#waiting.delete(key);
        resolve();
      };
      set.add(done);
      signal.addEventListener('abort', done, { once: true });
    });
  }

  wake(key: Key): void {
    const set = this.#waiting.get(key);
    if (set === undefined) return;
    this.#waiting.delete(key);
    for (const done of [...set]) done();
  }
}
