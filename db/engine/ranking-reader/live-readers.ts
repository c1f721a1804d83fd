/**
 * Readers that follow the log and answer about now. Whoever asks falls back on the ordering thread while there is none that has
 * come far enough, so what goes wrong with a reader costs time and never an answer.
 */
import { TruthError } from '../../errors.ts';
import type { Clock, Scheduler } from '../../io/index.ts';
import type { Sequence } from '../../types.ts';
import { StableMark } from '../../wal/index.ts';
import type { RankingFound } from '../ranking-answers.ts';
import type { LiveQuestion, ReaderStart } from './messages.ts';
import { ThreadedReader } from './reader.ts';

/** One that is further behind is not asked: it would not be there in time. */
const BEHIND_MAX = 10_000;
/** After a thread has ended by itself, the next is not started at once. */
const REST_NANOS = 5_000_000_000n;
/** An answer has a budget of a second: a thread that has said nothing after so long says nothing any more. */
const ANSWER_MILLIS_MAX = 5_000;

export interface LiveReadersOptions {
  readonly readers: number;
  readonly start: (reader: number) => Omit<ReaderStart, 'role' | 'applied'>;
  readonly clock: Pick<Clock, 'monotonicNanos'>;
  readonly scheduler: Scheduler;
  readonly report: (line: string) => void;
}

export interface LiveReadersStatus {
  /** Position of each reader; 0 for one that is not there, or not ready. */
  readonly positions: readonly Sequence[];
  /** Questions about now that readers have answered, and those that were left to the ordering thread. */
  readonly answered: number;
  readonly left: number;
}

interface Live {
  readonly reader: ThreadedReader<LiveQuestion>;
  /** Of the thread that runs: one that is ending may still write into its own. */
  applied: StableMark;
  restUntil: bigint;
}

export class LiveReaders {
  readonly #options: LiveReadersOptions;
  readonly #readers: readonly Live[];
  #answered = 0;
  #left = 0;

  constructor(options: LiveReadersOptions) {
    this.#options = options;
    this.#readers = Array.from({ length: options.readers }, (_, at) => this.#newReader(at));
  }

  /** Null where the ordering thread is to answer. Errors: TIMEOUT, those of answering. */
  async ask(question: LiveQuestion): Promise<RankingFound | null> {
    const live = this.#readyFor(question.least);
    const found = live === null ? null : await this.#ask(live, question);
    if (found === null) this.#left += 1;
    else this.#answered += 1;
    return found;
  }

  status(): LiveReadersStatus {
    return {
      positions: this.#readers.map(({ reader, applied }) =>
        reader.isRunning ? applied.stable : (0 as Sequence),
      ),
      answered: this.#answered,
      left: this.#left,
    };
  }

  async drop(error: TruthError): Promise<void> {
    await Promise.all(this.#readers.map(({ reader }) => reader.drop(error)));
  }

  #newReader(at: number): Live {
    const { scheduler, report } = this.#options;
    const start = (): ReaderStart => {
      live.applied = new StableMark();
      return { ...this.#options.start(at), role: 'live', applied: live.applied.memory };
    };
    const ended = (): void => {
      live.restUntil = this.#options.clock.monotonicNanos() + REST_NANOS;
    };
    const reader = new ThreadedReader<LiveQuestion>({ start, ended, scheduler, report });
    const live: Live = { reader, applied: new StableMark(), restUntil: 0n };
    return live;
  }

  /** The one with least to do of those that have come far enough; those that are not there are started. */
  #readyFor(least: Sequence): Live | null {
    let ready: Live | null = null;
    for (const live of this.#readers) {
      const { reader } = live;
      if (!reader.isRunning && this.#options.clock.monotonicNanos() >= live.restUntil) reader.start();
      const position = reader.isRunning ? live.applied.stable : 0;
      if (position === 0 || position < least - BEHIND_MAX) continue;
      if (ready === null || reader.depth < ready.reader.depth) ready = live;
    }
    return ready;
  }

  async #ask({ reader }: Live, question: LiveQuestion): Promise<RankingFound | null> {
    const cancel = this.#options.scheduler.after(ANSWER_MILLIS_MAX, () => {
      void reader.drop(new TruthError('TIMEOUT', 'a reader did not answer; ask again'));
    });
    try {
      return await reader.ask(question);
    } catch (error) {
      if (isLeft(error)) return null;
      throw error;
    } finally {
      cancel();
    }
  }
}

/** Of errors that say nothing of the question: it is answered elsewhere. */
function isLeft(error: unknown): boolean {
  if (!(error instanceof TruthError)) return false;
  return 'behind' in error.details || error.code === 'BUSY' || error.code === 'INTERNAL';
}
