/** A reader as the ordering thread sees it: questions wait for each other, and it can be dropped with all it holds. */
import type { Worker } from 'node:worker_threads';
import { errorOf, TruthError } from '../../errors.ts';
import { type Scheduler, startThread } from '../../io/index.ts';
import type { RankingFound } from '../ranking-answers.ts';
import type { PastQuestion, ReaderJob, ReaderNews, ReaderStart } from './messages.ts';
import { PastViews, type PastViewsOptions } from './past-views.ts';

const WAITING_MAX = 64;
/** A thread that nobody asks gives its memory back. */
const IDLE_MILLIS = 300_000;

export interface Reader<Question> {
  /** Errors: BUSY, those of answering, that of `drop`, INTERNAL where the thread failed. */
  ask(question: Question): Promise<RankingFound>;
  /** Forgets everything it holds; who waits is told `error`. It can be asked again. */
  drop(error: TruthError): Promise<void>;
}

interface Asked<Question> {
  readonly question: Question;
  readonly resolve: (found: RankingFound) => void;
  readonly reject: (error: Error) => void;
  /** It was sent to a second thread already. */
  isAgain: boolean;
}

export interface ThreadedReaderOptions {
  /** What the next thread starts with. */
  readonly start: () => ReaderStart;
  /** The thread has ended by itself. */
  readonly ended: () => void;
  readonly scheduler: Scheduler;
  readonly report: (line: string) => void;
}

/** One thread, started with the first question and never keeping the process alive without one. */
export class ThreadedReader<Question> implements Reader<Question> {
  readonly #options: ThreadedReaderOptions;
  readonly #asked = new Map<number, Asked<Question>>();
  #thread: Worker | null = null;
  #stopWaiting: (() => void) | null = null;
  #last = 0;

  constructor(options: ThreadedReaderOptions) {
    this.#options = options;
  }

  ask(question: Question): Promise<RankingFound> {
    if (this.#asked.size >= WAITING_MAX) return Promise.reject(busy());
    return new Promise((resolve, reject) => {
      this.#send({ question, resolve, reject, isAgain: false });
    });
  }

  /** Questions that are not answered. */
  get depth(): number {
    return this.#asked.size;
  }

  get isRunning(): boolean {
    return this.#thread !== null;
  }

  /** Starts the thread, where there is none. It ends when nobody asks for a while. */
  start(): void {
    if (this.#thread !== null) return;
    this.#thread = this.#newThread();
    this.#rest();
  }

  async drop(error: TruthError): Promise<void> {
    for (const { reject } of this.#taken()) reject(error);
    await this.#end();
  }

  #send(asked: Asked<Question>): void {
    this.start();
    this.#stopWaiting?.();
    this.#stopWaiting = null;
    const id = ++this.#last;
    this.#asked.set(id, asked);
    // Whoever waits for an answer must not find the process gone before it is there.
    this.#thread?.ref();
    this.#thread?.postMessage({ id, question: asked.question } satisfies ReaderJob<Question>);
  }

  #newThread(): Worker {
    const thread = startThread('ranking-reader', this.#options.start());
    let reason = 'it has ended';
    thread.on('message', (news: ReaderNews) => this.#heard(news));
    thread.on('error', (error) => {
      reason = String(error);
    });
    thread.on('exit', () => {
      if (this.#thread !== thread) return;
      this.#thread = null;
      this.#options.ended();
      const error = new TruthError('INTERNAL', `the thread that answers questions failed: ${reason}`);
      for (const { reject } of this.#taken()) reject(error);
    });
    thread.unref();
    return thread;
  }

  #heard(news: ReaderNews): void {
    if (news.news === 'report') {
      this.#options.report(news.line);
      return;
    }
    const asked = this.#asked.get(news.id);
    if (asked === undefined) return;
    this.#asked.delete(news.id);
    if (this.#asked.size === 0) this.#rest();
    if (news.news === 'answer') {
      asked.resolve(news.found);
      return;
    }
    const error = errorOf(news.error);
    if (asked.isAgain || !isOfOldKeys(error)) {
      asked.reject(error);
      return;
    }
    const again = [asked, ...this.#taken()];
    void this.#end();
    for (const each of again) this.#send({ ...each, isAgain: true });
  }

  #rest(): void {
    this.#thread?.unref();
    this.#stopWaiting?.();
    this.#stopWaiting = this.#options.scheduler.after(IDLE_MILLIS, () => void this.#end());
  }

  #taken(): Asked<Question>[] {
    const asked = [...this.#asked.values()];
    this.#asked.clear();
    return asked;
  }

  async #end(): Promise<void> {
    this.#stopWaiting?.();
    this.#stopWaiting = null;
    const thread = this.#thread;
    this.#thread = null;
    await thread?.terminate();
  }
}

/** Of the past, on the thread that asks, for machines of one thread. */
export class InlineReader implements Reader<PastQuestion> {
  readonly #options: Omit<PastViewsOptions, 'pause'>;
  readonly #pause: () => Promise<void>;
  #views: PastViews;
  #dropped = new AbortController();
  #turn: Promise<unknown> = Promise.resolve();

  constructor({ pause, ...options }: PastViewsOptions) {
    this.#options = options;
    this.#pause = pause;
    this.#views = this.#newViews();
  }

  ask(question: PastQuestion): Promise<RankingFound> {
    const views = this.#views;
    const { signal } = this.#dropped;
    const answer = this.#turn.then(() => {
      signal.throwIfAborted();
      return views.answer(question);
    });
    this.#turn = answer.catch(() => {});
    return answer;
  }

  async drop(error: TruthError): Promise<void> {
    this.#dropped.abort(error);
    this.#dropped = new AbortController();
    this.#views = this.#newViews();
    await this.#turn;
  }

  #newViews(): PastViews {
    const { signal } = this.#dropped;
    const pause = async (): Promise<void> => {
      await this.#pause();
      signal.throwIfAborted();
    };
    return new PastViews({ ...this.#options, pause });
  }
}

/** The key-encryption key was replaced since the thread was started. */
function isOfOldKeys({ code, details }: TruthError): boolean {
  return code === 'KEY_UNAVAILABLE' && 'kek' in details;
}

function busy(): TruthError {
  return new TruthError(
    'BUSY',
    `${WAITING_MAX} questions wait for a reader already, and no more may: try again in a moment`,
    { waiting: WAITING_MAX },
  );
}
