/** Bytes read one behind the other. Whatever is wrong with them is CORRUPT: they were written here. */
import { isUtf8 } from 'node:buffer';
import { TruthError } from '../../errors.ts';

const VARINT_BYTES_MAX = 8;
/** Below this many bytes a loop over ASCII beats the call out of JavaScript. */
const LOOP_BYTES_MAX = 24;

export class ByteSource {
  at = 0;
  readonly bytes: Buffer;
  /** What is being read, for messages. */
  readonly #what: string;

  constructor(bytes: Uint8Array, what: string) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#what = what;
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
    return this.bytes.readUInt32BE(this.pass(4));
  }

  u64(): bigint {
    return this.bytes.readBigUInt64BE(this.pass(8));
  }

  double(): number {
    return this.bytes.readDoubleBE(this.pass(8));
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

  /** A copy. */
  raw(count: number): Uint8Array {
    const start = this.pass(count);
    return new Uint8Array(this.bytes.subarray(start, start + count));
  }

  text(count: number): string {
    const start = this.pass(count);
    const end = this.at;
    if (count <= LOOP_BYTES_MAX) {
      let text = '';
      let at = start;
      for (; at < end; at++) {
        const byte = this.bytes[at]!;
        if (byte > 0x7f) break;
        text += String.fromCharCode(byte);
      }
      if (at === end) return text;
    }
    if (!isUtf8(this.bytes.subarray(start, end))) throw this.corrupt('a text in it is not UTF-8');
    return this.bytes.toString('utf8', start, end);
  }

  corrupt(why: string): TruthError {
    return new TruthError(
      'CORRUPT',
      `${this.#what} of ${this.bytes.length} bytes is damaged at byte ${this.at}: ${why}`,
    );
  }
}
