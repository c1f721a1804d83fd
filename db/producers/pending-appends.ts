/** Appends that are owed an answer, by number. Their count is fixed, so nothing is allocated for keeping them. */
import { TruthError } from '../errors.ts';
import type { AppendResult, StreamName } from '../streams/event.ts';

export interface PendingAppend {
  readonly stream: StreamName;
  /** When it was called, in milliseconds of performance.now(). */
  readonly at: number;
  readonly resolve: (result: AppendResult) => void;
  readonly reject: (error: unknown) => void;
}

export class PendingAppends {
  readonly #places: (PendingAppend | null)[];
  /** Numbers nobody has, 1 the lowest. The last is the next. */
  readonly #free: number[];

  constructor(count: number) {
    this.#places = new Array<PendingAppend | null>(count).fill(null);
    this.#free = Array.from({ length: count }, (_, index) => count - index);
  }

  get size(): number {
    return this.#places.length - this.#free.length;
  }

  /** The number that `add` will use; null when there is none left. */
  get nextNumber(): number | null {
    return this.#free.at(-1) ?? null;
  }

  add(stream: StreamName, at: number): Promise<AppendResult> {
    const number = this.#free.pop() as number;
    return new Promise((resolve, reject) => {
      this.#places[number - 1] = { stream, at, resolve, reject };
    });
  }

  /** Errors: PROTOCOL, for a number that nobody waits for. */
  take(number: number): PendingAppend {
    const pending = this.#places[number - 1] ?? null;
    if (pending === null) {
      throw new TruthError('PROTOCOL', `an answer came for append ${number}, which nobody waits for`);
    }
    this.#places[number - 1] = null;
    this.#free.push(number);
    return pending;
  }

  takeAll(): PendingAppend[] {
    const taken: PendingAppend[] = [];
    for (const [index, pending] of this.#places.entries()) {
      if (pending !== null) taken.push(this.take(index + 1));
    }
    return taken.sort((left, right) => left.at - right.at);
  }
}
