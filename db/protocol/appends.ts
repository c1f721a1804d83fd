/** APPEND and APPENDED: the hot path. */
import { TruthError } from '../errors.ts';
import {
  type AppendRequest,
  type AppendResult,
  type EventDraft,
  type ExpectedRevision,
  PackedDraft,
  type StreamName,
} from '../streams/event.ts';
import { revision, sequence } from '../types.ts';
import type { ByteReader } from './byte-reader.ts';
import { type ByteWriter, textBytesWithin } from './byte-writer.ts';
import {
  APPEND_EVENTS_MAX,
  APPENDED_DUPLICATE,
  APPENDED_DURABLE,
  EVENT_DRAFT,
  EVENT_TYPE_BYTES_MAX,
  KIND,
  PROTOCOL_VERSION_SUBJECTS,
  STREAM_NAME_BYTES_MAX,
  SUBJECT_BYTES_MAX,
} from './constants.ts';

const EXPECTED_ANY = 0;
const EXPECTED_NONE = 1;
const EXPECTED_EXISTS = 2;
const EXPECTED_EXACTLY = 3;

const ACK_APPLIED = 0;
const ACK_DURABLE = 1;

const DURABILITIES = ['async', 'sync', 'group_sync'] as const;
const DURABILITY_OF_LOG = 0;

const CONTENT_BINARY = 0;
const CONTENT_JSON = 1;
const ID_BYTES = 16;

/**
 * A subject is understood from PROTOCOL_VERSION_SUBJECTS on: who encodes one has looked which version is spoken.
 * Errors: INVALID_ARGUMENT; nothing of the frame is left in `out` then.
 */
export function encodeAppend(out: ByteWriter, request: number, append: AppendRequest): void {
  if (append.events.length < 1 || append.events.length > APPEND_EVENTS_MAX) {
    throw new TruthError(
      'INVALID_ARGUMENT',
      `an append of ${append.events.length} events; 1 to ${APPEND_EVENTS_MAX} are allowed`,
    );
  }
  const streamBytes = textBytesWithin('the stream name', append.stream, 1, STREAM_NAME_BYTES_MAX);
  const subject = append.subject ?? null;
  const subjectBytes = subject === null ? 0 : textBytesWithin('the subject', subject, 1, SUBJECT_BYTES_MAX);
  const start = out.begin(KIND.APPEND, request);
  try {
    out.u8(expectedNumber(append.expected));
    out.u8(append.ack === 'durable' ? ACK_DURABLE : ACK_APPLIED);
    out.u8(append.durability === undefined ? DURABILITY_OF_LOG : DURABILITIES.indexOf(append.durability) + 1);
    out.u8(0);
    out.u32(append.events.length);
    out.u64(typeof append.expected === 'number' ? append.expected : 0);
    out.u16(streamBytes);
    out.u16(subjectBytes);
    out.u32(0);
    out.text(append.stream);
    if (subject !== null) out.text(subject);
    for (const event of append.events) encodeDraft(out, event);
  } catch (error) {
    out.rewind(start);
    throw error;
  }
  out.end(start);
}

function encodeDraft(out: ByteWriter, event: EventDraft): void {
  const typeBytes = textBytesWithin('the event type', event.type, 1, EVENT_TYPE_BYTES_MAX);
  if (event.id.length !== ID_BYTES) {
    throw new TruthError('INVALID_ARGUMENT', `an event id has ${event.id.length} bytes; a UUID has 16`);
  }
  out.bytes(event.id);
  out.u32(event.data.length);
  out.u32(event.metadata.length);
  out.u16(typeBytes);
  out.u8(event.contentType === 'json' ? CONTENT_JSON : CONTENT_BINARY);
  out.u8(0);
  out.text(event.type);
  out.bytes(event.data);
  out.bytes(event.metadata);
}

/** The events lie in the received frame; `version` is the one the connection speaks. Errors: PROTOCOL. */
export function decodeAppend(body: ByteReader, version: number): AppendRequest {
  const expectedKind = body.u8('expected');
  const ack = body.u8('ack');
  const durability = body.u8('durability');
  body.zero(1, 'reserved');
  const count = body.u32('count');
  const expectedRevision = body.u64('expectedRevision');
  const streamBytes = body.u16('streamBytes');
  const subjectBytes = body.u16('subjectBytes');
  if (subjectBytes !== 0 && version < PROTOCOL_VERSION_SUBJECTS) throw tooEarly(version);
  body.zero(4, 'reserved2');
  // The name is checked where streams are known; here it is only text.
  const stream = body.text(streamBytes, 'stream') as StreamName;
  const subject = subjectBytes === 0 ? null : body.text(subjectBytes, 'subject');
  if (count < 1 || count > APPEND_EVENTS_MAX || count * EVENT_DRAFT.bytes > body.remaining) {
    throw new TruthError(
      'PROTOCOL',
      `APPEND announces ${count} events in ${body.remaining} bytes; 1 to ${APPEND_EVENTS_MAX} are allowed, ` +
        `each at least ${EVENT_DRAFT.bytes} bytes`,
    );
  }
  if (ack > ACK_DURABLE) throw unknown('ack', ack);
  if (durability > DURABILITIES.length) throw unknown('durability', durability);
  const events: EventDraft[] = [];
  for (let index = 0; index < count; index++) events.push(decodeDraft(body));
  body.done('APPEND');
  const expected = expectedFrom(expectedKind, expectedRevision);
  const answer = ack === ACK_DURABLE ? 'durable' : 'applied';
  const common = { stream, expected, events, subject, ack: answer } as const;
  const wanted = durability === DURABILITY_OF_LOG ? undefined : DURABILITIES[durability - 1];
  return wanted === undefined ? common : { ...common, durability: wanted };
}

function decodeDraft(body: ByteReader): EventDraft {
  const id = body.past(ID_BYTES, 'id');
  const dataBytes = body.u32('dataBytes');
  const metadataBytes = body.u32('metadataBytes');
  const typeBytes = body.u16('typeBytes');
  const contentType = contentTypeFrom(body.u8('contentType'));
  body.zero(1, 'reserved');
  const type = body.text(typeBytes, 'type');
  const data = body.past(dataBytes, 'data');
  const metadata = body.past(metadataBytes, 'metadata');
  return new PackedDraft(type, contentType, body.buffer, { id, data, dataBytes, metadata, metadataBytes });
}

export function contentTypeFrom(number: number): 'json' | 'binary' {
  if (number > CONTENT_JSON) throw unknown('contentType', number);
  return number === CONTENT_JSON ? 'json' : 'binary';
}

export function contentTypeNumber(contentType: 'json' | 'binary'): number {
  return contentType === 'json' ? CONTENT_JSON : CONTENT_BINARY;
}

export function encodeAppended(out: ByteWriter, request: number, result: AppendResult): void {
  const start = out.begin(KIND.APPENDED, request);
  out.u64(result.firstRevision);
  out.u64(result.lastRevision);
  out.u64(result.position);
  out.u32((result.duplicate ? APPENDED_DUPLICATE : 0) | (result.durable ? APPENDED_DURABLE : 0));
  out.u32(0);
  out.end(start);
}

export function decodeAppended(body: ByteReader, stream: StreamName): AppendResult {
  const firstRevision = revision(body.u64('firstRevision'));
  const lastRevision = revision(body.u64('lastRevision'));
  const position = sequence(body.u64('position'));
  const flags = body.u32('flags');
  body.zero(4, 'reserved');
  body.done('APPENDED');
  return {
    stream,
    firstRevision,
    lastRevision,
    position,
    duplicate: (flags & APPENDED_DUPLICATE) !== 0,
    durable: (flags & APPENDED_DURABLE) !== 0,
  };
}

function expectedNumber(expected: ExpectedRevision): number {
  if (expected === 'any') return EXPECTED_ANY;
  if (expected === 'none') return EXPECTED_NONE;
  if (expected === 'exists') return EXPECTED_EXISTS;
  return EXPECTED_EXACTLY;
}

function expectedFrom(kind: number, exactly: number): ExpectedRevision {
  if (kind === EXPECTED_EXACTLY) return revision(exactly);
  if (exactly !== 0) throw new TruthError('PROTOCOL', 'expectedRevision must be zero unless expected is 3');
  if (kind === EXPECTED_ANY) return 'any';
  if (kind === EXPECTED_NONE) return 'none';
  if (kind === EXPECTED_EXISTS) return 'exists';
  throw unknown('expected', kind);
}

function tooEarly(version: number): TruthError {
  return new TruthError(
    'PROTOCOL',
    `subjectBytes must be zero in version ${version}: persons are named from version ${PROTOCOL_VERSION_SUBJECTS} on`,
  );
}

function unknown(field: string, value: number): TruthError {
  return new TruthError('PROTOCOL', `${field} is ${value}, which this version does not know`);
}
