import type { Clock, Scheduler } from '../io/index.ts';

/** 2023-11-14, as good as any. */
const START_NANOS = 1_700_000_000_000_000_000n;

interface Timer {
  readonly due: bigint;
  readonly task: () => void;
}

/** Time that passes only when it is told to, and the timers that hang on it. */
export class SimTime implements Clock, Scheduler {
  #elapsed = 0n;
  #offset = START_NANOS;
  #turn: (() => void)[] = [];
  #timers: Timer[] = [];

  nowNanos(): bigint {
    return this.#offset + this.#elapsed;
  }

  monotonicNanos(): bigint {
    return this.#elapsed;
  }

  endOfTurn(task: () => void): void {
    this.#turn.push(task);
  }

  after(millis: number, task: () => void): () => void {
    const timer = { due: this.#elapsed + BigInt(Math.round(millis * 1e6)), task };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((each) => each !== timer);
    };
  }

  /** Lets time pass without anybody noticing: what a slow disk does. */
  pass(nanos: number): void {
    this.#elapsed += BigInt(nanos);
  }

  /** Somebody sets the machine's clock. */
  setClock(byNanos: bigint): void {
    this.#offset += byNanos;
  }

  /** Runs what waits for the end of the turn; false when nothing did. */
  runTurn(): boolean {
    const tasks = this.#turn;
    this.#turn = [];
    for (const task of tasks) task();
    return tasks.length > 0;
  }

  /** Lets time pass and runs what came due, in the order in which it did. */
  advance(nanos: number): void {
    const until = this.#elapsed + BigInt(nanos);
    for (;;) {
      const due = this.#timers.filter((timer) => timer.due <= until);
      const first = due.reduce<Timer | null>((a, b) => (a === null || b.due < a.due ? b : a), null);
      if (first === null) break;
      this.#timers = this.#timers.filter((timer) => timer !== first);
      if (first.due > this.#elapsed) this.#elapsed = first.due;
      first.task();
    }
    if (until > this.#elapsed) this.#elapsed = until;
  }

  /** The process is gone, and with it everything it waited for. */
  forget(): void {
    this.#turn = [];
    this.#timers = [];
  }
}
