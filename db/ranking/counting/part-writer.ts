/** Bytes of a checkpoint's part, little-endian: numbers in small pieces, columns as they lie in memory. */

const PIECE_BYTES = 1024;

export class PartWriter {
  readonly #chunks: (Uint8Array | (() => Uint8Array))[] = [];
  #piece = new DataView(new ArrayBuffer(PIECE_BYTES));
  #at = 0;
  #bytes = 0;

  u8(value: number): void {
    this.#piece.setUint8(this.#room(1), value);
  }

  u32(value: number): void {
    this.#piece.setUint32(this.#room(4), value, true);
  }

  f64(value: number): void {
    this.#piece.setFloat64(this.#room(8), value, true);
  }

  /** Handed out themselves: they must not change any more. */
  raw(bytes: Uint8Array): void {
    this.#endPiece();
    this.#chunks.push(bytes);
    this.#bytes += bytes.length;
  }

  /** The same of so many bytes that are fetched when their turn comes, and not held before nor afterwards. */
  later(length: number, bytes: () => Uint8Array): void {
    this.#endPiece();
    this.#chunks.push(bytes);
    this.#bytes += length;
  }

  /** How many bytes were written. */
  finish(): number {
    this.#endPiece();
    return this.#bytes;
  }

  /** Everything that was written, after `finish`. */
  *chunks(): Generator<Uint8Array> {
    for (const chunk of this.#chunks) yield typeof chunk === 'function' ? chunk() : chunk;
  }

  #room(bytes: number): number {
    if (this.#at + bytes > PIECE_BYTES) this.#endPiece();
    const at = this.#at;
    this.#at += bytes;
    return at;
  }

  #endPiece(): void {
    if (this.#at === 0) return;
    this.#chunks.push(new Uint8Array(this.#piece.buffer, 0, this.#at));
    this.#bytes += this.#at;
    this.#piece = new DataView(new ArrayBuffer(PIECE_BYTES));
    this.#at = 0;
  }
}
