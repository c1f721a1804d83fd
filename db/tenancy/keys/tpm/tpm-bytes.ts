/** Structures of a TPM as bytes: big-endian, variable parts behind their length in two bytes. */
import { TruthError } from '../../../errors.ts';

const SIZE_BYTES = 2;

export class TpmWriter {
  readonly #parts: Uint8Array[] = [];

  u8(value: number): this {
    return this.raw(Uint8Array.of(value));
  }

  u16(value: number): this {
    const bytes = Buffer.alloc(2);
    bytes.writeUInt16BE(value);
    return this.raw(bytes);
  }

  u32(value: number): this {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    return this.raw(bytes);
  }

  raw(bytes: Uint8Array): this {
    this.#parts.push(bytes);
    return this;
  }

  /** Behind its length, as all structures whose names begin with TPM2B. */
  sized(bytes: Uint8Array): this {
    return this.u16(bytes.length).raw(bytes);
  }

  bytes(): Uint8Array {
    return Buffer.concat(this.#parts);
  }
}

/** Errors: KEY_UNAVAILABLE where an answer is shorter than what it says it holds. */
export class TpmReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u8(): number {
    return this.#view.getUint8(this.#next(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#next(SIZE_BYTES));
  }

  u32(): number {
    return this.#view.getUint32(this.#next(4));
  }

  /** A view of the answer's own bytes. */
  raw(length: number): Uint8Array {
    const begin = this.#next(length);
    return this.#bytes.subarray(begin, begin + length);
  }

  sized(): Uint8Array {
    return this.raw(this.u16());
  }

  /** The structure with its length, as it goes into another command. */
  whole(): Uint8Array {
    const begin = this.#at;
    this.sized();
    return this.#bytes.slice(begin, this.#at);
  }

  #next(length: number): number {
    const begin = this.#at;
    if (begin + length > this.#bytes.length) {
      throw new TruthError('KEY_UNAVAILABLE', 'the TPM’s answer is shorter than what it says it holds');
    }
    this.#at += length;
    return begin;
  }
}
