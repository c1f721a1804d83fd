/** Pages of events: of one stream by revision, or of all streams by position. */
import { TruthError } from '../errors.ts';
import type { EventPage, RecordedEvent, StreamName } from '../kernel/event.ts';
import type { Revision, Sequence, TenantId } from '../types.ts';
import type { LogReader } from '../wal/log.ts';
import { seedOf } from './hash.ts';
import { eventsOf, eventsOfBackwards, readEvents } from './log-events.ts';
import { Page } from './page.ts';
import type { RecentCommits } from './recent-commits.ts';
import type { StreamLookup } from './stream-index.ts';
import { StreamKey } from './stream-key.ts';

export const PAGE_EVENTS_MAX = 10_000;
const PAGE_BYTES_MAX = 4 * 1024 * 1024;
/** Positions looked up and read at a time: a page may be full long before its number of events is reached. */
const CHUNK_EVENTS = 512;

export type Direction = 'forwards' | 'backwards';

export class EventReader {
  readonly #log: LogReader;
  readonly #recent: RecentCommits;
  readonly #index: () => StreamLookup;
  readonly #key: StreamKey;

  constructor(options: {
    readonly logId: Uint8Array;
    readonly log: LogReader;
    readonly recent: RecentCommits;
    readonly index: () => StreamLookup;
  }) {
    this.#log = options.log;
    this.#recent = options.recent;
    this.#index = options.index;
    this.#key = new StreamKey(seedOf(options.logId));
  }

  /** Errors: NOT_FOUND, INVALID_ARGUMENT, those of the log. */
  async readStream(request: {
    readonly tenant: TenantId;
    readonly stream: StreamName;
    readonly direction: Direction;
    readonly from: Revision | 'start' | 'end';
    readonly limit: number;
  }): Promise<EventPage> {
    const { tenant, stream, direction, from, limit } = request;
    checkLimit(limit);
    const { revision: last } = this.#index().head(this.#key.set(tenant, stream));
    if (last === -1) {
      throw new TruthError('NOT_FOUND', `stream "${stream}" does not exist: nothing was appended to it yet`);
    }
    if (direction === 'forwards') {
      const first = from === 'start' ? 0 : from === 'end' ? last + 1 : from;
      const page = new Page(limit, PAGE_BYTES_MAX);
      const events = await this.streamForwards(tenant, stream, first, last, page);
      const next = first + events.length;
      return { events, end: next > last, next };
    }
    const first = from === 'start' ? 0 : from === 'end' ? last : Math.min(from, last);
    const events = await this.#streamBackwards(tenant, stream, first, new Page(limit, PAGE_BYTES_MAX));
    const next = first - events.length;
    return { events, end: next < 0, next: Math.max(next, 0) };
  }

  /** Errors: INVALID_ARGUMENT, those of the log. */
  async readAll(request: {
    readonly tenant: TenantId;
    readonly direction: Direction;
    readonly from: Sequence | 'start' | 'end';
    readonly limit: number;
  }): Promise<EventPage> {
    const { tenant, direction, from, limit } = request;
    checkLimit(limit);
    const page = new Page(limit, PAGE_BYTES_MAX);
    const end = this.#recent.position;
    if (direction === 'forwards') {
      const first = from === 'start' ? 1 : from === 'end' ? end + 1 : Math.max(from, 1);
      return this.#allForwards(tenant, first as Sequence, end, page);
    }
    const first = from === 'start' ? 1 : from === 'end' ? end : Math.min(from, end);
    return this.#allBackwards(tenant, first as Sequence, page);
  }

  /** Fills the page with revisions `first` to `last`, as far as they fit. */
  async streamForwards(
    tenant: TenantId,
    stream: StreamName,
    first: number,
    last: number,
    page: Page,
  ): Promise<RecordedEvent[]> {
    for (let from = first, to = first; from <= last && page.room > 0; from = to) {
      to = Math.min(from + chunkSize(page), last + 1);
      const positions = this.#index().positions(this.#key.set(tenant, stream), from, to);
      for (const event of await this.#eventsAt(positions)) if (!page.add(event)) return page.events;
    }
    return page.events;
  }

  async #streamBackwards(
    tenant: TenantId,
    stream: StreamName,
    first: number,
    page: Page,
  ): Promise<RecordedEvent[]> {
    for (let to = first + 1, from = to; to > 0 && page.room > 0; to = from) {
      from = Math.max(to - chunkSize(page), 0);
      const positions = this.#index().positions(this.#key.set(tenant, stream), from, to);
      const events = await this.#eventsAt(positions);
      for (let index = events.length - 1; index >= 0; index--) {
        if (!page.add(events[index]!)) return page.events;
      }
    }
    return page.events;
  }

  async #allForwards(tenant: TenantId, from: Sequence, end: Sequence, page: Page): Promise<EventPage> {
    if (from > end) return { events: [], end: true, next: from };
    if (from > this.#recent.floor) {
      for (const event of this.#recent.after(tenant, (from - 1) as Sequence)) {
        if (!page.add(event)) return { events: page.events, end: false, next: event.position };
      }
      return { events: page.events, end: true, next: this.#recent.position + 1 };
    }
    for await (const commit of this.#log.read({ from, follow: false })) {
      if (commit.sequence > end) break;
      for (const event of eventsOf(tenant, commit)) {
        if (event.position < from) continue;
        if (!page.add(event)) return { events: page.events, end: false, next: event.position };
      }
    }
    return { events: page.events, end: true, next: end + 1 };
  }

  async #allBackwards(tenant: TenantId, from: Sequence, page: Page): Promise<EventPage> {
    if (from === 0) return { events: [], end: true, next: 0 };
    for await (const commit of this.#log.readBackwards(from)) {
      for (const event of eventsOfBackwards(tenant, commit)) {
        if (event.position > from) continue;
        if (!page.add(event)) return { events: page.events, end: false, next: event.position };
      }
    }
    return { events: page.events, end: true, next: 0 };
  }

  /** Events at ascending positions, the newest ones from memory. */
  async #eventsAt(positions: readonly Sequence[]): Promise<readonly RecordedEvent[]> {
    let stored = positions.length;
    while (stored > 0 && positions[stored - 1]! > this.#recent.floor) stored--;
    const recent = positions.slice(stored).map((position) => this.#recent.eventAt(position));
    return [...(await readEvents(this.#log, positions.slice(0, stored))), ...recent];
  }
}

function chunkSize(page: Page): number {
  return Math.min(page.room, CHUNK_EVENTS);
}

function checkLimit(limit: number): void {
  if (Number.isInteger(limit) && limit >= 1 && limit <= PAGE_EVENTS_MAX) return;
  throw new TruthError(
    'INVALID_ARGUMENT',
    `limit ${limit} is not a whole number from 1 to ${PAGE_EVENTS_MAX}: ask for fewer and go on from "next"`,
  );
}
