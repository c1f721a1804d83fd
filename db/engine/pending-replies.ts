/**
 * Answers that are known and must wait: each until the position it rests on is written, stable, or applied as well. Those
 * that wait for the same leave in the order in which they came, so a client sees its answers in the order of its requests.
 */

import type { TruthError } from '../errors.ts';
import type { AppendResult } from '../kernel/event.ts';
import { Fifo } from '../streams/index.ts';
import type { Sequence } from '../types.ts';
import type { AppendSettled } from './contract.ts';

/** What the position must have reached. */
export type ReplyLevel = 'written' | 'durable' | 'applied';

interface PendingReply {
  readonly restsOn: Sequence;
  readonly answer: AppendResult | TruthError;
  readonly settled: AppendSettled;
}

export class PendingReplies {
  readonly #queues: Readonly<Record<ReplyLevel, Fifo<PendingReply>>> = {
    written: new Fifo(),
    durable: new Fifo(),
    applied: new Fifo(),
  };
  readonly #reached: Record<ReplyLevel, Sequence>;
  readonly #drained: (() => void)[] = [];
  #failure: TruthError | null = null;

  /** Begins with everything up to `position` stable and applied. */
  constructor(position: Sequence) {
    this.#reached = { written: position, durable: position, applied: position };
  }

  get length(): number {
    const { written, durable, applied } = this.#queues;
    return written.length + durable.length + applied.length;
  }

  add(level: ReplyLevel, restsOn: Sequence, answer: AppendResult | TruthError, settled: AppendSettled): void {
    if (restsOn <= this.#reached[level]) settleSoon(settled, answer);
    else if (this.#failure !== null) settleSoon(settled, this.#failure);
    else this.#queues[level].push({ restsOn, answer, settled });
  }

  /** The log or the views have reached a position. */
  reached(level: ReplyLevel, position: Sequence): void {
    this.#reached[level] = position;
    release(this.#queues[level], position);
    this.#tellDrained();
  }

  fail(error: TruthError): void {
    this.#failure = error;
    for (const queue of Object.values(this.#queues)) {
      for (let reply = queue.shift(); reply !== undefined; reply = queue.shift()) reply.settled(error);
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
    reply.settled(reply.answer);
  }
}

/** For outcomes that are known at once. */
export function settleSoon(settled: AppendSettled, outcome: AppendResult | Error): void {
  queueMicrotask(() => settled(outcome));
}
