/**
 * Unary gRPC calls of one method over HTTP/2 (RFC 9113), as much as a load needs: constant request headers, DATA within the
 * peer's flow control, answers told by the frame that ends their stream. Headers that come back are not decoded: a call
 * that failed is known by the answer without a message (gRPC's "Trailers-Only").
 */
import type { Dialect } from './wire-load.ts';

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const EMPTY = Buffer.alloc(0);
const FRAME_HEADER_BYTES = 9;
const FRAME_BYTES_MAX = 16_384;
const WINDOW_BYTES = 65_535;
const CREDIT_BYTES = 1 << 30;

const DATA = 0;
const HEADERS = 1;
const NO_ERROR = 0;
const RST_STREAM = 3;
const SETTINGS = 4;
const PING = 6;
const GOAWAY = 7;
const WINDOW_UPDATE = 8;

const END_STREAM = 1;
const ACK = 1;
const END_HEADERS = 4;
const SETTING_INITIAL_WINDOW = 4;

/** A call whose message has not left entirely. */
interface Outgoing {
  readonly stream: number;
  readonly message: Buffer;
  sent: number;
  window: number;
}

export class GrpcDialect implements Dialect {
  readonly #headers: Buffer;
  readonly #message: () => Buffer;
  readonly #queue: Outgoing[] = [];
  readonly #withMessage = new Set<number>();
  #owed: Buffer[] = [];
  #ready = false;
  #lastStream = -1;
  #window = WINDOW_BYTES;
  #streamWindow = WINDOW_BYTES;
  #rest: Buffer = EMPTY;

  /** `message` makes the protobuf of the next call. */
  constructor(path: string, message: () => Buffer) {
    this.#headers = requestHeaders(path);
    this.#message = message;
  }

  greeting(): Buffer {
    const window = Buffer.alloc(6);
    window.writeUInt16BE(SETTING_INITIAL_WINDOW);
    window.writeUInt32BE(CREDIT_BYTES, 2);
    const credit = frame(WINDOW_UPDATE, 0, 0, u32(CREDIT_BYTES));
    return Buffer.concat([PREFACE, frame(SETTINGS, 0, 0, window), credit]);
  }

  ready(): boolean {
    return this.#ready;
  }

  requests(count: number): Buffer {
    const out: Buffer[] = [];
    for (let index = 0; index < count; index++) {
      this.#lastStream += 2;
      out.push(frame(HEADERS, END_HEADERS, this.#lastStream, this.#headers));
      const message = this.#message();
      const prefix = Buffer.alloc(5);
      prefix.writeUInt32BE(message.length, 1);
      this.#queue.push({
        stream: this.#lastStream,
        message: Buffer.concat([prefix, message]),
        sent: 0,
        window: this.#streamWindow,
      });
      this.#sendInto(out);
    }
    return Buffer.concat(out);
  }

  owed(): Buffer | null {
    this.#sendInto(this.#owed);
    if (this.#owed.length === 0) return null;
    const owed = Buffer.concat(this.#owed);
    this.#owed = [];
    return owed;
  }

  /** As much of the waiting messages as the windows allow. */
  #sendInto(out: Buffer[]): void {
    for (let next = this.#queue[0]; next !== undefined; next = this.#queue[0]) {
      const left = next.message.length - next.sent;
      const bytes = Math.min(left, FRAME_BYTES_MAX, this.#window, next.window);
      if (bytes <= 0) return;
      const flags = bytes === left ? END_STREAM : 0;
      out.push(frame(DATA, flags, next.stream, next.message.subarray(next.sent, next.sent + bytes)));
      next.sent += bytes;
      next.window -= bytes;
      this.#window -= bytes;
      if (bytes === left) this.#queue.shift();
    }
  }

  answered(chunk: Buffer): number {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    let answered = 0;
    while (bytes.length - at >= FRAME_HEADER_BYTES) {
      const end = at + FRAME_HEADER_BYTES + bytes.readUIntBE(at, 3);
      if (end > bytes.length) break;
      const stream = bytes.readUInt32BE(at + 5) & 0x7fff_ffff;
      const body = bytes.subarray(at + FRAME_HEADER_BYTES, end);
      answered += this.#take(bytes[at + 3] ?? 0, bytes[at + 4] ?? 0, stream, body);
      at = end;
    }
    this.#rest = bytes.subarray(at);
    return answered;
  }

  /** One frame; 1 when it ends a call. */
  #take(kind: number, flags: number, stream: number, body: Buffer): number {
    if (kind === DATA) this.#withMessage.add(stream);
    else if (kind === HEADERS && (flags & END_STREAM) !== 0) return this.#ended(stream, body);
    else if (kind === SETTINGS && (flags & ACK) === 0) this.#settings(body);
    else if (kind === PING && (flags & ACK) === 0) this.#owed.push(frame(PING, ACK, 0, body));
    else if (kind === WINDOW_UPDATE) this.#widen(stream, body.readUInt32BE(0));
    else if (kind === RST_STREAM) this.#reset(body.readUInt32BE(0));
    else if (kind === GOAWAY) throw new Error(`etcd ended the connection: ${body.toString('latin1', 8)}`);
    return 0;
  }

  /** NO_ERROR behind a complete answer only says that nothing more of the request is wanted (RFC 9113 §8.1). */
  #reset(code: number): void {
    if (code !== NO_ERROR) throw new Error(`etcd reset a call with code ${code}`);
  }

  #ended(stream: number, trailers: Buffer): number {
    if (!this.#withMessage.delete(stream))
      throw new Error(`etcd refused a call: ${trailers.toString('latin1').replaceAll(/[^ -~]/g, '.')}`);
    return 1;
  }

  #settings(body: Buffer): void {
    for (let at = 0; at + 6 <= body.length; at += 6) {
      if (body.readUInt16BE(at) === SETTING_INITIAL_WINDOW) this.#streamWindow = body.readUInt32BE(at + 2);
    }
    this.#owed.push(frame(SETTINGS, ACK, 0, EMPTY));
    this.#ready = true;
  }

  #widen(stream: number, bytes: number): void {
    if (stream === 0) this.#window += bytes;
    const waiting = this.#queue.find((each) => each.stream === stream);
    if (waiting !== undefined) waiting.window += bytes;
  }
}

/** HPACK (RFC 7541) without its tables: static entries and literals only. */
function requestHeaders(path: string): Buffer {
  const text = (value: string) => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]);
  return Buffer.concat([
    Buffer.from([0x83, 0x86]), // :method POST, :scheme http
    ...[Buffer.from([0x04]), text(path)],
    ...[Buffer.from([0x01]), text('127.0.0.1')],
    ...[Buffer.from([0x0f, 0x10]), text('application/grpc')],
    ...[Buffer.from([0x00]), text('te'), text('trailers')],
  ]);
}

function frame(kind: number, flags: number, stream: number, body: Buffer): Buffer {
  const out = Buffer.allocUnsafe(FRAME_HEADER_BYTES + body.length);
  out.writeUIntBE(body.length, 0, 3);
  out[3] = kind;
  out[4] = flags;
  out.writeUInt32BE(stream, 5);
  body.copy(out, FRAME_HEADER_BYTES);
  return out;
}

function u32(value: number): Buffer {
  const out = Buffer.alloc(4);
  out.writeUInt32BE(value);
  return out;
}
