/** One subscription of one connection. A slow consumer costs the server one batch and nothing more. */
import type { Streams } from '../engine.ts';
import {
  encodePage,
  KIND,
  PAGE_BYTES_TARGET,
  recordedEventBytesMax,
  type Subscribe,
} from '../protocol/index.ts';
import type { RecordedEvent } from '../streams/event.ts';
import type { Counters } from './counters.ts';
import { Delivery } from './delivery.ts';
import type { Outbox } from './outbox.ts';

export class Subscription extends Delivery {
  readonly #streams: Streams;
  readonly #request: number;
  readonly #subscribe: Subscribe;
  readonly #counters: Counters;

  constructor(streams: Streams, out: Outbox, request: number, subscribe: Subscribe, counters: Counters) {
    super(out, subscribe.credit);
    this.#streams = streams;
    this.#request = request;
    this.#subscribe = subscribe;
    this.#counters = counters;
  }

  protected async deliver(sent: () => void): Promise<void> {
    const { after, stream } = this.#subscribe;
    const { signal } = this;
    const request = { from: after, signal, ...(stream === null ? {} : { stream }) };
    let last: number = after;
    for await (const batch of this.#streams.subscribe(request)) {
      for (let first = 0; first < batch.length || batch.length === 0; ) {
        if (!(await this.room())) return;
        const end = frameEnd(batch, first);
        last = batch[end - 1]?.position ?? last;
        this.#sendPage({ events: batch.slice(first, end), end: batch.length === 0, next: last });
        sent();
        if (batch.length === 0) break;
        first = end;
      }
      // The next batch is not even read before it may be sent.
      if (!(await this.room())) return;
    }
  }

  #sendPage(page: {
    readonly events: readonly RecordedEvent[];
    readonly end: boolean;
    readonly next: number;
  }): void {
    this.send((out) => encodePage(out, KIND.EVENTS, this.#request, page));
    this.#counters.deliveredEvents += page.events.length;
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
