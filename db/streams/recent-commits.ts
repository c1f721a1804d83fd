/**
 * The newest stable commits, kept in memory for those who follow the log: a thousand subscriptions at its end share one
 * decoded copy of each event and read nothing from the disk. Bounded by bytes; whoever falls behind the oldest commit
 * kept reads the log instead. So a slow subscriber costs nothing here, and nothing is ever dropped for it.
 */
import type { RecordedEvent, StreamName } from '../kernel/event.ts';
import { invariant } from '../kernel/index.ts';
import type { ViewCommit } from '../materializer/index.ts';
import type { Sequence } from '../types.ts';
import { Fifo } from './fifo.ts';
import { isEvent, recordedEvent } from './recorded-event.ts';
import { Waiters } from './waiters.ts';

const BYTES_MAX = 8 * 1024 * 1024;
/** What a commit takes beside its payloads, so that empty ones are bounded too. */
const COMMIT_BYTES = 256;
const ENTRY_BYTES = 192;

interface RecentCommit {
  readonly commit: ViewCommit;
  readonly bytes: number;
  /** Decoded when somebody first asks. */
  events: readonly RecordedEvent[] | null;
}

export class RecentCommits {
  readonly #bytesMax: number;
  readonly #anyCommit = new Waiters<null>();
  readonly #byStream = new Waiters<StreamName>();
  readonly #commits = new Fifo<RecentCommit>();
  #bytes = 0;
  #floor: Sequence;
  #position: Sequence;

  /** Begins after `position`, the newest stable one. */
  constructor(position: Sequence, bytesMax = BYTES_MAX) {
    this.#floor = position;
    this.#position = position;
    this.#bytesMax = bytesMax;
  }

  /** Every commit after this position up to `position` is here. */
  get floor(): Sequence {
    return this.#floor;
  }

  get position(): Sequence {
    return this.#position;
  }

  /** Adds the next stable commit and wakes those who wait for it. */
  publish(commit: ViewCommit): void {
    this.#position = commit.sequence;
    if (commit.entries.length === 0) return;
    this.#keep(commit);
    this.#anyCommit.wake(null);
    if (this.#byStream.waiting) this.#wakeStreams(commit);
  }

  /** What lies up to `to` is lost: whoever is not behind it reads the log, which says so. */
  leap(to: Sequence): void {
    while (this.#commits.shift() !== undefined);
    this.#bytes = 0;
    this.#floor = to;
    this.#position = to;
  }

  /**
   * Events after a position that is not before `floor`, oldest first. To be walked in one go: the next commit may drop
   * the oldest.
   */
  *after(position: Sequence): Generator<RecordedEvent> {
    for (let index = this.#firstAfter(position); index < this.#commits.length; index++) {
      for (const event of this.#eventsOf(index)) if (event.position > position) yield event;
    }
  }

  /** The event at a position after `floor` where there is one. */
  eventAt(position: Sequence): RecordedEvent {
    const events = this.#eventsOf(this.#firstAfter((position - 1) as Sequence));
    let low = 0;
    let high = events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (events[middle]!.position < position) low = middle + 1;
      else high = middle;
    }
    const event = events[low];
    invariant(
      event?.position === position,
      'the recent commits have every event the index has after their floor',
    );
    return event;
  }

  /** Payload of an entry at a position after `floor`, or null. */
  payloadAt(position: Sequence): Uint8Array | null {
    if (position <= this.#floor) return null;
    const recent = this.#commits.at(this.#firstAfter((position - 1) as Sequence));
    const first = recent?.commit.entries[0]?.sequence ?? position + 1;
    return recent?.commit.entries[position - first]?.payload ?? null;
  }

  /** Resolves at the next commit with entries, or when `signal` is aborted. */
  waitForAny(signal: AbortSignal): Promise<void> {
    return this.#anyCommit.wait(null, signal);
  }

  /** Resolves at the next commit with an event of the stream, or when `signal` is aborted. */
  waitForStream(stream: StreamName, signal: AbortSignal): Promise<void> {
    return this.#byStream.wait(stream, signal);
  }

  #keep(commit: ViewCommit): void {
    let bytes = COMMIT_BYTES;
    for (const entry of commit.entries) bytes += ENTRY_BYTES + entry.payload.length;
    this.#commits.push({ commit, bytes, events: null });
    this.#bytes += bytes;
    while (this.#bytes > this.#bytesMax) {
      const oldest = this.#commits.shift()!;
      this.#bytes -= oldest.bytes;
      this.#floor = oldest.commit.sequence;
    }
  }

  #wakeStreams(commit: ViewCommit): void {
    const newest = this.#commits.length - 1;
    const kept = newest >= 0 && this.#commits.at(newest)!.commit === commit;
    const events = kept ? this.#eventsOf(newest) : decodeEvents(commit);
    for (const stream of new Set(events.map((event) => event.stream))) this.#byStream.wake(stream);
  }

  #eventsOf(index: number): readonly RecordedEvent[] {
    const recent = this.#commits.at(index);
    if (recent === undefined) return [];
    recent.events ??= decodeEvents(recent.commit);
    return recent.events;
  }

  /** Index of the first commit that ends after a position. */
  #firstAfter(position: Sequence): number {
    let low = 0;
    let high = this.#commits.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#commits.at(middle)!.commit.sequence <= position) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function decodeEvents({ entries, recordedAt }: ViewCommit): RecordedEvent[] {
  return entries.filter(isEvent).map((entry) => recordedEvent(entry.payload, entry.sequence, recordedAt));
}
