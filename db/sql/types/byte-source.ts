/** Bytes read one behind the other. Whatever is wrong with them is CORRUPT: they were written here. */
import { isUtf8 } from 'node:buffer';
import { TruthError } from '../../errors.ts';
import { eightBytes, eightBytesView } from './eight-bytes.ts';

const VARINT_BYTES_MAX = 8;
/** Up to so many bytes letters are put together one by one; more are copied at once. */
const LOOP_BYTES_MAX = 8;
/** Up to so many bytes looking for letters beyond ASCII takes less than a call that does. */
const ASCII_BYTES_MAX = 64;
const HEX_DIGITS = Buffer.from('0123456789abcdef', 'latin1');

/** What Buffer has for any bytes, without the checks of `toString`. */
const { latin1Slice } = Buffer.prototype as unknown as {
  latin1Slice: (this: Uint8Array, start: number, end: number) => string;
};
const shown = new Uint8Array(36);

export class ByteSource {
  at = 0;
  bytes: Uint8Array;
  /** What is being read, for messages. */
  readonly #what: string;

  constructor(bytes: Uint8Array, what: string) {
    this.bytes = bytes;
    this.#what = what;
  }

  /** Begins with other bytes: making a source for each of many costs more than reading it. */
  restart(bytes: Uint8Array): void {
    this.bytes = bytes;
    this.at = 0;
  }

  get done(): boolean {
    return this.at >= this.bytes.length;
  }

  /** Moves behind the next `count` bytes and returns where they begin. */
  pass(count: number): number {
    const start = this.at;
    if (count > this.bytes.length - start) throw this.corrupt('it ends too early');
    this.at = start + count;
    return start;
  }

  u8(): number {
    return this.bytes[this.pass(1)]!;
  }

  u32(): number {
    const start = this.pass(4);
    const { bytes } = this;
    const low = (bytes[start + 1]! << 16) | (bytes[start + 2]! << 8) | bytes[start + 3]!;
    return bytes[start]! * 0x100_0000 + low;
  }

  u64(): bigint {
    this.#takeEight();
    return eightBytesView.getBigUint64(0);
  }

  double(): number {
    this.#takeEight();
    return eightBytesView.getFloat64(0);
  }

  #takeEight(): void {
    const start = this.pass(8);
    for (let index = 0; index < 8; index++) eightBytes[index] = this.bytes[start + index]!;
  }

  varint(): number {
    const first = this.u8();
    if (first < 0x80) return first;
    let value = first & 0x7f;
    let scale = 128;
    for (let count = 1; count < VARINT_BYTES_MAX; count++) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        // One way to write a number: the last byte is never 0.
        if (byte === 0 || !Number.isSafeInteger(value)) break;
        return value;
      }
      scale *= 128;
    }
    throw this.corrupt('a number in it is malformed');
  }

  /** A copy, and no Buffer even where it is read from one. */
  raw(count: number): Uint8Array {
    const start = this.pass(count);
    const copy = new Uint8Array(count);
    copy.set(this.bytes.subarray(start, start + count));
    return copy;
  }

  text(count: number): string {
    const start = this.pass(count);
    const { bytes, at: end } = this;
    if (count <= ASCII_BYTES_MAX && isAscii(bytes, start, end)) {
      if (count > LOOP_BYTES_MAX) return latin1Slice.call(bytes, start, end);
      let text = '';
      for (let at = start; at < end; at++) text += String.fromCharCode(bytes[at]!);
      return text;
    }
    const written = Buffer.from(this.bytes.buffer, this.bytes.byteOffset + start, count);
    if (!isUtf8(written)) throw this.corrupt('a text in it is not UTF-8');
    return written.toString('utf8');
  }

  /** Two lower-case digits a byte. */
  hexadecimal(count: number): string {
    const start = this.pass(count);
    return Buffer.from(this.bytes.buffer, this.bytes.byteOffset + start, count).toString('hex');
  }

  /** 16 bytes, with hyphens in their places. */
  uuid(): string {
    const start = this.pass(16);
    let at = 0;
    for (let index = 0; index < 16; index++) {
      if (index === 4 || index === 6 || index === 8 || index === 10) shown[at++] = 0x2d;
      const byte = this.bytes[start + index]!;
      shown[at++] = HEX_DIGITS[byte >>> 4]!;
      shown[at++] = HEX_DIGITS[byte & 0x0f]!;
    }
    return latin1Slice.call(shown, 0, at);
  }

  corrupt(why: string): TruthError {
    return new TruthError(
      'CORRUPT',
      `${this.#what} of ${this.bytes.length} bytes is damaged at byte ${this.at}: ${why}`,
    );
  }
}

function isAscii(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at]! > 0x7f) return false;
  return true;
}
