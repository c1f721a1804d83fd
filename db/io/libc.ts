/**
 * The system calls Node does not offer: flock(2), posix_fallocate(3), and a stream socket that can be waited for, through
 * node:ffi.
 *
 * node:ffi prints an "experimental" warning on first use. Operators cannot act on it, so exactly that one warning is
 * held back while the module loads.
 */
import fs from 'node:fs';
import process from 'node:process';

const LOCK_EXCLUSIVE = 2;
const LOCK_NONBLOCKING = 4;
const SOCK_STREAM = 1;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_RCVTIMEO = 20;
const SO_SNDTIMEO = 21;
const ERRNO = {
  ENOENT: 2,
  EINTR: 4,
  EWOULDBLOCK: 11,
  EACCES: 13,
  EFBIG: 27,
  ENOSPC: 28,
  ECONNREFUSED: 111,
  EDQUOT: 122,
} as const;

/** True when the lock is ours now, false when another open file description has it. It goes when the descriptor closes. */
export function lockExclusively(fd: number): boolean {
  const { flock, errno } = libc();
  if (flock(fd, LOCK_EXCLUSIVE | LOCK_NONBLOCKING) === 0) return true;
  const code = errno();
  if (code === ERRNO.EWOULDBLOCK) return false;
  throw systemError(code, 'flock');
}

/** Takes disk space for the first `length` bytes and extends the file to at least that size. */
export function allocateSpace(fd: number, length: number): void {
  const { fallocate } = libc();
  let code: number = ERRNO.EINTR;
  while (code === ERRNO.EINTR) code = fallocate(fd, 0n, BigInt(length));
  if (code !== 0) throw systemError(code, 'posix_fallocate');
}

/** A connected stream socket whose reads and writes block, each for so long at most. `address` is the family's sockaddr. */
export function connectStream(family: number, address: Uint8Array, timeoutMillis: number): number {
  const { socket, setsockopt, connect, errno } = libc();
  const fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw systemError(errno(), 'socket');
  // struct timeval
  const timeout = Buffer.alloc(16);
  timeout.writeBigInt64LE(BigInt(Math.floor(timeoutMillis / 1000)), 0);
  timeout.writeBigInt64LE(BigInt((timeoutMillis % 1000) * 1000), 8);
  let failed: string | null = null;
  for (const option of [SO_RCVTIMEO, SO_SNDTIMEO]) {
    if (setsockopt(fd, SOL_SOCKET, option, timeout, timeout.length) !== 0) failed ??= 'setsockopt';
  }
  if (failed === null && connect(fd, address, address.length) !== 0) failed = 'connect';
  if (failed === null) return fd;
  const code = errno();
  fs.closeSync(fd);
  throw systemError(code, failed);
}

interface Libc {
  flock(fd: number, operation: number): number;
  fallocate(fd: number, offset: bigint, length: bigint): number;
  socket(family: number, type: number, protocol: number): number;
  setsockopt(fd: number, level: number, name: number, value: Uint8Array, length: number): number;
  connect(fd: number, address: Uint8Array, length: number): number;
  errno(): number;
}

let loaded: Libc | null = null;

function libc(): Libc {
  loaded ??= load();
  return loaded;
}

function load(): Libc {
  const ffi = withoutExperimentalWarning(() => process.getBuiltinModule('node:ffi'));
  if (ffi === undefined)
    throw new Error('this Node has no node:ffi; TruthDB needs it for flock and fallocate');
  // null means the running program itself, which has libc linked in: no path to guess, the same in a single-file binary.
  const { functions } = ffi.dlopen(null, {
    flock: { arguments: ['i32', 'i32'], return: 'i32' },
    posix_fallocate: { arguments: ['i32', 'i64', 'i64'], return: 'i32' },
    socket: { arguments: ['i32', 'i32', 'i32'], return: 'i32' },
    setsockopt: { arguments: ['i32', 'i32', 'i32', 'pointer', 'u32'], return: 'i32' },
    connect: { arguments: ['i32', 'pointer', 'u32'], return: 'i32' },
    __errno_location: { arguments: [], return: 'pointer' },
  });
  return {
    flock: functions.flock,
    fallocate: functions.posix_fallocate,
    socket: functions.socket,
    setsockopt: functions.setsockopt,
    connect: functions.connect,
    errno: () => ffi.getInt32(functions.__errno_location(), 0),
  };
}

function withoutExperimentalWarning<T>(use: () => T): T {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return use();
  } finally {
    process.emitWarning = emitWarning;
  }
}

function systemError(errno: number, call: string): Error {
  const name = Object.entries(ERRNO).find(([, value]) => value === errno)?.[0] ?? `errno ${errno}`;
  return Object.assign(new Error(`${name}: ${call} failed`), { code: name, errno: -errno, syscall: call });
}
