/**
 * One subscription of one connection: takes batches from the engine only while the client has given credit and the
 * connection has room, so that a slow consumer costs the server one batch and nothing more.
 */
import type { Engine } from '../engine.ts';
import { TruthError } from '../errors.ts';
import {
  encodePage,
  KIND,
  PAGE_BYTES_TARGET,
  recordedEventBytesMax,
  SUBSCRIPTION_CREDIT_MAX,
  type Subscribe,
} from '../protocol/index.ts';
import type { RecordedEvent } from '../streams/event.ts';
import type { Counters } from './counters.ts';
import { asTruthError } from './failures.ts';
import type { Outbox } from './outbox.ts';

export class Subscription {
  readonly #engine: Engine;
  readonly #out: Outbox;
  readonly #request: number;
  readonly #subscribe: Subscribe;
  readonly #counters: Counters;
  readonly #abort = new AbortController();
  #credit: number;
  #wake: (() => void) | null = null;

  constructor(engine: Engine, out: Outbox, request: number, subscribe: Subscribe, counters: Counters) {
    this.#engine = engine;
    this.#out = out;
    this.#request = request;
    this.#subscribe = subscribe;
    this.#counters = counters;
    this.#credit = subscribe.credit;
  }

  /** False when the client has given more than is allowed. */
  grant(bytes: number): boolean {
    this.#credit += bytes;
    this.wake();
    return this.#credit <= SUBSCRIPTION_CREDIT_MAX;
  }

  wake(): void {
    this.#wake?.();
  }

  cancel(): void {
    this.#abort.abort();
    this.wake();
  }

  /** Delivers until cancelled (null) or failed (the error). Never rejects. `sent` is called after each frame written. */
  async run(sent: () => void): Promise<TruthError | null> {
    try {
      if (this.#credit > SUBSCRIPTION_CREDIT_MAX) {
        throw new TruthError('INVALID_ARGUMENT', `credit of more than ${SUBSCRIPTION_CREDIT_MAX} bytes`);
      }
      await this.#deliver(sent);
      return null;
    } catch (error) {
      return this.#abort.signal.aborted ? null : asTruthError(error);
    }
  }

  async #deliver(sent: () => void): Promise<void> {
    const { after, stream } = this.#subscribe;
    const { signal } = this.#abort;
    const request = { from: after, signal, ...(stream === null ? {} : { stream }) };
    let last: number = after;
    for await (const batch of this.#engine.subscribe(request)) {
      for (let first = 0; first < batch.length || batch.length === 0; ) {
        await this.#room();
        if (signal.aborted) return;
        const end = frameEnd(batch, first);
        last = batch[end - 1]?.position ?? last;
        this.#send({ events: batch.slice(first, end), end: batch.length === 0, next: last });
        sent();
        if (batch.length === 0) break;
        first = end;
      }
      // The next batch is not even read before it may be sent.
      await this.#room();
      if (signal.aborted) return;
    }
  }

  #send(page: {
    readonly events: readonly RecordedEvent[];
    readonly end: boolean;
    readonly next: number;
  }): void {
    const before = this.#out.writer.length;
    encodePage(this.#out.writer, KIND.EVENTS, this.#request, page);
    this.#credit -= this.#out.writer.length - before;
    this.#counters.deliveredEvents += page.events.length;
  }

  async #room(): Promise<void> {
    while (!this.#abort.signal.aborted && (this.#credit <= 0 || this.#out.congested)) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = null;
    }
  }
}

/** Index behind the last event that fits the frame starting at `first`; at least one event does. */
function frameEnd(batch: readonly RecordedEvent[], first: number): number {
  let bytes = 0;
  let end = first;
  while (end < batch.length) {
    bytes += recordedEventBytesMax(batch[end] as RecordedEvent);
    if (end > first && bytes > PAGE_BYTES_TARGET) break;
    end += 1;
  }
  return end;
}
