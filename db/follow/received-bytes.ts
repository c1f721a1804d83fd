/**
 * What has arrived of a segment and is not verified yet, behind what the copy has of it already. A scanner reads both as one
 * file. Grows to the largest group; what has been verified is dropped from the front.
 */
import { Buffer } from 'node:buffer';
import type { FileHandle } from '../io/index.ts';

const INITIAL_BYTES = 512 * 1024;

/** Reads the copy's own bytes of the segment, up to where the received ones begin. */
export type ReadPrefix = (target: Uint8Array, length: number, position: number) => number;

export class ReceivedBytes {
  #buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES);
  #prefix: ReadPrefix = () => 0;
  /** File offsets of the first byte held and of the one after the last. */
  #start = 0;
  #end = 0;

  /** Starts over: received bytes begin at `offset`. */
  reset(offset: number, prefix: ReadPrefix): void {
    this.#prefix = prefix;
    this.#start = offset;
    this.#end = offset;
  }

  /** File offset after the last byte that has arrived. */
  get end(): number {
    return this.#end;
  }

  append(bytes: Uint8Array): void {
    const held = this.#end - this.#start;
    if (held + bytes.length > this.#buffer.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(held + bytes.length, this.#buffer.length * 2));
      this.#buffer.copy(grown, 0, 0, held);
      this.#buffer = grown;
    }
    this.#buffer.set(bytes, held);
    this.#end += bytes.length;
  }

  /** Received bytes [from, to) by file offset; valid until bytes are appended or dropped. */
  view(from: number, to: number): Buffer {
    return this.#buffer.subarray(from - this.#start, to - this.#start);
  }

  /** Forgets everything before a file offset. */
  dropBefore(offset: number): void {
    this.#buffer.copyWithin(0, offset - this.#start, this.#end - this.#start);
    this.#start = offset;
  }

  /** As a disk reads: the copy's bytes first, then those received. */
  pread(_handle: FileHandle, target: Uint8Array, length: number, position: number): number {
    if (position < this.#start) {
      return this.#prefix(target, Math.min(length, this.#start - position), position);
    }
    const count = Math.min(length, this.#end - position);
    if (count <= 0) return 0;
    target.set(this.view(position, position + count));
    return count;
  }
}
