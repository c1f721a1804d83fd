/** Bytes of a checkpoint's part, written in pieces and read back without believing a length they announce. Little-endian. */
import { TruthError } from '../../../errors.ts';

type Column = Uint8Array | Uint32Array | Float32Array;

export class PartWriter {
  readonly #chunks: Uint8Array[] = [];

  /** In order; none of them changes any more. */
  get chunks(): readonly Uint8Array[] {
    return this.#chunks;
  }

  u32(...values: readonly number[]): void {
    this.#chunks.push(bytesOf(Uint32Array.from(values)));
  }

  /** A whole number that a double holds exactly. */
  integer(value: number): void {
    this.#chunks.push(bytesOf(Float64Array.of(value)));
  }

  /** Takes the column over. */
  column(values: Column): void {
    this.#chunks.push(bytesOf(values));
  }
}

function bytesOf({ buffer, byteOffset, byteLength }: Column | Float64Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

export class PartReader {
  readonly #what: string;
  readonly #bytes: Uint8Array;
  #at = 0;

  /** `what` is what errors call it. */
  constructor(what: string, bytes: Uint8Array) {
    this.#what = what;
    this.#bytes = bytes;
  }

  u32(): number {
    return new Uint32Array(this.#take(4))[0]!;
  }

  integer(): number {
    const value = new Float64Array(this.#take(8))[0]!;
    if (!Number.isSafeInteger(value)) throw this.corrupt(`has ${value} where a whole number belongs`);
    return value;
  }

  bytes(count: number): Uint8Array {
    return new Uint8Array(this.#take(count));
  }

  u32s(count: number): Uint32Array {
    return new Uint32Array(this.#take(count * 4));
  }

  f32s(count: number): Float32Array {
    return new Float32Array(this.#take(count * 4));
  }

  integers(count: number): number[] {
    const values = [...new Float64Array(this.#take(count * 8))];
    for (const value of values)
      if (!Number.isSafeInteger(value)) throw this.corrupt(`has ${value} where a whole number belongs`);
    return values;
  }

  end(): void {
    if (this.#at !== this.#bytes.length)
      throw this.corrupt(`goes on for ${this.#bytes.length - this.#at} bytes behind its end`);
  }

  corrupt(problem: string): TruthError {
    return new TruthError(
      'CORRUPT',
      `${this.#what} does not add up: it ${problem} (near byte ${this.#at} of ${this.#bytes.length})`,
    );
  }

  /** A copy, so that numbers in it are aligned. Not by `slice`, which of a Node Buffer copies nothing. */
  #take(count: number): ArrayBuffer {
    if (count > this.#bytes.length - this.#at) throw this.corrupt(`ends where ${count} more bytes belong`);
    const copy = new Uint8Array(count);
    copy.set(this.#bytes.subarray(this.#at, this.#at + count));
    this.#at += count;
    return copy.buffer;
  }
}
