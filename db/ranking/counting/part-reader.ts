/** Reads what `PartWriter` wrote. It believes no length that is written there: what does not fit throws CORRUPT before anything is made for it. */
import { TruthError } from '../../errors.ts';

export class PartReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
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

  /** A whole number, -1 or more. */
  count(): number {
    const value = this.f64();
    if (!Number.isSafeInteger(value) || value < -1)
      throw this.corrupt(`has ${value} where a whole number belongs`);
    return value;
  }

  /** A copy of the next bytes, in memory of its own. */
  raw(length: number): Uint8Array<ArrayBuffer> {
    const at = this.#take(length);
    return new Uint8Array(this.#bytes.subarray(at, at + length));
  }

  /** The next bytes themselves, not a copy. */
  slice(length: number): Uint8Array {
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  /** Everything that has not been read yet. */
  rest(): Uint8Array {
    return this.slice(this.#bytes.length - this.#at);
  }

  end(): void {
    if (!this.isAtEnd)
      throw this.corrupt(`goes on for ${this.#bytes.length - this.#at} bytes behind its end`);
  }

  corrupt(problem: string): TruthError {
    return new TruthError(
      'CORRUPT',
      `a part of the checkpoint does not add up: it ${problem} (near byte ${this.#at} of ${this.#bytes.length}); the view is computed again from the log`,
    );
  }

  #take(bytes: number): number {
    const at = this.#at;
    if (bytes < 0 || bytes > this.#bytes.length - at)
      throw this.corrupt(`ends where ${bytes} more bytes belong`);
    this.#at = at + bytes;
    return at;
  }
}
