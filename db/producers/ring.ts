/**
 * Messages from one thread to one other through shared memory: a table of slots, each naming a contiguous stretch of the
 * bytes behind it. One thread writes and one reads, so no compare-and-swap is needed:
 *
 *     writer                                          reader
 *     1  read RELEASED; no room: not now              1  read PUBLISHED; equal to what it has released: nothing
 *     2  copy the message, fill its slot              2  read slots, use the bytes they name
 *     3  PUBLISHED := count of slots                  3  RELEASED := count of slots it is done with
 *
 * A message is there for the reader wholly or not at all: a writer that is ended before 3 has written nothing. The counters
 * wrap at 2^32; only differences are used. test/db/producers/ring-model.test.ts walks every interleaving.
 */
import { Buffer } from 'node:buffer';
import type { WasmMemory } from '../hash/index.ts';

/** Where a ring lies in its memory; offsets and lengths in bytes. */
export interface RingPlace {
  readonly published: number;
  readonly released: number;
  readonly slots: number;
  /** A power of two. */
  readonly slotCount: number;
  readonly bytes: number;
  readonly byteCount: number;
}

export const SLOT_BYTES = 8;
const SLOT_WORDS = SLOT_BYTES / 4;

export class RingWriter {
  readonly #place: RingPlace;
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  /** Positions in an endless ring; a byte's place is its position modulo the ring's size. */
  #head = 0;
  #tail = 0;
  #filled = 0;
  #released = 0;
  /** Per slot: the position at which its message ends. */
  readonly #ends: Float64Array;

  constructor(memory: WasmMemory, place: RingPlace) {
    this.#place = place;
    this.#words = new Int32Array(memory.buffer);
    this.#bytes = new Uint8Array(memory.buffer, place.bytes, place.byteCount);
    this.#ends = new Float64Array(place.slotCount);
  }

  /** Messages put and not released yet. */
  get length(): number {
    this.#collect();
    return (this.#filled - this.#released) >>> 0;
  }

  /** Whether a message of so many bytes can be put now. One as large as the whole ring can when it is empty. */
  hasRoom(bytes: number): boolean {
    if (this.length >= this.#place.slotCount) return false;
    const free = this.#place.byteCount - (this.#head - this.#tail);
    return free >= this.#wasteFor(bytes) + bytes;
  }

  /** Copies a message for which there is room. */
  put(message: Uint8Array): void {
    this.#head += this.#wasteFor(message.length);
    const at = this.#head % this.#place.byteCount;
    this.#bytes.set(message, at);
    this.#head += message.length;
    const slot = this.#filled & (this.#place.slotCount - 1);
    const word = this.#place.slots / 4 + slot * SLOT_WORDS;
    this.#words[word] = at;
    this.#words[word + 1] = message.length;
    this.#ends[slot] = this.#head;
    this.#filled = (this.#filled + 1) | 0;
  }

  /** Shows the reader everything that was put. */
  publish(): void {
    Atomics.store(this.#words, this.#place.published / 4, this.#filled);
  }

  /** Bytes up to the ring's end, where the message does not fit before it. */
  #wasteFor(bytes: number): number {
    const used = this.#head % this.#place.byteCount;
    return used + bytes > this.#place.byteCount ? this.#place.byteCount - used : 0;
  }

  /** Takes back what the reader has released. An empty ring starts over at its beginning, where caches are warm. */
  #collect(): void {
    const released = Atomics.load(this.#words, this.#place.released / 4);
    if (this.#released === released) return;
    this.#tail = this.#ends[(released - 1) & (this.#place.slotCount - 1)] as number;
    this.#released = released;
    if (released === this.#filled) {
      this.#head = Math.ceil(this.#head / this.#place.byteCount) * this.#place.byteCount;
      this.#tail = this.#head;
    }
  }
}

export class RingReader {
  readonly #place: RingPlace;
  readonly #words: Int32Array;
  readonly #buffer: ArrayBuffer;
  #released = 0;

  constructor(memory: WasmMemory, place: RingPlace) {
    this.#buffer = memory.buffer;
    this.#place = place;
    this.#words = new Int32Array(memory.buffer);
  }

  /** Messages published and not released. */
  get length(): number {
    return (Atomics.load(this.#words, this.#place.published / 4) - this.#released) >>> 0;
  }

  /** The `ahead`-th of them, in place: valid until it is released. */
  peek(ahead: number): Buffer {
    const slot = (this.#released + ahead) & (this.#place.slotCount - 1);
    const word = this.#place.slots / 4 + slot * SLOT_WORDS;
    const [at, length] = [this.#words[word] as number, this.#words[word + 1] as number];
    return Buffer.from(this.#buffer, this.#place.bytes + at, length);
  }

  /** Gives the first `count` back to the writer. */
  release(count: number): void {
    this.#released = (this.#released + count) | 0;
    Atomics.store(this.#words, this.#place.released / 4, this.#released);
  }
}
