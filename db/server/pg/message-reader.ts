/**
 * Cuts what a client sends into messages: a letter, a big-endian length that counts itself, a body; the first packets of a
 * connection lack the letter. Memory held is at most twice what has arrived: a length that is only claimed costs nothing,
 * one that is not allowed ends the connection.
 */
import { Buffer } from 'node:buffer';
import { TruthError } from '../../errors.ts';
import { BodyReader } from './body-reader.ts';
import { STARTUP_HEADER_BYTES } from './constants.ts';

const EMPTY = Buffer.alloc(0);
const LENGTH_BYTES = 4;
const LETTER_BYTES = 1;

export class MessageReader {
  /** Of the message `next` stopped at: its letter, 0 without one; its body, valid until something is pushed. */
  kind = 0;
  readonly body = new BodyReader();
  /** Whether messages have letters: not before the startup packet has been read. */
  lettered = false;
  bytesMax: number;
  #bytes: Buffer = EMPTY;
  #at = 0;
  #end = 0;
  /** Whether `#bytes` is memory of our own, to be written into. */
  #own = false;

  /** `bytesMax`: of one message, its length word included. */
  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  /** Bytes that have arrived and are in no message that was read. */
  get waitingBytes(): number {
    return this.#end - this.#at;
  }

  /** The letter of the message that comes next; null while nothing of it has arrived. */
  get nextKind(): number | null {
    return this.#at < this.#end ? (this.#bytes[this.#at] as number) : null;
  }

  push(chunk: Buffer): void {
    const waiting = this.waitingBytes;
    if (waiting === 0) {
      this.#bytes = chunk;
      this.#at = 0;
      this.#end = chunk.length;
      this.#own = false;
      return;
    }
    this.#reserve(waiting, chunk.length);
    chunk.copy(this.#bytes, this.#end);
    this.#end += chunk.length;
  }

  #reserve(waiting: number, more: number): void {
    if (this.#own && this.#bytes.length - this.#end >= more) return;
    const needed = waiting + more;
    // A message that arrives in pieces would otherwise be copied once a piece.
    const room = this.#own && needed <= this.#bytes.length ? this.#bytes : Buffer.allocUnsafeSlow(needed * 2);
    this.#bytes.copy(room, 0, this.#at, this.#end);
    this.#bytes = room;
    this.#own = true;
    this.#at = 0;
    this.#end = waiting;
  }

  /** Goes to the next whole message; false when its rest has yet to arrive. Errors: PROTOCOL, TOO_LARGE. */
  next(): boolean {
    const letter = this.lettered ? LETTER_BYTES : 0;
    if (this.waitingBytes < letter + LENGTH_BYTES) return false;
    const length = this.#bytes.readUInt32BE(this.#at + letter);
    this.#check(length);
    if (this.waitingBytes < letter + length) return false;
    this.kind = this.lettered ? (this.#bytes[this.#at] as number) : 0;
    const start = this.#at + letter + LENGTH_BYTES;
    this.#at += letter + length;
    this.body.reset(this.#bytes, start, this.#at);
    return true;
  }

  #check(length: number): void {
    const least = this.lettered ? LENGTH_BYTES : STARTUP_HEADER_BYTES;
    if (length < least || (length > this.bytesMax && !this.lettered)) {
      throw new TruthError(
        'PROTOCOL',
        `a message says it is ${length} bytes long, which none is here: this port speaks PostgreSQL's protocol, version 3`,
      );
    }
    if (length > this.bytesMax) {
      throw new TruthError(
        'TOO_LARGE',
        `a message of ${length} bytes; this connection takes ${this.bytesMax}. Send less at once`,
        { length, limit: this.bytesMax },
      );
    }
  }

  /** What arrived behind the last message. Nothing may have: before TLS begins it would count as said within it. */
  get isDrained(): boolean {
    return this.waitingBytes === 0;
  }
}
