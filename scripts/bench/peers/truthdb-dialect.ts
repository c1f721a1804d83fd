/**
 * TruthDB's wire protocol for the load generator, as the other servers get theirs: requests are made once, and each gets ids
 * of its own and the checksum that goes with them. What the SDK does beside that for a program (promises, repeated
 * attempts, checks of each field) is not part of it.
 */
import { randomBytes } from 'node:crypto';
import { xxh64Low } from '../../../db/hash/index.ts';
import {
  ByteWriter,
  EVENT_DRAFT,
  encodeAppend,
  encodeEmpty,
  encodeHello,
  FRAME_HEADER,
  FrameReader,
  KIND,
  PROTOCOL_VERSION_MAX,
  PROTOCOL_VERSION_MIN,
} from '../../../db/protocol/index.ts';
import type { StreamName } from '../../../db/streams/event.ts';
import type { Dialect } from './wire-load.ts';

const { checksum: AT_CHECKSUM, length: AT_LENGTH, request: AT_REQUEST } = FRAME_HEADER.at;
const ID_BYTES = 16;
const TYPE = 'load';
const BODY_BYTES_MAX = 1024 * 1024;
const U32 = 0x1_0000_0000;

export interface TruthdbLoad {
  readonly token: string;
  readonly stream: string;
  readonly data: Buffer;
  /** Events a request. */
  readonly batch: number;
}

export class TruthdbDialect implements Dialect {
  readonly #token: string;
  readonly #template: Buffer;
  /** Where the first event's id lies, and how far the next one is. */
  readonly #firstId: number;
  readonly #stride: number;
  readonly #batch: number;
  readonly #reader = new FrameReader(BODY_BYTES_MAX);
  #ids = 0;
  #request = 0;
  #ready = false;
  #pings = 0;

  constructor({ token, stream, data, batch }: TruthdbLoad) {
    this.#token = token;
    this.#batch = batch;
    const id = randomBytes(ID_BYTES);
    const event = { id, type: TYPE, contentType: 'binary' as const, data, metadata: Buffer.alloc(0) };
    const writer = new ByteWriter();
    const events = Array.from({ length: batch }, () => event);
    encodeAppend(writer, 1, { stream: stream as StreamName, expected: 'any', events, ack: 'durable' });
    this.#template = Buffer.from(writer.taken());
    this.#firstId = this.#template.indexOf(id);
    this.#stride = EVENT_DRAFT.bytes + TYPE.length + data.length;
  }

  greeting(): Buffer {
    const writer = new ByteWriter();
    const versions = { versionMin: PROTOCOL_VERSION_MIN, versionMax: PROTOCOL_VERSION_MAX };
    encodeHello(writer, 1, { ...versions, token: this.#token, name: 'load' });
    return Buffer.from(writer.taken());
  }

  ready(): boolean {
    return this.#ready;
  }

  requests(count: number): Buffer {
    const size = this.#template.length;
    const out = Buffer.allocUnsafe(size * count);
    for (let each = 0; each < count; each++) this.#write(out, each * size);
    return out;
  }

  answered(chunk: Buffer): number {
    this.#reader.push(chunk);
    let answered = 0;
    while (this.#reader.next()) {
      const { kind } = this.#reader;
      if (kind === KIND.APPENDED) answered += 1;
      else if (kind === KIND.WELCOME) this.#ready = true;
      else if (kind === KIND.SERVER_PING) this.#pings += 1;
      else throw new Error(`TruthDB sent a frame of kind ${kind}`);
    }
    return answered;
  }

  owed(): Buffer | null {
    if (this.#pings === 0) return null;
    const writer = new ByteWriter();
    for (; this.#pings > 0; this.#pings--) encodeEmpty(writer, KIND.PONG, 0);
    return Buffer.from(writer.taken());
  }

  /** One request of its own: request number and event ids differ, and with them the checksum. */
  #write(out: Buffer, at: number): void {
    this.#template.copy(out, at);
    this.#request = (this.#request % (U32 - 2)) + 1;
    out.writeUInt32LE(this.#request, at + AT_REQUEST);
    let idAt = at + this.#firstId;
    for (let event = 0; event < this.#batch; event++, idAt += this.#stride) {
      this.#ids += 1;
      out.writeUInt32LE(this.#ids % U32, idAt);
      out.writeUInt32LE(Math.floor(this.#ids / U32), idAt + 4);
    }
    const end = at + this.#template.length;
    out.writeUInt32LE(xxh64Low(out, at + AT_LENGTH, end), at + AT_CHECKSUM);
  }
}
