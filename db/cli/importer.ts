/**
 * Appends many events fast and so that it can be done again: ids are given, neighbours of one stream travel together,
 * several appends are under way at once but never two of one stream, so each stream keeps its order.
 */
import type { Client } from '../client/index.ts';
import { TruthError } from '../errors.ts';
import type { EventDraft, StreamName } from '../streams/event.ts';

export interface ImportCounts {
  /** Events handed in, those answered, and of these the ones that had been there before. */
  readonly taken: number;
  readonly done: number;
  readonly known: number;
  readonly bytes: number;
}

/** Events looked at together: those of one stream among them make one append. */
const WINDOW_EVENTS = 512;
/** An append is closed when it reaches this, so that no request grows near the server's limit. */
const APPEND_BYTES = 1024 * 1024;
const IN_FLIGHT_MAX = 64;

export class Importer {
  readonly #db: Client;
  #window = new Map<string, EventDraft[]>();
  #windowEvents = 0;
  /** The last append of each stream that has one under way. */
  readonly #streams = new Map<string, Promise<void>>();
  readonly #inFlight = new Set<Promise<void>>();
  #failure: unknown = null;
  #taken = 0;
  #done = 0;
  #known = 0;
  #bytes = 0;

  constructor(db: Client) {
    this.#db = db;
  }

  get counts(): ImportCounts {
    return { taken: this.#taken, done: this.#done, known: this.#known, bytes: this.#bytes };
  }

  /** Waits while enough is under way. Throws the first failure of any append. */
  async add(stream: string, event: EventDraft): Promise<void> {
    const events = this.#window.get(stream);
    if (events === undefined) this.#window.set(stream, [event]);
    else events.push(event);
    this.#taken += 1;
    this.#windowEvents += 1;
    this.#bytes += event.data.length + event.metadata.length;
    if (this.#windowEvents >= WINDOW_EVENTS) await this.#sendWindow();
  }

  /** Resolves when everything has been answered. */
  async finish(): Promise<void> {
    await this.#sendWindow();
    await Promise.all(this.#inFlight);
    if (this.#failure !== null) throw this.#failure;
  }

  async #sendWindow(): Promise<void> {
    const window = this.#window;
    this.#window = new Map();
    this.#windowEvents = 0;
    for (const [stream, events] of window) {
      while (this.#inFlight.size >= IN_FLIGHT_MAX) await Promise.race(this.#inFlight);
      if (this.#failure !== null) throw this.#failure;
      this.#start(stream, events);
    }
  }

  #start(stream: string, events: readonly EventDraft[]): void {
    const before = this.#streams.get(stream) ?? Promise.resolve();
    const run = before
      .then(() => (this.#failure === null ? this.#appendAll(stream, events) : undefined))
      .catch((error) => {
        this.#failure ??= error;
      })
      .finally(() => {
        this.#inFlight.delete(run);
        if (this.#streams.get(stream) === run) this.#streams.delete(stream);
      });
    this.#streams.set(stream, run);
    this.#inFlight.add(run);
  }

  async #appendAll(stream: string, events: readonly EventDraft[]): Promise<void> {
    for (const part of parts(events)) {
      try {
        await this.#append(stream, part);
      } catch (error) {
        // Some of them were imported earlier, in another grouping: one by one each is either known or new.
        if (!(error instanceof TruthError) || error.code !== 'EVENT_ID_CONFLICT' || part.length === 1)
          throw error;
        for (const event of part) await this.#append(stream, [event]);
      }
    }
  }

  async #append(stream: string, events: readonly EventDraft[]): Promise<void> {
    const result = await this.#db.appendDrafts({
      stream: stream as StreamName,
      expected: 'any',
      events,
      ack: 'durable',
    });
    this.#done += events.length;
    if (result.duplicate) this.#known += events.length;
  }
}

function* parts(events: readonly EventDraft[]): Iterable<readonly EventDraft[]> {
  let part: EventDraft[] = [];
  let bytes = 0;
  for (const event of events) {
    const size = event.data.length + event.metadata.length;
    if (part.length > 0 && bytes + size > APPEND_BYTES) {
      yield part;
      part = [];
      bytes = 0;
    }
    part.push(event);
    bytes += size;
  }
  if (part.length > 0) yield part;
}
