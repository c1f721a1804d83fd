/** READ_STREAM, READ_ALL, SUBSCRIBE and what answers them: pages and subscription batches share one form. */
import { TruthError } from '../errors.ts';
import type { RecordedEvent, StreamName } from '../streams/event.ts';
import { type RecordedAt, revision, type Sequence, sequence } from '../types.ts';
import { contentTypeFrom, contentTypeNumber } from './appends.ts';
import type { ByteReader } from './byte-reader.ts';
import { type ByteWriter, textBytesWithin } from './byte-writer.ts';
import { KIND, PAGE_END, PAGE_EVENTS_MAX, RECORDED_EVENT, STREAM_NAME_BYTES_MAX } from './constants.ts';

export type Direction = 'forwards' | 'backwards';

/** `from` is null at the start (forwards) or the end (backwards). */
export interface ReadStream {
  readonly stream: StreamName;
  readonly direction: Direction;
  readonly from: number | null;
  readonly limit: number;
}

export type ReadAll = Omit<ReadStream, 'stream'>;

export interface Subscribe {
  /** Events after this position. */
  readonly after: Sequence;
  /** Null: all streams. */
  readonly stream: StreamName | null;
  /** Bytes of EVENTS bodies that may be sent. */
  readonly credit: number;
}

export interface Page {
  readonly events: readonly RecordedEvent[];
  readonly end: boolean;
  readonly next: number;
}

const BACKWARDS = 1;
const ID_BYTES = 16;

export function encodeReadStream(out: ByteWriter, request: number, read: ReadStream): void {
  const streamBytes = textBytesWithin('the stream name', read.stream, 1, STREAM_NAME_BYTES_MAX);
  const start = out.begin(KIND.READ_STREAM, request);
  encodeRange(out, read);
  out.u8(0);
  out.u16(streamBytes);
  out.text(read.stream);
  out.end(start);
}

export function decodeReadStream(body: ByteReader): ReadStream {
  const range = decodeRange(body);
  body.zero(1, 'reserved');
  const stream = body.text(body.u16('streamBytes'), 'stream') as StreamName;
  body.done('READ_STREAM');
  return { stream, ...range };
}

export function encodeReadAll(out: ByteWriter, request: number, read: ReadAll): void {
  const start = out.begin(KIND.READ_ALL, request);
  encodeRange(out, read);
  out.u8(0);
  out.u16(0);
  out.end(start);
}

export function decodeReadAll(body: ByteReader): ReadAll {
  const range = decodeRange(body);
  body.zero(3, 'reserved and reserved2');
  body.done('READ_ALL');
  return range;
}

function encodeRange(out: ByteWriter, read: ReadAll): void {
  if (read.from === null) out.u64Max();
  else out.u64(read.from);
  out.u32(read.limit);
  out.u8(read.direction === 'backwards' ? BACKWARDS : 0);
}

function decodeRange(body: ByteReader): ReadAll {
  const from = body.u64OrMax('from');
  const limit = body.u32('limit');
  const direction = body.u8('direction');
  if (limit < 1 || limit > PAGE_EVENTS_MAX) {
    throw new TruthError('PROTOCOL', `limit is ${limit}; 1 to ${PAGE_EVENTS_MAX} are allowed`);
  }
  if (direction > BACKWARDS)
    throw new TruthError('PROTOCOL', `direction is ${direction}; 0 or 1 are allowed`);
  return { from, limit, direction: direction === BACKWARDS ? 'backwards' : 'forwards' };
}

export function encodeSubscribe(out: ByteWriter, request: number, subscribe: Subscribe): void {
  const stream = subscribe.stream ?? '';
  const streamBytes = textBytesWithin('the stream name', stream, 0, STREAM_NAME_BYTES_MAX);
  const start = out.begin(KIND.SUBSCRIBE, request);
  out.u64(subscribe.after);
  out.u32(subscribe.credit);
  out.u16(streamBytes);
  out.u16(0);
  out.text(stream);
  out.end(start);
}

export function decodeSubscribe(body: ByteReader): Subscribe {
  const after = sequence(body.u64('after'));
  const credit = body.u32('credit');
  const streamBytes = body.u16('streamBytes');
  body.zero(2, 'reserved');
  const stream = streamBytes === 0 ? null : (body.text(streamBytes, 'stream') as StreamName);
  body.done('SUBSCRIBE');
  return { after, stream, credit };
}

export function encodeCredit(out: ByteWriter, request: number, bytes: number): void {
  const start = out.begin(KIND.CREDIT, request);
  out.u32(bytes);
  out.end(start);
}

export function decodeCredit(body: ByteReader): number {
  const bytes = body.u32('bytes');
  body.done('CREDIT');
  return bytes;
}

/** Bytes an event takes in a page, names counted as if every character took three. */
export function recordedEventBytesMax(event: RecordedEvent): number {
  return (
    RECORDED_EVENT.bytes +
    (event.stream.length + event.type.length) * 3 +
    event.data.length +
    event.metadata.length
  );
}

/** `kind` is PAGE or EVENTS; `events[first]` to `events[last - 1]` are sent. */
export function encodePage(
  out: ByteWriter,
  kind: typeof KIND.PAGE | typeof KIND.EVENTS,
  request: number,
  page: Page,
): void {
  const start = out.begin(kind, request);
  out.u32(page.events.length);
  out.u32(page.end ? PAGE_END : 0);
  out.u64(page.next);
  for (const event of page.events) encodeEvent(out, event);
  out.end(start);
}

function encodeEvent(out: ByteWriter, event: RecordedEvent): void {
  out.u64(event.position);
  out.u64(event.revision);
  out.bigU64(event.recordedAt);
  out.bytes(event.id);
  out.u32(event.data.length);
  out.u32(event.metadata.length);
  const names = out.length;
  out.u32(0);
  out.u8(contentTypeNumber(event.contentType));
  out.u8(0);
  out.u16(0);
  out.patchU16(names, out.text(event.stream));
  out.patchU16(names + 2, out.text(event.type));
  out.bytes(event.data);
  out.bytes(event.metadata);
}

export function decodePage(body: ByteReader): Page {
  const count = body.u32('count');
  const flags = body.u32('flags');
  const next = body.u64('next');
  if (count * RECORDED_EVENT.bytes > body.remaining) {
    throw new TruthError('PROTOCOL', `a page announces ${count} events in ${body.remaining} bytes`);
  }
  const events: RecordedEvent[] = [];
  for (let index = 0; index < count; index++) events.push(decodeEvent(body));
  body.done('PAGE');
  return { events, end: (flags & PAGE_END) !== 0, next };
}

function decodeEvent(body: ByteReader): RecordedEvent {
  const position = sequence(body.u64('position'));
  const eventRevision = revision(body.u64('revision'));
  const recordedAt = body.bigU64('recordedAt') as RecordedAt;
  const id = body.bytes(ID_BYTES, 'id');
  const dataBytes = body.u32('dataBytes');
  const metadataBytes = body.u32('metadataBytes');
  const streamBytes = body.u16('streamBytes');
  const typeBytes = body.u16('typeBytes');
  const contentType = contentTypeFrom(body.u8('contentType'));
  body.zero(3, 'reserved and reserved2');
  const stream = body.text(streamBytes, 'stream') as StreamName;
  const type = body.text(typeBytes, 'type');
  const data = body.bytes(dataBytes, 'data');
  const metadata = body.bytes(metadataBytes, 'metadata');
  return { stream, revision: eventRevision, position, recordedAt, id, type, contentType, data, metadata };
}
