/** Time and timers as inputs, so that a simulator can own both. */

export interface Clock {
  /** Nanoseconds since 1970-01-01T00:00:00Z. May jump when the machine's clock is set. */
  nowNanos(): bigint;
  /** Nanoseconds since some fixed moment; never goes back. For durations only. */
  monotonicNanos(): bigint;
}

export interface Scheduler {
  /** Runs `task` once, after all of this event-loop turn's input has been handled. */
  endOfTurn(task: () => void): void;
  /** Runs `task` once after `millis`; never keeps the process alive. Returns the way to cancel. */
  after(millis: number, task: () => void): () => void;
}

export const realClock: Clock = {
  // Milliseconds are enough: the log orders by itself, and unlike performance.now() this follows the machine's set clock.
  nowNanos: () => BigInt(Date.now()) * 1_000_000n,
  monotonicNanos: () => process.hrtime.bigint(),
};

export const realScheduler: Scheduler = {
  endOfTurn: (task) => {
    setImmediate(task);
  },
  after: (millis, task) => {
    const timer = setTimeout(task, millis).unref();
    return () => clearTimeout(timer);
  },
};
