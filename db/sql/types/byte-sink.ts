/** Bytes put one behind the other into a buffer that grows and is used again: `take` copies them out. */
import { eightBytes, eightBytesView } from './eight-bytes.ts';

const INITIAL_BYTES = 1_024;
/** A buffer grown past this is given back after use. */
const KEPT_BYTES_MAX = 256 * 1_024;
const NAN_BITS = 0x7ff8_0000_0000_0000n;
const U32 = 0x1_0000_0000;
/** Below this many units a loop over ASCII beats the call out of JavaScript. */
const LOOP_UNITS_MAX = 32;
/** Below this many bytes a loop beats a view and a call. */
const LOOP_BYTES_MAX = 96;

export class ByteSink {
  at = 0;
  bytes: Buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES);

  reserve(count: number): void {
    const needed = this.at + count;
    if (needed <= this.bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2));
    this.bytes.copy(grown, 0, 0, this.at);
    this.bytes = grown;
  }

  u8(value: number): void {
    this.reserve(1);
    this.bytes[this.at++] = value;
  }

  u32(value: number): void {
    this.reserve(4);
    const { bytes, at } = this;
    bytes[at] = value >>> 24;
    bytes[at + 1] = (value >>> 16) & 0xff;
    bytes[at + 2] = (value >>> 8) & 0xff;
    bytes[at + 3] = value & 0xff;
    this.at = at + 4;
  }

  u64(value: bigint): void {
    eightBytesView.setBigUint64(0, value);
    this.#putEight();
  }

  double(value: number): void {
    eightBytesView.setFloat64(0, value);
    // There are many NaNs; equal values must have equal bytes.
    if (Number.isNaN(value)) eightBytesView.setBigUint64(0, NAN_BITS);
    this.#putEight();
  }

  #putEight(): void {
    this.reserve(8);
    for (let index = 0; index < 8; index++) this.bytes[this.at + index] = eightBytes[index]!;
    this.at += 8;
  }

  /** 7 bits a byte, lowest first. `value`: whole, 0 to 2^53 - 1. */
  varint(value: number): void {
    this.reserve(8);
    let rest = value;
    while (rest >= U32) {
      this.bytes[this.at++] = (rest & 0x7f) | 0x80;
      rest = Math.floor(rest / 128);
    }
    rest = rest >>> 0;
    while (rest > 0x7f) {
      this.bytes[this.at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.bytes[this.at++] = rest;
  }

  /** 32 hexadecimal digits and four hyphens as 16 bytes. */
  uuid(value: string): void {
    this.reserve(16);
    let at = 0;
    for (let index = 0; index < 16; index++) {
      if (value.charCodeAt(at) === 0x2d) at++;
      this.bytes[this.at + index] = (digitOf(value.charCodeAt(at)) << 4) | digitOf(value.charCodeAt(at + 1));
      at += 2;
    }
    this.at += 16;
  }

  raw(value: Uint8Array): void {
    this.reserve(value.length);
    this.bytes.set(value, this.at);
    this.at += value.length;
  }

  /** UTF-8 without its length; `text` is well-formed. */
  text(value: string): void {
    this.reserve(value.length * 3);
    if (value.length <= LOOP_UNITS_MAX && this.#ascii(value)) return;
    this.at += this.bytes.write(value, this.at, 'utf8');
  }

  /** UTF-8 behind its length in bytes. */
  sizedText(value: string): void {
    if (value.length <= LOOP_UNITS_MAX) {
      const start = this.at;
      this.reserve(1 + value.length * 3);
      this.bytes[this.at++] = value.length;
      if (this.#ascii(value)) return;
      this.at = start;
    }
    this.varint(Buffer.byteLength(value, 'utf8'));
    this.text(value);
  }

  #ascii(value: string): boolean {
    const { bytes, at } = this;
    for (let index = 0; index < value.length; index++) {
      const unit = value.charCodeAt(index);
      if (unit > 0x7f) return false;
      bytes[at + index] = unit;
    }
    this.at = at + value.length;
    return true;
  }

  /** A copy of what was written; the next begins from nothing. */
  take(): Uint8Array {
    const taken = new Uint8Array(this.at);
    if (this.at > LOOP_BYTES_MAX) taken.set(this.bytes.subarray(0, this.at));
    else for (let index = 0; index < taken.length; index++) taken[index] = this.bytes[index]!;
    this.at = 0;
    if (this.bytes.length > KEPT_BYTES_MAX) this.bytes = Buffer.allocUnsafeSlow(INITIAL_BYTES);
    return taken;
  }
}

/** Of a digit 0 to 9 or a to f. */
function digitOf(unit: number): number {
  return unit < 0x3a ? unit - 0x30 : unit - 0x57;
}
