/**
 * The newest stable commits, kept in memory for those who follow the log: a thousand subscriptions at its end share one
 * decoded copy of each event and read nothing from the disk. Bounded by bytes; whoever falls behind the oldest commit
 * kept reads the log instead. So a slow subscriber costs nothing here, and nothing is ever dropped for it.
 */
import type { RecordedEvent, StreamName } from '../kernel/event.ts';
import { invariant } from '../kernel/index.ts';
import type { ViewCommit } from '../materializer/index.ts';
import type { Sequence, TenantId } from '../types.ts';
import { Fifo } from './fifo.ts';
import { KeptCommit } from './kept-commit.ts';
import { scopedKey } from './scoped-name.ts';
import { Waiters } from './waiters.ts';

const BYTES_MAX = 8 * 1024 * 1024;

export class RecentCommits {
  readonly #bytesMax: number;
  readonly #anyCommit = new Waiters<null>();
  /** By scopedKey. */
  readonly #byStream = new Waiters<string>();
  readonly #commits = new Fifo<KeptCommit>();
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
    const kept = this.#keep(commit);
    this.#anyCommit.wake(null);
    if (this.#byStream.waiting) this.#wakeStreams(kept);
  }

  /** What lies up to `to` is lost: whoever is not behind it reads the log, which says so. */
  leap(to: Sequence): void {
    while (this.#commits.shift() !== undefined);
    this.#bytes = 0;
    this.#floor = to;
    this.#position = to;
  }

  /**
   * A tenant's events after a position that is not before `floor`, oldest first. To be walked in one go: the next commit may drop
   * the oldest.
   */
  *after(tenant: TenantId, position: Sequence): Generator<RecordedEvent> {
    for (let index = this.#firstAfter(position); index < this.#commits.length; index++) {
      for (const event of this.#commits.at(index)!.eventsOf(tenant))
        if (event.position > position) yield event;
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
    return this.#commits.at(this.#firstAfter((position - 1) as Sequence))?.payloadAt(position) ?? null;
  }

  /** Resolves at the next commit with entries, or when `signal` is aborted. */
  waitForAny(signal: AbortSignal): Promise<void> {
    return this.#anyCommit.wait(null, signal);
  }

  /** Resolves at the next commit with an event of the stream, or when `signal` is aborted. */
  waitForStream(tenant: TenantId, stream: StreamName, signal: AbortSignal): Promise<void> {
    return this.#byStream.wait(scopedKey(tenant, stream), signal);
  }

  #keep(commit: ViewCommit): KeptCommit {
    const kept = new KeptCommit(commit);
    this.#commits.push(kept);
    this.#bytes += kept.bytes;
    while (this.#bytes > this.#bytesMax) {
      const oldest = this.#commits.shift()!;
      this.#bytes -= oldest.bytes;
      this.#floor = oldest.sequence;
    }
    return kept;
  }

  #wakeStreams(commit: KeptCommit): void {
    const keys = commit.events.map(({ stream }, at) => scopedKey(commit.tenantAt(at), stream));
    for (const key of new Set(keys)) this.#byStream.wake(key);
  }

  #eventsOf(index: number): readonly RecordedEvent[] {
    return this.#commits.at(index)?.events ?? [];
  }

  /** Index of the first commit that ends after a position. */
  #firstAfter(position: Sequence): number {
    let low = 0;
    let high = this.#commits.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#commits.at(middle)!.sequence <= position) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
