/**
 * Builds frames one behind the other in a growing buffer: the one way bytes get onto the wire, on both sides.
 * Nothing is allocated per frame; the owner takes all finished bytes at once and hands them to the socket.
 */
import { Buffer } from 'node:buffer';
import { TruthError } from '../errors.ts';
import { frameChecksum } from './checksum.ts';
import { FRAME_HEADER } from './constants.ts';

const { checksum: AT_CHECKSUM, length: AT_LENGTH, request: AT_REQUEST, kind: AT_KIND } = FRAME_HEADER.at;
const HEADER_BYTES = FRAME_HEADER.bytes;
const U32 = 0x1_0000_0000;
const INITIAL_BYTES = 8 * 1024;
/** A buffer grown past this is given back after use instead of being kept for the next frames. */
const KEPT_BYTES_MAX = 256 * 1024;
const EXPECTED_BYTES_MAX = 1024 * 1024;

const EMPTY = Buffer.alloc(0);

export class ByteWriter {
  #buffer: Buffer = EMPTY;
  #at = 0;
  /** What the next buffer begins with: as much as was written into the last, for who writes large frames writes more of them. */
  #expected = INITIAL_BYTES;

  /** Bytes finished and not taken yet. */
  get length(): number {
    return this.#at;
  }

  /** Opens a frame and returns its start, to be given to `end`. */
  begin(kind: number, request: number): number {
    const start = this.#at;
    this.#reserve(HEADER_BYTES);
    this.#buffer.writeUInt32LE(request, start + AT_REQUEST);
    // Flags and reserved are zero in version 1.
    this.#buffer.writeUInt32LE(kind, start + AT_KIND);
    this.#at = start + HEADER_BYTES;
    return start;
  }

  /** Closes the frame: fills in length and checksum. */
  end(start: number): void {
    this.#buffer.writeUInt32LE(this.#at - start - HEADER_BYTES, start + AT_LENGTH);
    this.#buffer.writeUInt32LE(frameChecksum(this.#buffer, start + AT_LENGTH, this.#at), start + AT_CHECKSUM);
  }

  /** Drops everything from `start` on: the frame could not be finished. */
  rewind(start: number): void {
    this.#at = start;
  }

  u8(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#at++] = value;
  }

  u16(value: number): void {
    this.#reserve(2);
    this.#at = this.#buffer.writeUInt16LE(value, this.#at);
  }

  u32(value: number): void {
    this.#reserve(4);
    this.#at = this.#buffer.writeUInt32LE(value, this.#at);
  }

  /** A whole number from 0 to 2^53 − 1. */
  u64(value: number): void {
    this.#reserve(8);
    this.#at = this.#buffer.writeUInt32LE(value % U32, this.#at);
    this.#at = this.#buffer.writeUInt32LE(Math.floor(value / U32), this.#at);
  }

  u64Max(): void {
    this.#reserve(8);
    this.#buffer.fill(0xff, this.#at, this.#at + 8);
    this.#at += 8;
  }

  f64(value: number): void {
    this.#reserve(8);
    this.#at = this.#buffer.writeDoubleLE(value, this.#at);
  }

  bigU64(value: bigint): void {
    this.#reserve(8);
    this.#at = this.#buffer.writeBigUInt64LE(value, this.#at);
  }

  bytes(value: Uint8Array): void {
    this.#reserve(value.length);
    this.#buffer.set(value, this.#at);
    this.#at += value.length;
  }

  /** Text as UTF-8; returns how many bytes it took. */
  text(value: string): number {
    // Three bytes are the most a UTF-16 unit takes in UTF-8.
    this.#reserve(value.length * 3);
    const bytes = this.#buffer.write(value, this.#at);
    this.#at += bytes;
    return bytes;
  }

  patchU8(at: number, value: number): void {
    this.#buffer[at] = value;
  }

  patchU16(at: number, value: number): void {
    this.#buffer.writeUInt16LE(value, at);
  }

  patchU32(at: number, value: number): void {
    this.#buffer.writeUInt32LE(value, at);
  }

  patchU64(at: number, value: number): void {
    this.#buffer.writeUInt32LE(value % U32, at);
    this.#buffer.writeUInt32LE(Math.floor(value / U32), at + 4);
  }

  /**
   * All finished bytes. They stay valid until `reuse`, which the owner calls when the socket is done with them;
   * an owner that cannot know when that is calls `replace` instead and leaves them to the socket.
   */
  taken(): Buffer {
    return this.#buffer.subarray(0, this.#at);
  }

  reuse(): void {
    if (this.#buffer.length > KEPT_BYTES_MAX) this.replace();
    else this.#at = 0;
  }

  replace(): void {
    // A little more: the next ones need not be exactly as large.
    this.#expected = Math.min(this.#at + (this.#at >> 3), EXPECTED_BYTES_MAX);
    this.#at = 0;
    this.#buffer = EMPTY;
  }

  #reserve(bytes: number): void {
    const needed = this.#at + bytes;
    if (needed <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafeSlow(
      Math.max(needed, this.#buffer.length === 0 ? this.#expected : this.#buffer.length * 2, INITIAL_BYTES),
    );
    this.#buffer.copy(grown, 0, 0, this.#at);
    this.#buffer = grown;
  }
}

/** Bytes of `text` in UTF-8 if they are at least `min` and at most `max`; INVALID_ARGUMENT naming `what` otherwise. */
export function textBytesWithin(what: string, text: string, min: number, max: number): number {
  // Most names are shorter than a third of the limit: then their length alone is proof enough.
  const bytes = Buffer.byteLength(text);
  if (bytes < min || bytes > max) {
    throw new TruthError(
      'INVALID_ARGUMENT',
      `${what} takes ${bytes} bytes of UTF-8; ${min} to ${max} are allowed`,
    );
  }
  return bytes;
}
