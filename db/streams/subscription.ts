/**
 * Following the log or one stream. A subscription is a position and nothing else: what the consumer has not asked for is
 * not read, so slow consumers need no buffer and no limit. Far behind it reads the log; at the end it shares the recent
 * commits with everybody else there.
 */
import { TruthError } from '../errors.ts';
import type { RecordedEvent, StreamName } from '../kernel/event.ts';
import type { Sequence, TenantId } from '../types.ts';
import type { LogReader } from '../wal/log.ts';
import type { EventReader } from './event-reader.ts';
import { eventsOf } from './log-events.ts';
import { Page } from './page.ts';
import type { RecentCommits } from './recent-commits.ts';

const BATCH_EVENTS_MAX = 1000;
const BATCH_BYTES_MAX = 256 * 1024;
const PAUSE_ENTRIES = 4096;

export interface SubscriptionSource {
  /** Whose events are followed. */
  readonly tenant: TenantId;
  readonly log: LogReader;
  readonly recent: RecentCommits;
  readonly reader: EventReader;
  /** Last revision of a stream, -1 when it does not exist. */
  lastRevision(stream: StreamName): number;
  /** Revision of a stream's first event after a position. */
  revisionAfter(stream: StreamName, position: Sequence): number;
  /** Lets other work of the thread run: a consumer that never waits must not starve it. */
  pause(): Promise<void>;
}

type Batches = AsyncGenerator<readonly RecordedEvent[], void, undefined>;

/** Events of all streams after a position. Ends when the signal is aborted. */
export async function* followAll(source: SubscriptionSource, from: Sequence, signal: AbortSignal): Batches {
  const { recent, tenant } = source;
  let position = from;
  let caughtUp = false;
  while (!signal.aborted) {
    if (position < recent.floor) {
      for await (const batch of storedBatches(source, position, signal)) {
        position = batch.position;
        if (batch.events.length > 0) yield batch.events;
      }
      continue;
    }
    const page = newBatch();
    for (const event of recent.after(tenant, position)) if (!page.add(event)) break;
    const last = page.events.at(-1);
    position = last?.position ?? (Math.max(position, recent.position) as Sequence);
    if (last !== undefined) yield page.events;
    else if (caughtUp) await recent.waitForAny(signal);
    else {
      caughtUp = true;
      yield [];
    }
  }
}

/** Events of one stream after a position; it need not exist yet. */
export async function* followStream(
  source: SubscriptionSource,
  stream: StreamName,
  from: Sequence,
  signal: AbortSignal,
): Batches {
  let revision = source.revisionAfter(stream, from);
  let caughtUp = false;
  while (!signal.aborted) {
    const last = source.lastRevision(stream);
    // What was there was erased: the stream begins anew.
    if (last + 1 < revision) revision = last + 1;
    if (revision <= last) {
      const events = await source.reader.streamForwards(source.tenant, stream, revision, last, newBatch());
      if (events[0]?.revision !== revision) throw outOfOrder(stream, revision);
      revision += events.length;
      yield events;
      await source.pause();
    } else if (caughtUp) await source.recent.waitForStream(source.tenant, stream, signal);
    else {
      caughtUp = true;
      yield [];
    }
  }
}

/**
 * Batches read from the log, each with the position it brings the subscription to; the last one brings it to where the
 * recent commits were when reading began.
 */
async function* storedBatches(source: SubscriptionSource, after: Sequence, signal: AbortSignal) {
  const { log, recent, pause, tenant } = source;
  const end = recent.position;
  let page = newBatch();
  let unpaused = 0;
  for await (const commit of log.read({ from: (after + 1) as Sequence, follow: false })) {
    if (commit.sequence > end) break;
    for (const event of eventsOf(tenant, commit)) {
      if (event.position <= after || page.add(event)) continue;
      yield { events: page.events, position: page.events.at(-1)!.position };
      page = newBatch();
      page.add(event);
    }
    unpaused += commit.entries.length + 1;
    if (unpaused < PAUSE_ENTRIES) continue;
    unpaused = 0;
    await pause();
    if (signal.aborted) return;
  }
  yield { events: page.events, position: end };
}

function newBatch(): Page {
  return new Page(BATCH_EVENTS_MAX, BATCH_BYTES_MAX);
}

function outOfOrder(stream: StreamName, revision: number): TruthError {
  return new TruthError(
    'INTERNAL',
    `broken invariant: stream "${stream}" continues with revision ${revision}`,
  );
}
