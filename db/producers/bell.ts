/**
 * How a thread sleeps until another has something for it: a counter that everybody adds to, and a word that says what the
 * sleeper waits for. Neither side polls and no wake-up is lost:
 *
 *     sleeper                                         whoever rings
 *     1  read SIGNAL                                  1  make the thing visible (publish, release, close)
 *     2  look for work; if there is some, do it       2  SIGNAL += 1
 *     3  WAITING := what for                          3  WAITING says so? notify SIGNAL
 *     4  wait on SIGNAL being what was read in 1
 *
 * A ring between 1 and 4 makes the wait return at once, one after 4 sees WAITING. Only the sleeper clears WAITING: a thread
 * that took it upon itself to wake the sleeper, and was ended before it did, would leave it asleep for all others too.
 */
import type { WasmMemory } from '../hash/index.ts';

const AWAKE = 0;
/** What a thread sleeps for: something to read, or also room for what it has to write. */
export const WAKE = { work: 1, workOrRoom: 2 } as const;
type Wake = (typeof WAKE)[keyof typeof WAKE];

export class Bell {
  readonly #words: Int32Array;
  readonly #signal: number;
  readonly #waiting: number;

  /** `signal` and `waiting` are offsets in bytes. */
  constructor(memory: WasmMemory, signal: number, waiting: number) {
    this.#words = new Int32Array(memory.buffer);
    this.#signal = signal / 4;
    this.#waiting = waiting / 4;
  }

  /** There is something to read. */
  ring(): void {
    Atomics.add(this.#words, this.#signal, 1);
    if (Atomics.load(this.#words, this.#waiting) !== AWAKE) Atomics.notify(this.#words, this.#signal);
  }

  /** There is room again: wakes only who waits for that, because waking costs both threads. */
  ringForRoom(): void {
    Atomics.add(this.#words, this.#signal, 1);
    if (Atomics.load(this.#words, this.#waiting) === WAKE.workOrRoom) {
      Atomics.notify(this.#words, this.#signal);
    }
  }

  /** To be read before looking for work. */
  get signal(): number {
    return Atomics.load(this.#words, this.#signal);
  }

  /** Resolves when the bell is rung; null when it has been since `signal` was read. Does not keep the thread alive. */
  sleep(signal: number, wake: Wake): Promise<void> | null {
    Atomics.store(this.#words, this.#waiting, wake);
    const outcome = Atomics.waitAsync(this.#words, this.#signal, signal);
    if (outcome.async) return outcome.value.then(() => this.#awake());
    this.#awake();
    return null;
  }

  #awake(): void {
    Atomics.store(this.#words, this.#waiting, AWAKE);
  }
}
