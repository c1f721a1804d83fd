/**
 * Answers that are known and must wait: each until the position it rests on is stable, or applied as well. They leave in
 * the order in which they came, so a client sees its answers in the order of its requests.
 */

import { TruthError } from '../errors.ts';
import type { AppendResult } from '../kernel/event.ts';
import { Fifo } from '../streams/index.ts';
import type { Sequence } from '../types.ts';

interface PendingReply {
  readonly restsOn: Sequence;
  readonly answer: AppendResult | TruthError;
  readonly resolve: (result: AppendResult) => void;
  readonly reject: (error: Error) => void;
}

export class PendingReplies {
  readonly #durable = new Fifo<PendingReply>();
  readonly #applied = new Fifo<PendingReply>();
  readonly #drained: (() => void)[] = [];
  #stablePosition: Sequence;
  #appliedPosition: Sequence;
  #failure: TruthError | null = null;

  /** Begins with everything up to `position` stable and applied. */
  constructor(position: Sequence) {
    this.#stablePosition = position;
    this.#appliedPosition = position;
  }

  get length(): number {
    return this.#durable.length + this.#applied.length;
  }

  add(
    ack: 'durable' | 'applied',
    restsOn: Sequence,
    answer: AppendResult | TruthError,
  ): Promise<AppendResult> {
    const reached = ack === 'durable' ? this.#stablePosition : this.#appliedPosition;
    const queue = ack === 'durable' ? this.#durable : this.#applied;
    if (restsOn <= reached) return answered(answer);
    if (this.#failure !== null) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => queue.push({ restsOn, answer, resolve, reject }));
  }

  settle(stable: Sequence, applied: Sequence): void {
    this.#stablePosition = stable;
    this.#appliedPosition = applied;
    release(this.#durable, stable);
    release(this.#applied, applied);
    this.#tellDrained();
  }

  fail(error: TruthError): void {
    this.#failure = error;
    for (const queue of [this.#durable, this.#applied]) {
      for (let reply = queue.shift(); reply !== undefined; reply = queue.shift()) reply.reject(error);
    }
    this.#tellDrained();
  }

  drained(): Promise<void> {
    if (this.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#drained.push(resolve));
  }

  #tellDrained(): void {
    if (this.length === 0) for (const tell of this.#drained.splice(0)) tell();
  }
}

function release(queue: Fifo<PendingReply>, reached: Sequence): void {
  for (let reply = queue.peek(); reply !== undefined && reply.restsOn <= reached; reply = queue.peek()) {
    queue.shift();
    if (reply.answer instanceof TruthError) reply.reject(reply.answer);
    else reply.resolve(reply.answer);
  }
}

function answered(answer: AppendResult | TruthError): Promise<AppendResult> {
  return answer instanceof TruthError ? Promise.reject(answer) : Promise.resolve(answer);
}
