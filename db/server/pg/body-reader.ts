/**
 * Reads the fields of one message: big-endian numbers, texts that end with a zero byte. Never past the message: what is
 * missing or left over is a PROTOCOL error that names the field.
 */
import { Buffer, isUtf8 } from 'node:buffer';
import { TruthError } from '../../errors.ts';
import { invalidText } from './invalid-text.ts';

const EMPTY = Buffer.alloc(0);

export class BodyReader {
  #buffer: Buffer = EMPTY;
  #at = 0;
  #end = 0;

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
    this.#at += 2;
    return this.#buffer.readUInt16BE(this.#at - 2);
  }

  i32(field: string): number {
    this.#need(4, field);
    this.#at += 4;
    return this.#buffer.readInt32BE(this.#at - 4);
  }

  u32(field: string): number {
    return this.i32(field) >>> 0;
  }

  /** Text up to a zero byte, which is passed. Errors: PROTOCOL; INVALID_ARGUMENT (22021) where it is no UTF-8. */
  text(field: string): string {
    const zero = this.#buffer.indexOf(0, this.#at);
    if (zero < 0 || zero >= this.#end) throw broken(`the message ends inside ${field}`);
    const start = this.#at;
    this.#at = zero + 1;
    return this.#decoded(start, zero);
  }

  /** A copy: the message's memory is used again. */
  bytes(length: number, field: string): Uint8Array {
    if (length < 0) throw broken(`${field} is said to have ${length} bytes`);
    this.#need(length, field);
    this.#at += length;
    return Uint8Array.prototype.slice.call(this.#buffer, this.#at - length, this.#at);
  }

  /** `count` numbers of 16 bits, as many as the field in front of them says. */
  numbers(field: string, width: 2 | 4): number[] {
    const count = this.u16(`the number of ${field}`);
    this.#need(count * width, field);
    return Array.from({ length: count }, () => (width === 2 ? this.u16(field) : this.u32(field)));
  }

  /** The message must be used up: what is left means that the two sides disagree about its form. */
  done(what: string): void {
    if (this.#at !== this.#end) throw broken(`${what} has ${this.#end - this.#at} bytes too many`);
  }

  #decoded(start: number, end: number): string {
    const text = this.#buffer.toString('utf8', start, end);
    // Broken UTF-8 decodes to U+FFFD: only then is the slower check needed.
    const bytes = text.includes('\ufffd') ? this.#buffer.subarray(start, end) : EMPTY;
    if (!isUtf8(bytes)) throw invalidText(bytes);
    return text;
  }

  #need(bytes: number, field: string): void {
    if (this.remaining < bytes) {
      throw broken(`the message ends inside ${field}: ${bytes} bytes needed, ${this.remaining} left`);
    }
  }
}

function broken(why: string): TruthError {
  return new TruthError('PROTOCOL', why);
}
