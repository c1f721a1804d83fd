/** A lock between processes that its holder cannot leave behind: the kernel frees it when the holder is gone. */
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { spawnBound } from './process.ts';

/** Runs `work` while nobody else runs under the same lock file; waits for its turn as long as it takes. */
export async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  mkdirSync(dirname(path), { recursive: true });
  // flock holds the lock (-o: its child does not) until the child has seen the end of the socket.
  const holder = spawnBound('flock', ['-o', path, 'sh', '-c', 'echo locked >&3; read _ <&3'], { sockets: 1 });
  const [socket] = holder.sockets;
  const gone = holder.ended.then((how) => {
    throw new Error(`flock on ${path} ${how}: ${holder.output().trim()}`);
  });
  gone.catch(() => undefined);
  await Promise.race([once(socket!, 'data'), gone]);
  try {
    return await work();
  } finally {
    socket!.destroy();
  }
}
