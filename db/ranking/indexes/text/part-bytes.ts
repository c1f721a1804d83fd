/**
 * Bytes of a checkpoint's part: numbers little-endian, columns as they lie in memory behind their length. What reads them
 * believes no length that is written there: what does not fit throws CORRUPT before anything is made for it.
 */
import { TruthError } from '../../../errors.ts';

const WORD_BYTES = 4;
const DOUBLE_BYTES = 8;

export class PartWriter {
  readonly #chunks: Uint8Array[] = [];

  u8(value: number): void {
    this.#chunks.push(Uint8Array.of(value));
  }

  u32(value: number): void {
    const bytes = new Uint8Array(WORD_BYTES);
    new DataView(bytes.buffer).setUint32(0, value, true);
    this.#chunks.push(bytes);
  }

  f64(value: number): void {
    const bytes = new Uint8Array(DOUBLE_BYTES);
    new DataView(bytes.buffer).setFloat64(0, value, true);
    this.#chunks.push(bytes);
  }

  /** The column is handed out itself: it must not change any more. */
  column(values: Uint8Array | Uint32Array): void {
    this.u32(values.length);
    this.raw(values);
  }

  raw(values: Uint8Array | Uint16Array | Uint32Array): void {
    this.#chunks.push(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }

  finish(): readonly Uint8Array[] {
    return this.#chunks;
  }
}

export class PartReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u32(): number {
    return this.#view.getUint32(this.#take(WORD_BYTES), true);
  }

  /** A whole number, -1 or more. */
  count(): number {
    const value = this.#view.getFloat64(this.#take(DOUBLE_BYTES), true);
    if (!Number.isSafeInteger(value) || value < -1)
      throw this.corrupt(`has ${value} where a whole number belongs`);
    return value;
  }

  bytes(): Uint8Array<ArrayBuffer> {
    return this.raw(this.u32());
  }

  words(): Uint32Array<ArrayBuffer> {
    return new Uint32Array(this.raw(this.u32() * WORD_BYTES).buffer);
  }

  /** A copy of the next bytes, in memory of its own. */
  raw(length: number): Uint8Array<ArrayBuffer> {
    const at = this.#take(length);
    return new Uint8Array(this.#bytes.subarray(at, at + length));
  }

  /** Everything that has not been read yet, not a copy. */
  rest(): Uint8Array {
    return this.#bytes.subarray(this.#at);
  }

  end(): void {
    const rest = this.#bytes.length - this.#at;
    if (rest !== 0) throw this.corrupt(`goes on for ${rest} bytes behind its end`);
  }

  corrupt(problem: string): TruthError {
    return new TruthError(
      'CORRUPT',
      `a part of the text index's checkpoint does not add up: it ${problem} (near byte ${this.#at} of ${this.#bytes.length}); the view is computed again from the log`,
    );
  }

  #take(bytes: number): number {
    const at = this.#at;
    if (bytes > this.#bytes.length - at) throw this.corrupt(`ends where ${bytes} more bytes belong`);
    this.#at = at + bytes;
    return at;
  }
}
