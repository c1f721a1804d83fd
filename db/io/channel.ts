/**
 * A device that answers requests, asked synchronously: a character device, or a stream socket behind which an emulator stands
 * for one. Node's own sockets can only be waited for, and whoever opens a database needs its keys before anything else.
 */
import fs from 'node:fs';
import { connectStream } from './libc.ts';

export type ChannelAddress =
  /** Absolute path of a character device or of a socket. */
  | { readonly kind: 'device' | 'unix'; readonly path: string }
  /** Of the IPv4 loopback. */
  | { readonly kind: 'tcp'; readonly port: number };

export interface Channel {
  /** Writes all of `bytes` at once. */
  write(bytes: Uint8Array): void;
  /** Reads what has come, at least a byte, into `target` from `at` on; returns how many, 0 when the other side has closed. */
  read(target: Uint8Array, at: number): number;
  close(): void;
}

const AF_UNIX = 1;
const AF_INET = 2;
/** sun_path of sockaddr_un, its zero included (unix(7)). */
const UNIX_PATH_BYTES = 108;

/** Waits at most `timeoutMillis` for a socket; a device has time limits of its own. Throws the system's errors. */
export function openChannel(address: ChannelAddress, timeoutMillis: number): Channel {
  const fd =
    address.kind === 'device'
      ? fs.openSync(address.path, fs.constants.O_RDWR)
      : connectStream(familyOf(address), socketAddress(address), timeoutMillis);
  return {
    write: (bytes) => {
      for (let at = 0; at < bytes.length; ) at += fs.writeSync(fd, bytes, at, bytes.length - at, null);
    },
    read: (target, at) => {
      for (;;) {
        try {
          return fs.readSync(fd, target, at, target.length - at, null);
        } catch (error) {
          // A signal came in between.
          if ((error as NodeJS.ErrnoException).code !== 'EINTR') throw error;
        }
      }
    },
    close: () => fs.closeSync(fd),
  };
}

function familyOf({ kind }: ChannelAddress): number {
  return kind === 'tcp' ? AF_INET : AF_UNIX;
}

/** As sockaddr_un or sockaddr_in has it, on x86-64. */
function socketAddress(address: Exclude<ChannelAddress, { readonly kind: 'device' }>): Uint8Array {
  if (address.kind === 'tcp') {
    const bytes = Buffer.alloc(16);
    bytes.writeUInt16LE(AF_INET, 0);
    bytes.writeUInt16BE(address.port, 2);
    bytes.set([127, 0, 0, 1], 4);
    return bytes;
  }
  const path = Buffer.from(address.path);
  if (path.length >= UNIX_PATH_BYTES) {
    throw Object.assign(new Error(`ENAMETOOLONG: the path of a socket has ${path.length} bytes`), {
      code: 'ENAMETOOLONG',
    });
  }
  const bytes = Buffer.alloc(2 + path.length + 1);
  bytes.writeUInt16LE(AF_UNIX, 0);
  bytes.set(path, 2);
  return bytes;
}
