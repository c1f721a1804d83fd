/** Rows of an answer as bytes between threads: each its length (u32, little-endian), then the row as tables keep it, columns numbered from 0. */
import type { SqlColumn } from '../contract.ts';
import { type Row, RowDecoder, RowEncoder, type SqlValue } from '../types/index.ts';

const LENGTH_BYTES = 4;
const FIRST_BYTES = 8 * 1024;

/** Collects rows until somebody takes them. */
export class AnswerRows {
  readonly #encoder: RowEncoder;
  #bytes: Buffer<ArrayBuffer> = Buffer.alloc(0);
  #used = 0;
  #rows = 0;

  constructor(columns: readonly SqlColumn[]) {
    this.#encoder = new RowEncoder(columns.map(({ type }, id) => ({ id, type })));
  }

  /** Bytes collected. */
  get bytes(): number {
    return this.#used;
  }

  get rows(): number {
    return this.#rows;
  }

  add(row: Row): void {
    const encoded = this.#encoder.encode(row);
    this.#reserve(LENGTH_BYTES + encoded.length);
    this.#bytes.writeUInt32LE(encoded.length, this.#used);
    this.#bytes.set(encoded, this.#used + LENGTH_BYTES);
    this.#used += LENGTH_BYTES + encoded.length;
    this.#rows += 1;
  }

  /** Hands them over; the memory is the taker's. */
  take(): Uint8Array<ArrayBuffer> {
    const taken = new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset, this.#used);
    this.#bytes = Buffer.alloc(0);
    this.#used = 0;
    this.#rows = 0;
    return taken;
  }

  #reserve(more: number): void {
    if (this.#used + more <= this.#bytes.length) return;
    const size = Math.max(this.#bytes.length * 2, this.#used + more, FIRST_BYTES);
    // Memory of its own, not a part of Node's pool: it is given away as a whole.
    const larger = Buffer.from(new ArrayBuffer(size));
    larger.set(this.#bytes.subarray(0, this.#used));
    this.#bytes = larger;
  }
}

/** Decodes what `AnswerRows` collected; made once an answer. */
export class AnswerReader {
  readonly #decoder: RowDecoder;

  constructor(columns: readonly SqlColumn[]) {
    this.#decoder = new RowDecoder(columns.map(({ type }, id) => ({ id, type, missing: null })));
  }

  /** Adds the rows of a chunk to those there are. */
  read(chunk: Uint8Array, into: Row[]): void {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    let at = 0;
    while (at < bytes.length) {
      const length = bytes.readUInt32LE(at);
      const row: readonly SqlValue[] = this.#decoder.decode(
        bytes.subarray(at + LENGTH_BYTES, at + LENGTH_BYTES + length),
      );
      into.push(row);
      at += LENGTH_BYTES + length;
    }
  }
}
