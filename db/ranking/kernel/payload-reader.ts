/**
 * Reads the payload of one entry from its beginning to its end. It believes no length that is written there: whatever does
 * not fit throws CORRUPT before anything is made for it.
 */
import { TruthError } from '../../errors.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export class PayloadReader {
  readonly #what: string;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  /** `what` is the kind of entry, as errors call it: "entity entry". */
  constructor(what: string, bytes: Uint8Array) {
    this.#what = what;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  /** A number that is neither NaN nor infinite. */
  f64(): number {
    const value = this.#view.getFloat64(this.#take(8), true);
    if (!Number.isFinite(value)) throw this.corrupt(`has ${value} where a number belongs`);
    return value;
  }

  /** A whole number that a double holds exactly. */
  integer(): number {
    const value = this.f64();
    if (!Number.isSafeInteger(value)) throw this.corrupt(`has ${value} where a whole number belongs`);
    return value;
  }

  text(): string {
    const length = this.u32();
    const start = this.#take(length);
    try {
      return utf8.decode(this.#bytes.subarray(start, start + length));
    } catch {
      throw this.corrupt('has text that is not UTF-8');
    }
  }

  vector(dimensions: number): Float32Array {
    const bytes = dimensions * Float32Array.BYTES_PER_ELEMENT;
    const start = this.#take(bytes);
    const vector = new Float32Array(dimensions);
    new Uint8Array(vector.buffer).set(this.#bytes.subarray(start, start + bytes));
    for (const value of vector)
      if (!Number.isFinite(value)) throw this.corrupt(`has a vector with ${value} in it`);
    return vector;
  }

  /** A count of things that take at least `bytesEach` bytes: there cannot be more of them than fit. */
  count(count: number, bytesEach: number): number {
    if (count * bytesEach > this.#bytes.length - this.#at)
      throw this.corrupt(`announces ${count} parts and has no room for them`);
    return count;
  }

  /** The version byte that every entry begins with. Errors: UNSUPPORTED_VERSION. */
  version(expected: number): void {
    const version = this.u8();
    if (version === expected) return;
    throw new TruthError(
      'UNSUPPORTED_VERSION',
      `the ${this.#what} has format version ${version}, this release reads ${expected}: use the release that wrote it, or a newer one`,
    );
  }

  /** Bytes kept for later, which must be zero now. */
  reserved(bytes: number): void {
    for (let each = 0; each < bytes; each++) if (this.u8() !== 0) throw this.corrupt('uses reserved bytes');
  }

  end(): void {
    if (this.#at !== this.#bytes.length)
      throw this.corrupt(`goes on for ${this.#bytes.length - this.#at} bytes behind its end`);
  }

  corrupt(problem: string): TruthError {
    return new TruthError(
      'CORRUPT',
      `the ${this.#what} does not add up: it ${problem} (near byte ${this.#at} of ${this.#bytes.length})`,
    );
  }

  #take(bytes: number): number {
    const at = this.#at;
    if (bytes > this.#bytes.length - at) throw this.corrupt(`ends where ${bytes} more bytes belong`);
    this.#at = at + bytes;
    return at;
  }
}
