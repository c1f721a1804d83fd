/** What a log began with before it was pruned, as whoever pruned it remembers it. */
import type { Engine } from '../engine.ts';
import { TruthError } from '../errors.ts';
import type { RecordedEvent } from '../kernel/event.ts';
import type { ViewCommit } from '../materializer/index.ts';
import type { Sequence } from '../types.ts';
import type { OpenedLog } from '../wal/index.ts';

const PAGE_EVENTS = 1000;

export class PrunedPast {
  readonly #events: RecordedEvent[] = [];
  readonly #commits: ViewCommit[] = [];

  /** Takes down everything before a sequence: it may be gone soon. */
  async remember(engine: Engine, log: OpenedLog, before: Sequence): Promise<void> {
    const known = this.#commits.at(-1)?.sequence ?? 0;
    for await (const commit of log.read({ from: log.retention.floor, follow: false })) {
      if (commit.sequence >= before) break;
      if (commit.sequence <= known) continue;
      const entries = commit.entries.map((entry) => ({ ...entry, payload: entry.payload.slice() }));
      const { sequence, ordinal, epoch, recordedAt } = commit;
      this.#commits.push({ sequence, ordinal, epoch, recordedAt, entries });
    }
    const end = this.#commits.at(-1)?.sequence ?? 0;
    const events = await eventsFrom(engine, log.retention.floor);
    this.#events.push(...events.filter(({ position }) => position > known && position < end));
  }

  /** Events that a log which begins at `floor` had before it. */
  eventsBefore(floor: Sequence): RecordedEvent[] {
    return this.#events.filter(({ position }) => position < floor);
  }

  commitsBefore(floor: Sequence): ViewCommit[] {
    return this.#commits.filter(({ sequence }) => sequence < floor);
  }
}

/** All events from a position on. */
export async function eventsFrom(engine: Engine, first: Sequence): Promise<RecordedEvent[]> {
  const events: RecordedEvent[] = [];
  for (let from = first; ; ) {
    const page = await engine.readAll({ direction: 'forwards', from, limit: PAGE_EVENTS });
    events.push(...page.events);
    if (page.end) return events;
    from = page.next as Sequence;
  }
}

/** Segments removed. A refusal says up to where it would not have been one. */
export function pruneAsFarAsPossible(engine: Engine, before: Sequence): number {
  try {
    return engine.retention.prune({ before, withoutArchive: false }).removed.length;
  } catch (error) {
    if (!(error instanceof TruthError && error.code === 'LOCKED')) throw error;
    const possible = error.details['possible'];
    if (typeof possible !== 'number' || possible >= before) throw error;
    return pruneAsFarAsPossible(engine, possible as Sequence);
  }
}
