/**
 * The payload of an event entry (type 16): a header of fixed size, then stream name, type, metadata and data back to
 * back. Little-endian; the data's length is what remains of the payload. Encoder, decoder and the views read the offsets
 * from the one table below.
 */
import { TruthError } from '../errors.ts';
import type { Revision, Sequence } from '../types.ts';
import type { EventDraft, StreamName } from './event.ts';
import { invariant } from './invariant.ts';
import { dataBytes, metadataBytes, PackedDraft } from './packed-draft.ts';
import { writeUtf8 } from './utf8.ts';

export const EVENT_ENTRY_TYPE = 16;
const EVENT_ENTRY_VERSION = 1;

/** Offset and size in bytes of each header field. */
export const EVENT_FIELDS = {
  version: { offset: 0, bytes: 1 },
  /** 1 JSON, 2 binary. */
  contentType: { offset: 1, bytes: 1 },
  streamBytes: { offset: 2, bytes: 2 },
  typeBytes: { offset: 4, bytes: 2 },
  revision: { offset: 6, bytes: 6 },
  metadataBytes: { offset: 12, bytes: 4 },
  id: { offset: 16, bytes: 16 },
} as const;

export const EVENT_HEADER_BYTES = 32;
export const EVENT_ID_BYTES = EVENT_FIELDS.id.bytes;

const CONTENT_JSON = 1;
const CONTENT_BINARY = 2;
const REVISION_MAX = 0xffff_ffff_ffff;
const TWO_TO_32 = 0x1_0000_0000;
const SLAB_BYTES = 256 * 1024;
const UTF8_BYTES_PER_CODE_UNIT_MAX = 3;

const {
  contentType: CONTENT,
  streamBytes: STREAM,
  typeBytes: TYPE,
  revision: REVISION,
  metadataBytes: METADATA,
  id: ID,
} = EVENT_FIELDS;

/**
 * Encodes events into slabs that many events share, because an ArrayBuffer of its own costs more than a small event's
 * bytes. A slab is never reused: it lives as long as a payload in it does.
 */
export class EventEncoder {
  #slab = new Uint8Array(0);
  #used = 0;

  /** The payload of one event. Names and sizes have been checked: `decide` is the only caller. */
  encode(stream: StreamName, revision: Revision, event: EventDraft): Uint8Array {
    invariant(revision <= REVISION_MAX, 'a revision fits 48 bits');
    const [ofData, ofMetadata] = [dataBytes(event), metadataBytes(event)];
    const names = (stream.length + event.type.length) * UTF8_BYTES_PER_CODE_UNIT_MAX;
    this.#makeRoom(EVENT_HEADER_BYTES + names + ofMetadata + ofData);
    const slab = this.#slab;
    const start = this.#used;
    const typeAt = writeUtf8(slab, start + EVENT_HEADER_BYTES, stream);
    const metadataAt = writeUtf8(slab, typeAt, event.type);
    const dataAt = metadataAt + ofMetadata;
    const end = dataAt + ofData;
    slab[start] = EVENT_ENTRY_VERSION;
    slab[start + CONTENT.offset] = event.contentType === 'json' ? CONTENT_JSON : CONTENT_BINARY;
    writeU16(slab, start + STREAM.offset, typeAt - start - EVENT_HEADER_BYTES);
    writeU16(slab, start + TYPE.offset, metadataAt - typeAt);
    writeU32(slab, start + REVISION.offset, revision % TWO_TO_32);
    writeU16(slab, start + REVISION.offset + 4, Math.floor(revision / TWO_TO_32));
    writeU32(slab, start + METADATA.offset, ofMetadata);
    if (event instanceof PackedDraft) {
      event.copyTo(slab, start + ID.offset, metadataAt, dataAt);
    } else {
      invariant(event.id.length === EVENT_ID_BYTES, 'an event id has 16 bytes');
      slab.set(event.id, start + ID.offset);
      if (ofMetadata > 0) slab.set(event.metadata, metadataAt);
      slab.set(event.data, dataAt);
    }
    this.#used = end;
    return new Uint8Array(slab.buffer, slab.byteOffset + start, end - start);
  }

  #makeRoom(bytes: number): void {
    if (this.#used + bytes <= this.#slab.length) return;
    // Not zeroed, because every byte that is handed out is written.
    const { buffer, byteOffset, length } = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, bytes));
    this.#slab = new Uint8Array(buffer, byteOffset, length);
    this.#used = 0;
  }
}

/** What a payload says; `id`, `data` and `metadata` are views into it. */
export interface DecodedEvent extends EventDraft {
  readonly stream: StreamName;
  readonly revision: Revision;
}

/** Errors: as checkEventEntry. */
export function decodeEvent(payload: Uint8Array, at: Sequence): DecodedEvent {
  checkEventEntry(payload, at);
  const typeAt = EVENT_HEADER_BYTES + streamBytesOf(payload);
  const metadataAt = typeAt + readU16(payload, TYPE.offset);
  const dataAt = metadataAt + readU32(payload, METADATA.offset);
  const text = Buffer.from(payload.buffer, payload.byteOffset, payload.length);
  return {
    stream: text.toString('utf8', EVENT_HEADER_BYTES, typeAt) as StreamName,
    revision: revisionOf(payload) as Revision,
    id: payload.subarray(ID.offset, ID.offset + ID.bytes),
    type: text.toString('utf8', typeAt, metadataAt),
    contentType: payload[CONTENT.offset] === CONTENT_JSON ? 'json' : 'binary',
    data: payload.subarray(dataAt),
    metadata: payload.subarray(metadataAt, dataAt),
  };
}

/** Refuses a payload whose parts do not add up: its checksum held, so whoever wrote it wrote another format. */
export function checkEventEntry(payload: Uint8Array, at: Sequence): void {
  const version = payload[0];
  if (version !== EVENT_ENTRY_VERSION) {
    throw new TruthError(
      'UNSUPPORTED_VERSION',
      `the event at ${at} has format version ${version ?? 'none'}, this release reads ${EVENT_ENTRY_VERSION}: use the release that wrote it, or a newer one`,
      { sequence: at },
    );
  }
  const content = payload[CONTENT.offset];
  const complete =
    payload.length >= EVENT_HEADER_BYTES &&
    EVENT_HEADER_BYTES +
      streamBytesOf(payload) +
      readU16(payload, TYPE.offset) +
      readU32(payload, METADATA.offset) <=
      payload.length;
  if (!complete || (content !== CONTENT_JSON && content !== CONTENT_BINARY)) {
    throw new TruthError(
      'CORRUPT',
      `the event at ${at} does not add up: its ${payload.length} bytes cannot hold what its header announces`,
      { sequence: at },
    );
  }
}

export function streamBytesOf(payload: Uint8Array): number {
  return readU16(payload, STREAM.offset);
}

export const streamOffset = EVENT_HEADER_BYTES;
export const eventIdOffset = ID.offset;

export function revisionOf(payload: Uint8Array): number {
  return readU32(payload, REVISION.offset) + readU16(payload, REVISION.offset + 4) * TWO_TO_32;
}

function readU16(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8);
}

function readU32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}

function writeU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
}

function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}
