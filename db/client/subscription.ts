/**
 * The consumer's side of a subscription. Frames wait here until they are asked for, never more than the credit allows;
 * each batch taken gives its bytes back to the server as new credit. After a reconnect it goes on behind the last event
 * received, so that every event is delivered once and in order however often the connection broke.
 */
import type { TruthError } from '../errors.ts';
import type { Page } from '../protocol/index.ts';
import type { Sequence } from '../types.ts';
import { Event } from './events.ts';

export interface SubscriptionPort {
  /** Tells the server that `bytes` more may come. */
  credit(bytes: number): void;
  /** The consumer wants no more. */
  cancel(): void;
}

interface Received {
  readonly events: readonly Event[];
  readonly bytes: number;
}

export class Subscription implements AsyncIterable<Event> {
  /** Position of the last event received; a new subscription from here misses nothing and repeats nothing. */
  position: Sequence;
  readonly #port: SubscriptionPort;
  readonly #received: Received[] = [];
  readonly #caughtUp = Promise.withResolvers<void>();
  readonly #window: number;
  /** Bytes of frames received and not given back as credit. */
  #owedBytes = 0;
  /** Part of it that the consumer is done with. */
  #consumedBytes = 0;
  #wake: (() => void) | null = null;
  #outcome: { readonly error: TruthError | null } | null = null;

  /** `window` is the most bytes the server may send ahead of the consumer. */
  constructor(after: Sequence, window: number, port: SubscriptionPort) {
    this.position = after;
    this.#window = window;
    this.#port = port;
    // Nobody has to wait for it.
    this.#caughtUp.promise.catch(() => undefined);
  }

  /** Resolves when everything that was in the log has been received and new events follow as they happen. */
  get caughtUp(): Promise<void> {
    return this.#caughtUp.promise;
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Event> {
    for await (const batch of this.batches()) yield* batch;
  }

  /** The events as they arrived together: faster than one by one where there are many. */
  async *batches(): AsyncIterableIterator<readonly Event[]> {
    try {
      while (true) {
        const next = this.#received.shift();
        if (next !== undefined) {
          yield next.events;
          this.#consumed(next.bytes);
        } else if (this.#outcome !== null) {
          if (this.#outcome.error !== null) throw this.#outcome.error;
          return;
        } else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
          this.#wake = null;
        }
      }
    } finally {
      this.close();
    }
  }

  /** Ends it; what was received and not taken is dropped. */
  close(): void {
    if (this.#outcome !== null) return;
    this.finish(null);
    this.#port.cancel();
  }

  /** For the client: a frame came in. */
  deliver(page: Page, bytes: number): void {
    if (this.#outcome !== null) return;
    this.#owedBytes += bytes;
    if (page.end) this.#caughtUp.resolve();
    if (page.events.length === 0) {
      this.#consumed(bytes);
      return;
    }
    this.position = page.next as Sequence;
    this.#received.push({ events: page.events.map((event) => new Event(event)), bytes });
    this.#wake?.();
  }

  /** For the client: what a server that starts over may send at once; the rest follows as it is consumed. */
  startCredit(): number {
    this.#owedBytes -= this.#consumedBytes;
    this.#consumedBytes = 0;
    return Math.max(0, this.#window - this.#owedBytes);
  }

  #consumed(bytes: number): void {
    this.#consumedBytes += bytes;
    // Half a window at a time: a frame for every batch would cost more than it tells.
    if (this.#consumedBytes * 2 < this.#window) return;
    this.#owedBytes -= this.#consumedBytes;
    this.#port.credit(this.#consumedBytes);
    this.#consumedBytes = 0;
  }

  /** For the client: nothing more will come. */
  finish(error: TruthError | null): void {
    if (this.#outcome !== null) return;
    this.#outcome = { error };
    if (error !== null) this.#caughtUp.reject(error);
    this.#wake?.();
  }
}
