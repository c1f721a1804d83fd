/**
 * Builds the payload of one entry in memory that grows; little-endian. Names and sizes have been checked by the caller. Payloads
 * are handed out in slabs that many share, because an ArrayBuffer of its own costs more than a small entry's bytes; a slab
 * lives as long as a payload in it does.
 */
import { writeUtf8 } from '../../kernel/index.ts';

const BYTES_FIRST = 256;
const SLAB_BYTES = 64 * 1024;
/** Larger payloads have memory of their own. */
const SHARED_BYTES_MAX = 4 * 1024;
const UTF8_BYTES_PER_CODE_UNIT_MAX = 3;
const LENGTH_BYTES = 4;

let slab = new Uint8Array(0);
let slabEnd = 0;

export class PayloadWriter {
  #bytes = new Uint8Array(BYTES_FIRST);
  #view = new DataView(this.#bytes.buffer);
  #end = 0;

  u8(value: number): void {
    this.#makeRoom(1);
    this.#bytes[this.#end++] = value;
  }

  u16(value: number): void {
    this.#makeRoom(2);
    this.#view.setUint16(this.#end, value, true);
    this.#end += 2;
  }

  u32(value: number): void {
    this.#makeRoom(4);
    this.#view.setUint32(this.#end, value, true);
    this.#end += 4;
  }

  f64(value: number): void {
    this.#makeRoom(8);
    this.#view.setFloat64(this.#end, value, true);
    this.#end += 8;
  }

  /** UTF-8 behind its length in bytes (u32). */
  text(value: string): void {
    this.#makeRoom(LENGTH_BYTES + value.length * UTF8_BYTES_PER_CODE_UNIT_MAX);
    const start = this.#end + LENGTH_BYTES;
    const end = writeUtf8(this.#bytes, start, value);
    this.#view.setUint32(this.#end, end - start, true);
    this.#end = end;
  }

  vector(values: Float32Array): void {
    this.#makeRoom(values.byteLength);
    this.#bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), this.#end);
    this.#end += values.byteLength;
  }

  /** A copy of what was written; the writer is empty afterwards and can be used again. */
  finish(): Uint8Array {
    const length = this.#end;
    this.#end = 0;
    if (length > SHARED_BYTES_MAX) return this.#bytes.slice(0, length);
    if (slabEnd + length > slab.length) {
      slab = new Uint8Array(SLAB_BYTES);
      slabEnd = 0;
    }
    const bytes = new Uint8Array(slab.buffer, slabEnd, length);
    bytes.set(this.#bytes.subarray(0, length));
    slabEnd += length;
    return bytes;
  }

  #makeRoom(bytes: number): void {
    const needed = this.#end + bytes;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#end));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}
