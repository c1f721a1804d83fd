import { InstallError } from './errors.ts';

/**
 * Bounds one operation on a device. A read or write on a dying disk can hang in the kernel for good: nothing ends it, but the
 * installer must say so instead of standing still.
 *
 * @throws InstallError STALLED when `ms` have passed; the operation itself goes on.
 */
export async function withDeadline<T>(what: string, ms: number, operation: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () =>
        reject(
          new InstallError('STALLED', `${what}: no answer for ${ms / 1000} s; is the disk still connected?`),
        ),
      ms,
    );
  });
  try {
    return await Promise.race([operation, late]);
  } finally {
    clearTimeout(timer);
  }
}
