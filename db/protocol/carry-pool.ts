/**
 * Memory for large frames that arrive in pieces, used again for the next one. Memory that is new for each frame costs more
 * than copying it: the kernel hands it out page by page, zeroed. Only for whoever is done with a frame before it asks for
 * the next.
 */
import { Buffer } from 'node:buffer';

/** Below this a buffer is made anew. */
const BYTES_MIN = 32 * 1024;
const BYTES_MAX = 1024 * 1024;
/** At most 16 MiB for all connections together. */
const BUFFERS_MAX = 16;
/** A buffer may be this many times as large as what is wanted. */
const EXCESS_MAX = 8;

export class CarryPool {
  readonly #buffers: Buffer[] = [];

  /** At least `bytes`, with whatever was in it. */
  take(bytes: number): Buffer {
    for (let index = this.#buffers.length - 1; index >= 0 && bytes >= BYTES_MIN; index--) {
      const { length } = this.#buffers[index]!;
      if (length >= bytes && length <= bytes * EXCESS_MAX) return this.#buffers.splice(index, 1)[0]!;
    }
    return Buffer.allocUnsafeSlow(bytes);
  }

  /** Takes it back; its last user must not look at it any more. */
  give(buffer: Buffer): void {
    const { length } = buffer;
    if (length < BYTES_MIN || length > BYTES_MAX || this.#buffers.length === BUFFERS_MAX) return;
    this.#buffers.push(buffer);
  }
}
