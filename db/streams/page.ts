import type { RecordedEvent } from '../kernel/event.ts';

/** What an event takes beside its data and metadata, roughly: names, id, numbers. */
const EVENT_BYTES = 128;

/** Events for one answer, up to a number and a size. The first event always fits, however large it is. */
export class Page {
  readonly events: RecordedEvent[] = [];
  readonly #eventsMax: number;
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(eventsMax: number, bytesMax: number) {
    this.#eventsMax = eventsMax;
    this.#bytesMax = bytesMax;
  }

  /** How many more events the page would take if they were small. */
  get room(): number {
    return this.#eventsMax - this.events.length;
  }

  /** Adds the event, or returns false when it belongs on the next page. */
  add(event: RecordedEvent): boolean {
    const bytes = EVENT_BYTES + event.data.length + event.metadata.length;
    const full = this.events.length >= this.#eventsMax || this.#bytes + bytes > this.#bytesMax;
    if (full && this.events.length > 0) return false;
    this.events.push(event);
    this.#bytes += bytes;
    return true;
  }
}
