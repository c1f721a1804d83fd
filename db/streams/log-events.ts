/** Events read back from the log: single ones by position, as few reads as their distances allow. */
import { TruthError } from '../errors.ts';
import type { RecordedEvent } from '../kernel/event.ts';
import type { Sequence, TenantId } from '../types.ts';
import type { LogCommit, LogEntry, LogReader } from '../wal/log.ts';
import { isEvent, isEventOf, recordedEvent } from './recorded-event.ts';

/** Events closer to each other than this are read by going through what lies between them. */
const RUN_DISTANCE_MAX = 64;
/** Fewer events than this are not worth going through whole commits. */
const RUN_EVENTS_MIN = 4;

/** The events at these positions, which ascend. Errors: those of the log; CORRUPT when there is no event at one of them. */
export async function readEvents(
  log: LogReader,
  positions: readonly Sequence[],
): Promise<readonly RecordedEvent[]> {
  const events: RecordedEvent[] = [];
  for (let at = 0; at < positions.length; ) {
    let end = at + 1;
    while (end < positions.length && positions[end]! - positions[end - 1]! <= RUN_DISTANCE_MAX) end++;
    if (end - at < RUN_EVENTS_MIN) for (let i = at; i < end; i++) events.push(readEvent(log, positions[i]!));
    else await readRun(log, positions.slice(at, end), events);
    at = end;
  }
  return events;
}

/** A tenant's events of a commit that was read, copied because the reader takes its buffer back. */
export function* eventsOf(tenant: TenantId, commit: LogCommit): Generator<RecordedEvent> {
  for (const entry of commit.entries) if (isEventOf(tenant, entry)) yield copiedEvent(entry, commit);
}

export function* eventsOfBackwards(tenant: TenantId, commit: LogCommit): Generator<RecordedEvent> {
  for (let index = commit.entries.length - 1; index >= 0; index--) {
    const entry = commit.entries[index]!;
    if (isEventOf(tenant, entry)) yield copiedEvent(entry, commit);
  }
}

function copiedEvent(entry: LogEntry, commit: LogCommit): RecordedEvent {
  // Not slice(): a Buffer's shares its memory.
  return recordedEvent(new Uint8Array(entry.payload), entry.sequence, commit.recordedAt);
}

function readEvent(log: LogReader, position: Sequence): RecordedEvent {
  const entry = log.entryAt(position);
  if (entry === null || !isEvent(entry)) throw noEvent(position);
  return recordedEvent(entry.payload, position, entry.recordedAt);
}

async function readRun(log: LogReader, positions: readonly Sequence[], into: RecordedEvent[]): Promise<void> {
  let next = 0;
  for await (const commit of log.read({ from: positions[0]!, follow: false })) {
    for (const entry of commit.entries) {
      if (entry.sequence !== positions[next]) continue;
      if (!isEvent(entry)) throw noEvent(entry.sequence);
      into.push(copiedEvent(entry, commit));
      next++;
    }
    if (next === positions.length) return;
    if (commit.sequence > positions[next]!) break;
  }
  throw noEvent(positions[next]!);
}

function noEvent(position: Sequence): TruthError {
  return new TruthError(
    'CORRUPT',
    `the stream index has an event at ${position} where the log has none: stop, remove the folder views/stream-index and start again, so that it is rebuilt`,
    { sequence: position },
  );
}
