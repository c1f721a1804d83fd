/** A follower on a thread of its own, as it looks from the thread that serves what it keeps. */
import { type ErrorCode, type ErrorDetails, TruthError } from '../errors.ts';
import { startThread } from '../io/index.ts';
import type { FollowerOptions } from './follower.ts';
import type { FollowerState } from './follower-state.ts';
import type { FollowerThreadData } from './follower-thread.ts';

export interface ThreadedError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details: ErrorDetails;
}

/** What the thread says. */
export type FollowerNews =
  | { readonly kind: 'state'; readonly state: FollowerState }
  | { readonly kind: 'report'; readonly line: string }
  | { readonly kind: 'ended'; readonly error: ThreadedError | null };

export class ThreadedFollower {
  readonly #options: FollowerOptions;

  /** On the real disk, whatever disk and clock the options name: another thread can use no other. */
  constructor(options: FollowerOptions) {
    this.#options = options;
  }

  /** As `Follower.run`. */
  run(signal: AbortSignal): Promise<void> {
    const { address, source, directory, name, everything, report, onState } = this.#options;
    const data: FollowerThreadData = { address, source, directory, name, everything };
    const worker = startThread('follower', data);
    const stop = (): void => worker.postMessage('stop');
    return new Promise<void>((resolve, reject) => {
      signal.addEventListener('abort', stop);
      if (signal.aborted) stop();
      worker.on('message', (news: FollowerNews) => {
        if (news.kind === 'state') onState(news.state);
        else if (news.kind === 'report') report(news.line);
        else if (news.error === null) resolve();
        else reject(new TruthError(news.error.code, news.error.message, news.error.details));
      });
      worker.on('error', reject);
      worker.on('exit', () =>
        reject(new TruthError('INTERNAL', 'the follower’s thread ended without a word')),
      );
    }).finally(() => {
      signal.removeEventListener('abort', stop);
      return worker.terminate().then(() => undefined);
    });
  }
}
