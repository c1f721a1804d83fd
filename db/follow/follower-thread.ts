/** The thread of a follower whose copy is served: receiving, verifying and syncing hold up nobody who reads. */
import { parentPort, workerData } from 'node:worker_threads';
import { TruthError } from '../errors.ts';
import { RealDisk } from '../io/index.ts';
import type { Address } from '../protocol/index.ts';
import { Follower } from './follower.ts';
import type { FollowerNews, ThreadedError } from './threaded-follower.ts';

/** What the serving thread hands over. */
export interface FollowerThreadData {
  readonly address: Address;
  readonly source: string;
  readonly directory: string;
  readonly name: string | null;
  readonly everything: boolean;
}

run(workerData as FollowerThreadData);

function run(data: FollowerThreadData): void {
  const port = parentPort;
  if (port === null) throw new Error('the follower’s thread was started as a program');
  const tell = (news: FollowerNews): void => port.postMessage(news);
  const stopping = new AbortController();
  port.on('message', () => stopping.abort());
  const follower = new Follower({
    ...data,
    disk: new RealDisk(),
    nowMillis: () => performance.now(),
    report: (line) => tell({ kind: 'report', line }),
    onState: (state) => tell({ kind: 'state', state }),
  });
  follower.run(stopping.signal).then(
    () => tell({ kind: 'ended', error: null }),
    (error: unknown) => tell({ kind: 'ended', error: plain(error) }),
  );
}

/** Errors lose their class on the way between threads. */
function plain(error: unknown): ThreadedError {
  if (error instanceof TruthError) {
    const { code, message, details } = error;
    return { code, message, details };
  }
  return {
    code: 'INTERNAL',
    message: error instanceof Error ? (error.stack ?? error.message) : String(error),
    details: {},
  };
}
