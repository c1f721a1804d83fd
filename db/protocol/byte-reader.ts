/**
 * Reads the fields of one frame body. Never reads past the body: what is missing, left over or out of range is a
 * PROTOCOL error that names the field. Byte fields are views into the received bytes, not copies.
 */
import { Buffer, isUtf8 } from 'node:buffer';
import { TruthError } from '../errors.ts';

const U32 = 0x1_0000_0000;
const SAFE_HIGH_MAX = 0x1f_ffff;
const U32_MAX = 0xffff_ffff;

const EMPTY = Buffer.alloc(0);
const NOTHING = new Uint8Array(0);
/** A power of two. */
const MEMOS = 8;

export class ByteReader {
  #buffer: Buffer = EMPTY;
  #at = 0;
  #end = 0;
  /** Names and types come again and again: the last ones are told by their bytes, without making a string of them. */
  readonly #memos: TextMemo[] = [];

  /** Starts over on bytes [start, end) of `buffer`. */
  reset(buffer: Buffer, start: number, end: number): void {
    this.#buffer = buffer;
    this.#at = start;
    this.#end = end;
  }

  get remaining(): number {
    return this.#end - this.#at;
  }

  u8(field: string): number {
    this.#need(1, field);
    return this.#buffer[this.#at++] as number;
  }

  u16(field: string): number {
    this.#need(2, field);
    const value = this.#buffer.readUInt16LE(this.#at);
    this.#at += 2;
    return value;
  }

  u32(field: string): number {
    this.#need(4, field);
    const value = this.#buffer.readUInt32LE(this.#at);
    this.#at += 4;
    return value;
  }

  /** A u64 that must be at most 2^53 − 1. */
  u64(field: string): number {
    const low = this.u32(field);
    const high = this.u32(field);
    if (high > SAFE_HIGH_MAX) throw this.#broken(`${field} is larger than 2^53 − 1`);
    return high * U32 + low;
  }

  /** As `u64`; null when all bits are set. */
  u64OrMax(field: string): number | null {
    const low = this.u32(field);
    const high = this.u32(field);
    if (low === U32_MAX && high === U32_MAX) return null;
    if (high > SAFE_HIGH_MAX) throw this.#broken(`${field} is larger than 2^53 − 1`);
    return high * U32 + low;
  }

  f64(field: string): number {
    this.#need(8, field);
    const value = this.#buffer.readDoubleLE(this.#at);
    this.#at += 8;
    return value;
  }

  bigU64(field: string): bigint {
    this.#need(8, field);
    const value = this.#buffer.readBigUInt64LE(this.#at);
    this.#at += 8;
    return value;
  }

  zero(bytes: number, field: string): void {
    this.#need(bytes, field);
    for (let index = 0; index < bytes; index++) {
      if (this.#buffer[this.#at + index] !== 0) throw this.#broken(`${field} must be zero in this version`);
    }
    this.#at += bytes;
  }

  bytes(length: number, field: string): Uint8Array {
    // Most events have no metadata: a view of nothing need not be made.
    if (length === 0) return NOTHING;
    this.#need(length, field);
    // A plain view: a Buffer's `subarray` takes three times as long, twice for each event.
    const view = new Uint8Array(this.#buffer.buffer, this.#buffer.byteOffset + this.#at, length);
    this.#at += length;
    return view;
  }

  /** Goes past `length` bytes; where they begin in `buffer`. */
  past(length: number, field: string): number {
    this.#need(length, field);
    const start = this.#at;
    this.#at += length;
    return start;
  }

  /** What the frame lies in. */
  get buffer(): Buffer {
    return this.#buffer;
  }

  text(length: number, field: string): string {
    this.#need(length, field);
    const start = this.#at;
    this.#at += length;
    if (length === 0 || length > TextMemo.BYTES_MAX) return this.#decoded(start, field);
    const slot = (length ^ this.#buffer[this.#at - 1]!) & (MEMOS - 1);
    let memo = this.#memos[slot];
    if (memo?.is(this.#buffer, start, length)) return memo.text;
    const text = this.#decoded(start, field);
    memo ??= this.#memos[slot] = new TextMemo();
    memo.set(text, this.#buffer, start, length);
    return text;
  }

  /** The text from `start` up to where the reader stands. */
  #decoded(start: number, field: string): string {
    const text = this.#buffer.toString('utf8', start, this.#at);
    // Broken UTF-8 decodes to U+FFFD: only then is the slower check needed. Two names must never read as one.
    if (text.includes('\ufffd') && !isUtf8(this.#buffer.subarray(start, this.#at))) {
      throw this.#broken(`${field} is not valid UTF-8`);
    }
    return text;
  }

  /** The body must be used up: anything left over means the two sides disagree about its form. */
  done(what: string): void {
    if (this.#at !== this.#end) throw this.#broken(`${what} has ${this.#end - this.#at} bytes too many`);
  }

  #need(bytes: number, field: string): void {
    if (this.#end - this.#at < bytes) {
      throw this.#broken(
        `the frame ends inside ${field}: ${bytes} bytes needed, ${this.#end - this.#at} left`,
      );
    }
  }

  #broken(why: string): TruthError {
    return new TruthError('PROTOCOL', why);
  }
}

/** A short text and the bytes it was made of. */
class TextMemo {
  static readonly BYTES_MAX = 64;
  readonly #bytes = new Uint8Array(TextMemo.BYTES_MAX);
  #length = 0;
  text = '';

  is(bytes: Uint8Array, start: number, length: number): boolean {
    if (length !== this.#length) return false;
    for (let index = 0; index < length; index++) {
      if (bytes[start + index] !== this.#bytes[index]) return false;
    }
    return true;
  }

  set(text: string, bytes: Uint8Array, start: number, length: number): void {
    this.text = text;
    this.#length = length;
    for (let index = 0; index < length; index++) this.#bytes[index] = bytes[start + index]!;
  }
}
