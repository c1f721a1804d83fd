/** Ranking views that follow the log: what a question about now is answered from, as soon as they have what it needs. */
import { TruthError } from '../../errors.ts';
import type { Clock, Scheduler } from '../../io/index.ts';
import { type BesideOptions, type RestorePoint, ViewsBeside } from '../../materializer/index.ts';
import type { Sequence } from '../../types.ts';
import type { StableMark } from '../../wal/index.ts';
import { RankingAnswers, type RankingFound } from '../ranking-answers.ts';
import { viewSetOf } from '../ranking-views.ts';
import type { LiveQuestion } from './messages.ts';

/** How long a question waits for commits that have not come here yet. */
const WAIT_MILLIS = 100;
/** Commits between two looks at the clock, and time between two turns of questions. */
const COMMITS_PER_LOOK = 8;
const TURN_NANOS = 1_000_000n;

interface Waiting {
  readonly least: Sequence;
  readonly wake: () => void;
}

export interface LiveViewsOptions {
  readonly beside: BesideOptions;
  /** Copies of views, newest first. */
  readonly points: readonly RestorePoint[];
  /** Told how far the views have come. */
  readonly applied: StableMark;
  readonly clock: Pick<Clock, 'monotonicNanos'>;
  readonly scheduler: Pick<Scheduler, 'after'>;
  readonly pause: () => Promise<void>;
}

export class LiveViews {
  readonly #options: LiveViewsOptions;
  readonly #answers: RankingAnswers;
  readonly #waiting = new Set<Waiting>();
  #views: ViewsBeside | null = null;

  constructor(options: LiveViewsOptions) {
    this.#options = options;
    this.#answers = new RankingAnswers(options.clock);
  }

  /** Follows the log for good. Errors: VIEW_UNAVAILABLE, those of reading the log; the views are of no use any more then. */
  async run(signal: AbortSignal): Promise<void> {
    const { beside, points } = this.#options;
    const views = await ViewsBeside.begin(beside, points, () => true);
    this.#views = views;
    this.#came(views);
    await views.follow(signal, this.#turns(views));
  }

  /** Errors: VIEW_UNAVAILABLE with `behind` where the views do not have what it needs in time, those of `RankingAnswers`. */
  async answer(question: LiveQuestion): Promise<RankingFound> {
    if (this.#standing(question.least) === null) await this.#cameTo(question.least);
    const views = this.#standing(question.least);
    if (views === null) throw behind(this.#views?.at.sequence ?? 0, question.least);
    const { sequence: position } = views.at;
    return this.#answers.answer(viewSetOf(views), question, { position, now: question.now });
  }

  #standing(least: Sequence): ViewsBeside | null {
    const views = this.#views;
    return views?.isWhole === true && views.at.sequence >= least ? views : null;
  }

  #cameTo(least: Sequence): Promise<void> {
    return new Promise((resolve) => {
      const waiting: Waiting = {
        least,
        wake: () => {
          cancel();
          this.#waiting.delete(waiting);
          resolve();
        },
      };
      const cancel = this.#options.scheduler.after(WAIT_MILLIS, waiting.wake);
      this.#waiting.add(waiting);
    });
  }

  #turns(views: ViewsBeside): () => Promise<void> | void {
    const { clock, pause } = this.#options;
    let commits = 0;
    let turn = clock.monotonicNanos();
    return () => {
      this.#came(views);
      if (++commits % COMMITS_PER_LOOK !== 0) return;
      const now = clock.monotonicNanos();
      if (now - turn < TURN_NANOS) return;
      turn = now;
      return pause();
    };
  }

  #came(views: ViewsBeside): void {
    if (!views.isWhole) return;
    const { sequence } = views.at;
    this.#options.applied.reached(sequence);
    for (const { least, wake } of this.#waiting) if (least <= sequence) wake();
  }
}

function behind(position: number, least: Sequence): TruthError {
  return new TruthError(
    'VIEW_UNAVAILABLE',
    `the reader had come to ${position} after ${WAIT_MILLIS} ms, and ${least} was needed`,
    { behind: true, position },
  );
}
