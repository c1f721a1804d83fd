/**
 * Reading without allocating. Node gives every read of a socket 64 KiB of its own, and the stream on top takes its share
 * again: with one request a read that was half of what the server spent on it outside the kernel. Node can read into one
 * buffer instead (`onread`), but offers that to the connecting side only; an accepted socket has the same switch inside,
 * which is used here where it is found. Where it is not, reads come the usual way, and everything works as before.
 */
import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';

/** Takes bytes that were read. `lent`: they are overwritten after the call. */
export type TakeBytes = (bytes: Buffer, lent: boolean) => void;

const BUFFER_BYTES = 256 * 1024;

/** One for all connections: what is read is used up before the next read. */
let buffer: Buffer | null = null;

/** Hands everything the socket reads to `take`. For plain sockets; reads of TLS are decrypted elsewhere. */
export function readLent(socket: Socket, take: TakeBytes): void {
  const inside = insideOf(socket);
  if (inside === null) {
    readUsually(socket, take);
    return;
  }
  buffer ??= Buffer.allocUnsafeSlow(BUFFER_BYTES);
  inside.handle.useUserBuffer(buffer);
  inside.set(buffer, (bytes, from) => take(from.subarray(0, bytes), true));
  socket.resume();
}

export function readUsually(socket: Socket, take: TakeBytes): void {
  socket.on('data', (chunk: Buffer) => take(chunk, false));
}

type OnRead = (bytes: number, from: Buffer) => void;

interface Inside {
  readonly handle: { useUserBuffer(buffer: Buffer): void };
  set(buffer: Buffer, onRead: OnRead): void;
}

/** The parts of a socket that `onread` sets when a socket is made by its constructor; null where Node has changed them. */
function insideOf(socket: Socket): Inside | null {
  const { _handle: handle } = socket as unknown as { _handle?: Partial<Inside['handle']> | null };
  const symbols = Object.getOwnPropertySymbols(socket);
  const forBuffer = symbols.find(({ description }) => description === 'kBuffer');
  const forCallback = symbols.find(({ description }) => description === 'kBufferCb');
  if (typeof handle?.useUserBuffer !== 'function' || forBuffer === undefined || forCallback === undefined)
    return null;
  return {
    handle: handle as Inside['handle'],
    set: (into, onRead) =>
      Object.assign(socket, {
        [forBuffer]: into,
        // Anything but false goes on reading.
        [forCallback]: (bytes: number, from: Buffer) => {
          onRead(bytes, from);
          return true;
        },
      }),
  };
}
