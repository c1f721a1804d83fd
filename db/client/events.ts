/** Events as a program writes and reads them: JSON or bytes on one side, the wire's bytes on the other. */
import { Buffer } from 'node:buffer';
import { TruthError } from '../errors.ts';
import { formatUuid, jsonText, newUuid, parseUuid } from '../protocol/index.ts';
import type { EventDraft, RecordedEvent } from '../streams/event.ts';

export interface NewEvent {
  /** A UUID. Appending the same id with the same content again is answered as the first time; made here when absent. */
  readonly id?: string;
  /** What happened, e.g. "order-placed"; 1 to 256 bytes of UTF-8. */
  readonly type: string;
  /** Bytes are kept as they are; anything else is stored as JSON. */
  readonly data: unknown;
  /** As `data`; free for correlation ids and the like. */
  readonly metadata?: unknown;
}

/** An event of the log. Its bytes are views into what was received: copy them to keep them long. */
export class Event {
  readonly stream: string;
  /** Place in the stream, from 0. */
  readonly revision: number;
  /** Place in the whole log. */
  readonly position: number;
  /** Nanoseconds since 1970-01-01T00:00:00Z. */
  readonly recordedAt: bigint;
  readonly type: string;
  readonly contentType: 'json' | 'binary';
  readonly data: Uint8Array;
  readonly metadata: Uint8Array;
  readonly #id: Uint8Array;

  constructor(recorded: RecordedEvent) {
    this.stream = recorded.stream;
    this.revision = recorded.revision;
    this.position = recorded.position;
    this.recordedAt = recorded.recordedAt;
    this.type = recorded.type;
    this.contentType = recorded.contentType;
    this.data = recorded.data;
    this.metadata = recorded.metadata;
    this.#id = recorded.id;
  }

  /** The UUID in its usual form. */
  get id(): string {
    return formatUuid(this.#id);
  }

  get recordedDate(): Date {
    return new Date(Number(this.recordedAt / 1_000_000n));
  }

  /** The data parsed as JSON. Errors: INVALID_ARGUMENT when it is none. */
  json<Value = unknown>(): Value {
    return parseJson(this.data, `the data of ${this.stream}@${this.revision}`) as Value;
  }

  /** The metadata parsed as JSON; null when there is none. */
  metadataJson<Value = unknown>(): Value | null {
    if (this.metadata.length === 0) return null;
    return parseJson(this.metadata, `the metadata of ${this.stream}@${this.revision}`) as Value;
  }
}

const NOTHING = new Uint8Array(0);

export function draftOf(event: NewEvent): EventDraft {
  const binary = event.data instanceof Uint8Array;
  return {
    id: event.id === undefined ? newUuid() : parseUuid(event.id),
    type: event.type,
    contentType: binary ? 'binary' : 'json',
    data: bytesOf(event.data, 'data'),
    metadata: event.metadata === undefined ? NOTHING : bytesOf(event.metadata, 'metadata'),
  };
}

function bytesOf(value: unknown, what: string): Uint8Array {
  if (value instanceof Uint8Array) return value;
  return Buffer.from(jsonText(value, `the ${what} of an event`));
}

function parseJson(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString());
  } catch (cause) {
    throw new TruthError('INVALID_ARGUMENT', `${what} is not JSON`, {}, { cause });
  }
}
