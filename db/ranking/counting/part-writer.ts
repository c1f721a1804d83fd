/** Bytes of a checkpoint's part, little-endian: numbers in small pieces, columns as they lie in memory. */

const PIECE_BYTES = 1024;

export class PartWriter {
  readonly #chunks: Uint8Array[] = [];
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

  /** Everything that was written. */
  finish(): { readonly chunks: readonly Uint8Array[]; readonly bytes: number } {
    this.#endPiece();
    return { chunks: this.#chunks, bytes: this.#bytes };
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
