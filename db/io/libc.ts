/**
 * The two system calls Node does not offer: flock(2) and posix_fallocate(3), through node:ffi.
 *
 * node:ffi prints an "experimental" warning on first use. Operators cannot act on it, so exactly that one warning is
 * held back while the module loads.
 */
import process from 'node:process';

const LOCK_EXCLUSIVE = 2;
const LOCK_NONBLOCKING = 4;
const ERRNO = { EINTR: 4, EWOULDBLOCK: 11, EFBIG: 27, ENOSPC: 28, EDQUOT: 122 } as const;

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

interface Libc {
  flock(fd: number, operation: number): number;
  fallocate(fd: number, offset: bigint, length: bigint): number;
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
    __errno_location: { arguments: [], return: 'pointer' },
  });
  return {
    flock: functions.flock,
    fallocate: functions.posix_fallocate,
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
