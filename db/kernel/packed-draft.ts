/**
 * An event whose parts lie in one buffer, as it came over the wire. What is done for every event works on the buffer; views
 * of the parts are made for who asks for them, because two views an event cost as much as encoding it.
 */
import type { EventDraft } from './event.ts';

/** Offsets and lengths in bytes, of and in the buffer. */
export interface PackedParts {
  readonly id: number;
  readonly data: number;
  readonly dataBytes: number;
  readonly metadata: number;
  readonly metadataBytes: number;
}

const ID_BYTES = 16;

export class PackedDraft implements EventDraft {
  readonly type: string;
  readonly contentType: 'json' | 'binary';
  readonly source: Buffer;
  readonly idAt: number;
  readonly dataBytes: number;
  readonly metadataBytes: number;
  readonly #dataAt: number;
  readonly #metadataAt: number;

  /** The parts lie inside the buffer: its reader has checked that. */
  constructor(type: string, contentType: 'json' | 'binary', source: Buffer, parts: PackedParts) {
    this.type = type;
    this.contentType = contentType;
    this.source = source;
    this.idAt = parts.id;
    this.dataBytes = parts.dataBytes;
    this.metadataBytes = parts.metadataBytes;
    this.#dataAt = parts.data;
    this.#metadataAt = parts.metadata;
  }

  get id(): Uint8Array {
    return this.#view(this.idAt, ID_BYTES);
  }

  get data(): Uint8Array {
    return this.#view(this.#dataAt, this.dataBytes);
  }

  get metadata(): Uint8Array {
    return this.#view(this.#metadataAt, this.metadataBytes);
  }

  /** Copies the parts to their places in `target`, which has room for them. */
  copyTo(target: Uint8Array, idAt: number, metadataAt: number, dataAt: number): void {
    const { source } = this;
    for (let at = 0; at < ID_BYTES; at++) target[idAt + at] = source[this.idAt + at]!;
    if (this.metadataBytes > 0) {
      source.copy(target, metadataAt, this.#metadataAt, this.#metadataAt + this.metadataBytes);
    }
    source.copy(target, dataAt, this.#dataAt, this.#dataAt + this.dataBytes);
  }

  #view(at: number, bytes: number): Uint8Array {
    return new Uint8Array(this.source.buffer, this.source.byteOffset + at, bytes);
  }
}

/** Where the id of an event lies: `idSource(event)` at `idOffset(event)`, without making a view of it. */
export function idSource(event: EventDraft): Uint8Array {
  return event instanceof PackedDraft ? event.source : event.id;
}

export function idOffset(event: EventDraft): number {
  return event instanceof PackedDraft ? event.idAt : 0;
}

export function dataBytes(event: EventDraft): number {
  return event instanceof PackedDraft ? event.dataBytes : event.data.length;
}

export function metadataBytes(event: EventDraft): number {
  return event instanceof PackedDraft ? event.metadataBytes : event.metadata.length;
}
