/**
 * Builds messages one behind the other in a growing buffer, which its owner takes and hands to the socket. Nothing is
 * allocated per message or row.
 */
import { Buffer } from 'node:buffer';

const INITIAL_BYTES = 8 * 1024;
/** A buffer grown past this is given back after use. */
const KEPT_BYTES_MAX = 256 * 1024;
const LETTER_BYTES = 1;
const NULL_LENGTH = -1;
const EMPTY = Buffer.alloc(0);

export class MessageWriter {
  #buffer: Buffer = EMPTY;
  #at = 0;

  /** Bytes finished and not taken yet. */
  get length(): number {
    return this.#at;
  }

  /** Opens a message and returns its start, to be given to `end`. */
  begin(kind: number): number {
    const start = this.#at;
    this.u8(kind);
    this.i32(0);
    return start;
  }

  end(start: number): void {
    this.#buffer.writeInt32BE(this.#at - start - LETTER_BYTES, start + LETTER_BYTES);
  }

  /** A message without fields. */
  empty(kind: number): void {
    this.end(this.begin(kind));
  }

  /** Drops everything from `start` on: the message could not be finished. */
  rewind(start: number): void {
    this.#at = start;
  }

  u8(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#at++] = value;
  }

  i16(value: number): void {
    this.#reserve(2);
    this.#at = this.#buffer.writeUInt16BE(value & 0xffff, this.#at);
  }

  i32(value: number): void {
    this.#reserve(4);
    this.#at = this.#buffer.writeInt32BE(value | 0, this.#at);
  }

  /** Text with its zero byte. A zero inside would end it early: it is left out. */
  text(value: string): void {
    const clean = value.includes('\0') ? value.replaceAll('\0', '') : value;
    this.#reserve(clean.length * 3 + 1);
    this.#at += this.#buffer.write(clean, this.#at);
    this.#buffer[this.#at++] = 0;
  }

  bytes(value: Uint8Array): void {
    this.#reserve(value.length);
    this.#buffer.set(value, this.#at);
    this.#at += value.length;
  }

  /** A field of a row: its length, then its bytes. */
  fieldText(value: string): void {
    this.#reserve(value.length * 3 + 4);
    const bytes = this.#buffer.write(value, this.#at + 4);
    this.#buffer.writeInt32BE(bytes, this.#at);
    this.#at += bytes + 4;
  }

  fieldBytes(value: Uint8Array): void {
    this.i32(value.length);
    this.bytes(value);
  }

  fieldNull(): void {
    this.i32(NULL_LENGTH);
  }

  /** All finished bytes, valid until `reuse`; who cannot know when the socket is done with them calls `replace`. */
  taken(): Buffer {
    return this.#buffer.subarray(0, this.#at);
  }

  reuse(): void {
    if (this.#buffer.length > KEPT_BYTES_MAX) this.replace();
    else this.#at = 0;
  }

  replace(): void {
    this.#at = 0;
    this.#buffer = EMPTY;
  }

  #reserve(bytes: number): void {
    const needed = this.#at + bytes;
    if (needed <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2, INITIAL_BYTES));
    this.#buffer.copy(grown, 0, 0, this.#at);
    this.#buffer = grown;
  }
}
