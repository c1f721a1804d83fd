/** The scrubber's side of its thread, which runs only while there is something to do. */
import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import { startThread } from '../io/index.ts';
import type { ScrubWorker } from './scrub.ts';
import type { SegmentFindings, SegmentTask } from './verify-segment.ts';

/** What the thread is told when it starts. */
export interface ScrubStart {
  readonly directory: string;
  readonly bytesPerSecond: number;
}

export type ScrubQuestion =
  | { readonly kind: 'check'; readonly task: SegmentTask }
  | { readonly kind: 'save'; readonly path: string; readonly bytes: Uint8Array };

export type ScrubAnswer = { readonly findings: SegmentFindings | null } | { readonly error: string };

/** One question at a time. */
export class ScrubThread implements ScrubWorker {
  readonly #start: ScrubStart;
  #thread: Worker | null = null;
  readonly #closing = new AbortController();

  constructor(start: ScrubStart) {
    this.#start = start;
  }

  check(task: SegmentTask): Promise<SegmentFindings | null> {
    return this.#ask({ kind: 'check', task });
  }

  async save(path: string, bytes: Uint8Array): Promise<void> {
    await this.#ask({ kind: 'save', path, bytes });
  }

  async close(): Promise<void> {
    const thread = this.#thread;
    this.#closing.abort();
    await thread?.terminate();
  }

  async #ask(question: ScrubQuestion): Promise<SegmentFindings | null> {
    const { signal } = this.#closing;
    signal.throwIfAborted();
    this.#thread ??= startThread('wal-scrub', this.#start);
    // Nothing waits for it: a process may end while it reads.
    this.#thread.unref();
    const answered = once(this.#thread, 'message', { signal });
    this.#thread.postMessage(question);
    const [answer] = (await answered.catch((error: unknown) => {
      // A thread that has ended answers nothing any more: the next question gets another.
      this.#thread = null;
      throw error;
    })) as [ScrubAnswer];
    if ('error' in answer) throw new Error(answer.error);
    return answer.findings;
  }
}
