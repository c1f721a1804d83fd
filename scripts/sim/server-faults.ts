/**
 * The real server on calls that fail: strace attaches to it while it works and makes one call, or all from one on, fail or
 * wait; a write ends early at a limit on file sizes. Then the server is killed and started without strace, and must show everything it had acknowledged.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '../../db/sim/random.ts';
import { Book, type BookCounts, newCounts } from './book.ts';
import { initialise, pause, Server } from './server.ts';

export interface ServerFault {
  readonly call: 'pwrite64' | 'fdatasync' | 'fsync' | 'rename' | 'fallocate' | 'openat' | 'unlink';
  /**
   * As strace's inject wants it; or `short`: what lies beyond a place in the file is not written, which is what a limit on
   * file sizes does and strace cannot.
   */
  readonly effect: string;
  /** Which of the calls: `3` the third, `3+` all from it on. Of `short` the place, in bytes. */
  readonly when: string;
}

export interface FaultResult extends BookCounts {
  /** Whether the server was still taking appends when it was killed. */
  readonly outcome: 'goes on' | 'refuses or ends';
}

const ATTACH_MILLIS = 700;
const LOAD_MILLIS = 1500;

/** Throws when something acknowledged is missing or something is there that was not sent. */
export async function runServerFault(
  fault: ServerFault,
  directory: string,
  seed: number,
): Promise<FaultResult> {
  const counts = newCounts();
  const random = new Random(seed, 'faults');
  mkdirSync(directory, { recursive: true });
  const data = join(directory, 'data');
  const connection = await initialise(data);
  const book = new Book(counts);
  const failing = new Server(data);
  let strace: ChildProcess | null = null;
  let outcome: FaultResult['outcome'] = 'goes on';
  try {
    const client = await failing.client(connection);
    let loading = true;
    const load = book.load(client, random).then(() => {
      if (loading) outcome = 'refuses or ends';
    });
    strace = attach(failing.pid, fault);
    await pause(ATTACH_MILLIS + LOAD_MILLIS);
    loading = false;
    failing.kill();
    await load;
    await client.close();
  } finally {
    failing.kill();
    await failing.ended;
    strace?.kill('SIGKILL');
  }
  const whole = new Server(data);
  try {
    const client = await whole.client(connection);
    await book.check(client);
    await book.load(client, random, 50);
    await book.check(client);
    await book.checkAll(client);
    await client.close();
  } finally {
    whole.kill();
    await whole.ended;
  }
  return { ...counts, outcome };
}

function attach(pid: number, { call, effect, when }: ServerFault): ChildProcess {
  if (effect === 'short') {
    return spawn('prlimit', ['--pid', String(pid), `--fsize=${when}:${when}`], { stdio: 'ignore' });
  }
  const inject = `inject=${call}:${effect}:when=${when}`;
  return spawn(
    'strace',
    ['-f', '-qq', '-o', '/dev/null', '-p', String(pid), '-e', `trace=${call}`, '-e', inject],
    {
      stdio: 'ignore',
    },
  );
}
