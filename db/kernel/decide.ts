/**
 * What appending events to a stream means. Pure and total: the same state, command and input give the same decision, and
 * every refusal is a typed error. Nothing changes here; the caller appends the entries and lets `evolve` change the state.
 */
import { TruthError } from '../errors.ts';
import { type CommitOrdinal, type Revision, SEQUENCE_NONE, type Sequence, type TenantId } from '../types.ts';
import type { DecidedEntry, Decision } from './decision.ts';
import type { EventDraft, ExpectedRevision, StreamName } from './event.ts';
import { EVENT_ENTRY_TYPE, EVENT_HEADER_BYTES, EVENT_ID_BYTES, type EventEncoder } from './event-entry.ts';
import { invariant } from './invariant.ts';
import { checkName, EVENT_TYPE_BYTES_MAX, STREAM_NAME_BYTES_MAX } from './names.ts';
import { dataBytes, metadataBytes, PackedDraft } from './packed-draft.ts';
import { repeatedId } from './repeated-id.ts';
import type { KernelState, StreamHead } from './state.ts';

const EVENTS_PER_APPEND_MAX = 10_000;
const ORDINAL_NONE = 0 as CommitOrdinal;

/** The one command so far. */
export interface AppendEvents {
  readonly kind: 'append-events';
  readonly stream: StreamName;
  readonly expected: ExpectedRevision;
  readonly events: readonly EventDraft[];
}

/** An event that is in the command's stream already, under the id of one of the command's events. */
export interface KnownEvent {
  readonly position: Sequence;
  readonly revision: Revision;
  readonly event: EventDraft;
}

/** What the log can take. */
export interface AppendLimits {
  /** Largest payload of one entry, in bytes. */
  readonly entryBytesMax: number;
  /** Largest command, in bytes as the log counts them. */
  readonly commandBytesMax: number;
  /** Bytes the log adds to a payload at most: header, footer, padding. */
  readonly entryOverheadBytes: number;
}

/** Everything a decision needs that is neither state nor command. */
export interface AppendInput {
  readonly tenant: TenantId;
  readonly partitionKey: bigint;
  readonly limits: AppendLimits;
  /** By place in the command's events; empty when none of their ids is in the stream. */
  readonly known: readonly (KnownEvent | null)[];
  readonly encoder: EventEncoder;
}

export function decide(state: KernelState, command: AppendEvents, input: AppendInput): Decision {
  const { stream, events } = command;
  const malformed = checkCommand(command, input.limits);
  if (malformed !== null) return { outcome: 'refused', error: malformed, restsOn: 0 as Sequence };
  const head = state.head(input.tenant, stream);
  invariant(
    head.revision === -1 ? head.position === 0 : head.position > 0,
    'a stream has a place in the log',
  );
  invariant(input.known.length === 0 || head.revision >= 0, 'only a stream that exists has known events');
  if (input.known.length > 0) return decideKnown(command, input.known);
  if (!meets(command.expected, head.revision)) {
    return { outcome: 'refused', error: wrongRevision(command, head), restsOn: head.position };
  }
  const firstRevision = head.revision + 1;
  const entries: DecidedEntry[] = new Array(events.length);
  for (let index = 0; index < events.length; index++) {
    entries[index] = {
      sequence: SEQUENCE_NONE,
      ordinal: ORDINAL_NONE,
      type: EVENT_ENTRY_TYPE,
      tenant: input.tenant,
      partitionKey: input.partitionKey,
      flags: 0,
      payload: input.encoder.encode(stream, (firstRevision + index) as Revision, events[index]!),
    };
  }
  const lastRevision = head.revision + events.length;
  invariant(lastRevision >= firstRevision, 'an accepted append moves the stream forward');
  return {
    outcome: 'accepted',
    entries,
    firstRevision: firstRevision as Revision,
    lastRevision: lastRevision as Revision,
  };
}

/** At least one id is in the stream: either the whole request was appended before, or ids were used twice. */
function decideKnown(command: AppendEvents, known: readonly (KnownEvent | null)[]): Decision {
  const { events } = command;
  invariant(known.length === events.length, 'what is known is told for each event');
  let restsOn = 0;
  for (const event of known) if (event !== null) restsOn = Math.max(restsOn, event.position);
  invariant(restsOn > 0, 'a known event has a place in the log');
  const first = known[0] ?? null;
  for (let index = 0; index < events.length; index++) {
    const before = known[index] ?? null;
    const reason = conflict(events[index]!, before, first, index);
    if (reason !== null) {
      const error = idConflict(command, index, reason);
      return { outcome: 'refused', error, restsOn: restsOn as Sequence };
    }
  }
  const last = known[events.length - 1]!;
  return {
    outcome: 'duplicate',
    firstRevision: first!.revision,
    lastRevision: last.revision,
    position: last.position,
    restsOn: restsOn as Sequence,
  };
}

/** Why an event cannot be the same place of the same request sent again, or null when it can. */
function conflict(
  event: EventDraft,
  before: KnownEvent | null,
  first: KnownEvent | null,
  index: number,
): string | null {
  if (before === null) return 'is new while other events of the request have been appended before';
  if (!sameEvent(event, before.event))
    return `was appended with other content at revision ${before.revision}`;
  if (first === null || before.revision !== first.revision + index) {
    return `was appended at revision ${before.revision}, not in the order of this request`;
  }
  return null;
}

function sameEvent(a: EventDraft, b: EventDraft): boolean {
  return (
    a.type === b.type &&
    a.contentType === b.contentType &&
    Buffer.compare(a.data, b.data) === 0 &&
    Buffer.compare(a.metadata, b.metadata) === 0
  );
}

function meets(expected: ExpectedRevision, actual: number): boolean {
  if (expected === 'any') return true;
  if (expected === 'none') return actual === -1;
  if (expected === 'exists') return actual >= 0;
  return expected === actual;
}

function checkCommand(command: AppendEvents, limits: AppendLimits): TruthError | null {
  const { stream, events, expected } = command;
  invariant(stream.length > 0 && stream.length <= STREAM_NAME_BYTES_MAX, 'a stream name was parsed');
  if (events.length === 0)
    return new TruthError('INVALID_ARGUMENT', `append to "${stream}" has no events: give at least one`);
  if (events.length > EVENTS_PER_APPEND_MAX) {
    return new TruthError(
      'TOO_LARGE',
      `append to "${stream}" has ${events.length} events, more than ${EVENTS_PER_APPEND_MAX}: split it`,
      { events: events.length, eventsMax: EVENTS_PER_APPEND_MAX },
    );
  }
  if (typeof expected === 'number' && !(Number.isSafeInteger(expected) && expected >= 0)) {
    return new TruthError(
      'INVALID_ARGUMENT',
      `expected revision ${expected} is neither a whole number from 0 nor "any", "none" or "exists"`,
    );
  }
  return checkEvents(command, limits);
}

function checkEvents({ stream, events }: AppendEvents, limits: AppendLimits): TruthError | null {
  const streamBytes = Buffer.byteLength(stream);
  let total = 0;
  let checkedType: string | null = null;
  let typeBytes = 0;
  for (let index = 0; index < events.length; index++) {
    const event = events[index]!;
    if (!(event instanceof PackedDraft) && event.id.length !== EVENT_ID_BYTES) {
      return new TruthError(
        'INVALID_ARGUMENT',
        `the id of event ${index} has ${event.id.length} bytes, not ${EVENT_ID_BYTES}: give a UUID`,
      );
    }
    if (event.type !== checkedType) {
      const error = typeError(event.type, index);
      if (error !== null) return error;
      checkedType = event.type;
      typeBytes = Buffer.byteLength(event.type);
    }
    const bytes = EVENT_HEADER_BYTES + streamBytes + typeBytes + metadataBytes(event) + dataBytes(event);
    if (bytes > limits.entryBytesMax) return entryTooLarge(stream, index, bytes, limits.entryBytesMax);
    total += bytes + limits.entryOverheadBytes;
  }
  if (total > limits.commandBytesMax) {
    return new TruthError(
      'TOO_LARGE',
      `append to "${stream}" takes ${total} bytes, more than the log's ${limits.commandBytesMax} for one command: split it`,
      { bytes: total, bytesMax: limits.commandBytesMax },
    );
  }
  const repeated = repeatedId(events);
  if (repeated === null) return null;
  return new TruthError(
    'INVALID_ARGUMENT',
    `events ${repeated.first} and ${repeated.second} of the append to "${stream}" carry the same id: every event needs its own`,
  );
}

function typeError(type: string, index: number): TruthError | null {
  try {
    checkName(`type of event ${index}`, type, EVENT_TYPE_BYTES_MAX);
    return null;
  } catch (error) {
    if (error instanceof TruthError) return error;
    throw error;
  }
}

function entryTooLarge(stream: StreamName, index: number, bytes: number, bytesMax: number): TruthError {
  return new TruthError(
    'TOO_LARGE',
    `event ${index} of the append to "${stream}" takes ${bytes} bytes, more than the log's ${bytesMax} for one entry: make it smaller, or make the log with a larger limit`,
    { bytes, bytesMax },
  );
}

function wrongRevision(command: AppendEvents, head: StreamHead): TruthError {
  const found = head.revision === -1 ? 'it does not exist' : `its last event has revision ${head.revision}`;
  return new TruthError(
    'WRONG_EXPECTED_REVISION',
    `append to "${command.stream}" expected ${expectation(command.expected)}, but ${found}: read the stream and decide again`,
    { expected: command.expected, actual: head.revision },
  );
}

function expectation(expected: ExpectedRevision): string {
  if (expected === 'none') return 'no such stream';
  if (expected === 'exists') return 'the stream to exist';
  return `revision ${expected}`;
}

function idConflict(command: AppendEvents, index: number, reason: string): TruthError {
  const id = Buffer.from(command.events[index]!.id).toString('hex');
  return new TruthError(
    'EVENT_ID_CONFLICT',
    `event ${index} of the append to "${command.stream}" (id ${id}) ${reason}: send a request again unchanged, or give new events new ids`,
    { index, id },
  );
}
