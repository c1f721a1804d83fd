/**
 * What a connection has to say: frames are collected during a turn of the event loop and leave in one write at its end.
 * How much is waiting for a slow reader is known at any time; the session stops taking requests while it is too much.
 */
import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import type { ByteWriter } from '../protocol/index.ts';

/** More than this unsent, and the connection counts as congested. */
const CONGESTED_BYTES = 1024 * 1024;
/** Small writes are copied so that the writer's buffer can be used again whatever the socket does with them. */
const COPIED_BYTES_MAX = 2048;
/** Large answers are handed over in slices of this, so that a slow but living reader can be told from a stuck one. */
const SLICE_BYTES = 128 * 1024;

/** What builds the bytes: frames of ours, or another protocol's messages. */
export interface BytesWriter {
  readonly length: number;
  taken(): Buffer;
  reuse(): void;
  replace(): void;
}

export class Outbox<Writer extends BytesWriter = ByteWriter> {
  readonly writer: Writer;
  readonly #socket: Socket;
  readonly #queue: Buffer[] = [];
  readonly #onRoom: () => void;
  #queuedBytes = 0;
  #scheduled = false;

  /** `onRoom` is called when a congested connection no longer is. */
  constructor(socket: Socket, writer: Writer, onRoom: () => void) {
    this.#socket = socket;
    this.writer = writer;
    this.#onRoom = onRoom;
    socket.on('drain', () => {
      this.#drain();
      if (!this.congested) this.#onRoom();
    });
  }

  /** Bytes neither the kernel nor the TLS layer has taken. */
  get unsentBytes(): number {
    return this.writer.length + this.#queuedBytes + this.#socket.writableLength;
  }

  get sentBytes(): number {
    return this.#socket.bytesWritten - this.#socket.writableLength;
  }

  get congested(): boolean {
    return this.unsentBytes > CONGESTED_BYTES;
  }

  /** Sends what has been written once everything that is ready in this turn has had its say. */
  schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    process.nextTick(() => {
      this.#scheduled = false;
      this.flush();
    });
  }

  flush(): void {
    const before = this.congested;
    this.#hand(this.writer.taken());
    // A write the kernel took whole is followed by no `drain`.
    if (before && !this.congested) this.#onRoom();
  }

  #hand(bytes: Buffer): void {
    if (bytes.length === 0) return;
    if (!this.#socket.writable) {
      this.writer.reuse();
    } else if (this.#queue.length > 0 || bytes.length > SLICE_BYTES) {
      this.writer.replace();
      this.#enqueue(bytes);
    } else if (bytes.length <= COPIED_BYTES_MAX) {
      this.#socket.write(Buffer.from(bytes));
      this.writer.reuse();
    } else {
      this.#socket.write(bytes);
      // Nothing waiting means the kernel has copied it all.
      if (this.#socket.writableLength === 0) this.writer.reuse();
      else this.writer.replace();
    }
  }

  /** Flushes, then tells the other side that nothing more comes. */
  end(): void {
    this.flush();
    for (const slice of this.#queue.splice(0)) this.#socket.write(slice);
    this.#queuedBytes = 0;
    this.#socket.end();
  }

  #enqueue(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; at += SLICE_BYTES) {
      this.#queue.push(bytes.subarray(at, at + SLICE_BYTES));
    }
    this.#queuedBytes += bytes.length;
    if (!this.#socket.writableNeedDrain) this.#drain();
  }

  #drain(): void {
    while (this.#queue.length > 0) {
      const slice = this.#queue.shift() as Buffer;
      this.#queuedBytes -= slice.length;
      if (!this.#socket.write(slice)) return;
    }
  }
}
