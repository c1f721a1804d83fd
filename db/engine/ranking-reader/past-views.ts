/**
 * Ranking views at the position that was asked about last. A question about a later one brings them on from there; one about an
 * earlier one begins again from the nearest copy, because views cannot be taken back.
 */
import { TruthError } from '../../errors.ts';
import type { Clock } from '../../io/index.ts';
import {
  type BesideOptions,
  type MemoryBudget,
  type RestorePoint,
  type Until,
  ViewsBeside,
} from '../../materializer/index.ts';
import type { Micros } from '../../ranking/ground.ts';
import type { AsOf } from '../../ranking/retrieve/bind/index.ts';
import { type Sequence, sequence } from '../../types.ts';
import { RankingAnswers, type RankingFound } from '../ranking-answers.ts';
import { READ_VIEWS, viewSetOf } from '../ranking-views.ts';
import type { PastQuestion } from './messages.ts';

const NANOS_PER_MICRO = 1_000n;
/** How long views may be brought to where a question wants them. */
const REPLAY_NANOS_MAX = 10_000_000_000n;
/** Commits between two looks at the clock, and time between two turns of others. */
const COMMITS_PER_LOOK = 16;
const TURN_NANOS = 5_000_000n;
/** Entries that are rather applied than views restored from a nearer copy. */
const NEAR = 50_000;
const POINTS_TOLD_MAX = 10;

export interface PastViewsOptions {
  readonly log: BesideOptions['log'];
  /** 16 bytes. */
  readonly logId: Uint8Array;
  /** Copies of views as there are now, newest first. */
  readonly points: () => readonly RestorePoint[];
  readonly memory: MemoryBudget;
  readonly clock: Pick<Clock, 'monotonicNanos'>;
  /** Gives others of the thread their turn. Errors end the question. */
  readonly pause: () => Promise<void>;
  readonly report: (line: string) => void;
}

export class PastViews {
  readonly #options: PastViewsOptions;
  readonly #beside: BesideOptions;
  readonly #answers: RankingAnswers;
  #views: ViewsBeside | null = null;

  constructor(options: PastViewsOptions) {
    const { log, logId, memory, report, clock } = options;
    this.#options = options;
    this.#beside = { log, logId, definitions: READ_VIEWS, memory, report };
    this.#answers = new RankingAnswers(clock);
  }

  /** One at a time. Errors: TIMEOUT, PRUNED, VIEW_UNAVAILABLE, those of reading the log and of `RankingAnswers`. */
  async answer(question: PastQuestion): Promise<RankingFound> {
    const { at } = question;
    const until = untilOf(question);
    const views = await this.#brought(at, until);
    const { sequence, recordedAt } = views.at;
    const now = at.asOf === 'timestamp' ? at.time : (Number(recordedAt / NANOS_PER_MICRO) as Micros);
    return this.#answers.answer(viewSetOf(views), question, { position: sequence, now });
  }

  /** The next question begins again. */
  forget(): void {
    this.#views?.close();
    this.#views = null;
  }

  async #brought(at: AsOf, until: Until): Promise<ViewsBeside> {
    const deadline = this.#options.clock.monotonicNanos() + REPLAY_NANOS_MAX;
    const points = this.#options.points();
    const held = this.#views;
    const views = await this.#begun(points, until);
    try {
      await views.advance(until, this.#turns(views, { at, points, deadline }));
      return views;
    } catch (error) {
      if (error instanceof TruthError && error.code === 'TIMEOUT') throw error;
      this.forget();
      if (!(error instanceof TruthError && error.code === 'PRUNED')) throw error;
      // What lies behind views that were kept may have been pruned since; a copy may reach further.
      if (views === held) return this.#brought(at, until);
      throw pruned(error, at, points);
    }
  }

  async #begun(points: readonly RestorePoint[], until: Until): Promise<ViewsBeside> {
    const held = this.#views;
    if (held?.reaches(until) === true) {
      const start = await ViewsBeside.startOf(this.#beside, points, until);
      if (start - held.at.sequence <= NEAR) return held;
    }
    this.forget();
    this.#views = await ViewsBeside.begin(this.#beside, points, until);
    return this.#views;
  }

  #turns(
    views: ViewsBeside,
    { at, points, deadline }: { at: AsOf; points: readonly RestorePoint[]; deadline: bigint },
  ): () => Promise<void> | void {
    const { clock, pause } = this.#options;
    let commits = 0;
    let turn = clock.monotonicNanos();
    return () => {
      if (++commits % COMMITS_PER_LOOK !== 0) return;
      const now = clock.monotonicNanos();
      if (now > deadline) throw timeout(views.at.sequence, at, points);
      if (now - turn < TURN_NANOS) return;
      turn = now;
      return pause();
    };
  }
}

function untilOf({ at, last }: PastQuestion): Until {
  if (at.asOf === 'position') return (commit) => commit.sequence <= at.position;
  const nanos = (BigInt(at.time) + 1n) * NANOS_PER_MICRO;
  return (commit) => commit.sequence <= last && commit.recordedAt < nanos;
}

function timeout(position: Sequence, at: AsOf, points: readonly RestorePoint[]): TruthError {
  const goal = at.asOf === 'position' ? ` on its way to ${at.position}` : '';
  const told = positionsOf(points).slice(-POINTS_TOLD_MAX);
  const copies =
    told.length === 0
      ? 'there is no snapshot to begin from; `truthdb snapshot create` takes one'
      : `there are copies of views at ${told.join(', ')}, which a question about a position soon behind one of them begins from`;
  return new TruthError(
    'TIMEOUT',
    `views of then are made by a replay, which had come to position ${position}${goal} after ${REPLAY_NANOS_MAX / 1_000_000_000n} s: ask again and it goes on from there; ${copies}`,
    { position },
  );
}

function pruned(error: TruthError, at: AsOf, points: readonly RestorePoint[]): TruthError {
  const first = Number(error.details['first']);
  const earliest = earliestWhole(points, first);
  const asked = at.asOf === 'position' ? `AS OF POSITION ${at.position}` : 'a time as long ago';
  const from =
    earliest === null
      ? 'and no snapshot or checkpoint holds what was before'
      : `and copies of views begin at ${earliest}: ask about a position from ${earliest} on`;
  return new TruthError(
    'PRUNED',
    `${asked} cannot be answered: the log begins at ${first}, ${from}`,
    earliest === null ? { first } : { first, from: earliest },
  );
}

/** The first position at which every view has a copy that the log bears out. */
function earliestWhole(points: readonly RestorePoint[], first: number): Sequence | null {
  const earliest = READ_VIEWS.map(({ name, version }) =>
    Math.min(
      ...points
        .filter((point) => point.position >= first && point.view(name, version) !== null)
        .map(({ position }) => position),
    ),
  );
  const whole = Math.max(...earliest);
  return Number.isFinite(whole) ? sequence(whole) : null;
}

function positionsOf(points: readonly RestorePoint[]): number[] {
  const used = points.filter((point) =>
    READ_VIEWS.some(({ name, version }) => point.view(name, version) !== null),
  );
  return [...new Set(used.map(({ position }) => position))].sort((a, b) => a - b);
}
