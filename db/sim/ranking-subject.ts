/**
 * What is done with the ranking layer in a run of the engine: writes and questions beside the appends, the views twice so that
 * they can be compared with a replay, and whether what was answered is there at the next start.
 */

import type { Engine } from '../engine.ts';
import { TruthError } from '../errors.ts';
import { rankingAudience } from '../ranking/audience/index.ts';
import { rankingCohorts } from '../ranking/cohorts/index.ts';
import { rankingDuplicates, rankingEntities } from '../ranking/entities/index.ts';
import type { Micros } from '../ranking/ground.ts';
import { rankingText } from '../ranking/indexes/text/index.ts';
import { rankingVectors } from '../ranking/indexes/vectors/index.ts';
import type { RankingCommand } from '../ranking/kernel/index.ts';
import { rankingSignals } from '../ranking/signals/index.ts';
import { SEQUENCE_NONE, type Sequence, TENANT_DEFAULT } from '../types.ts';
import type { OpenedLog } from '../wal/index.ts';
import { hashOf } from './payloads.ts';
import type { Random } from './random.ts';
import { RankingLife, START } from './ranking-life.ts';
import type { SubjectContext } from './subject.ts';
import { type Twin, twin } from './view-twin.ts';
import { Violation } from './violation.ts';

const VIEWS = [
  rankingEntities,
  rankingDuplicates,
  rankingSignals,
  rankingCohorts,
  rankingAudience,
  rankingVectors,
  rankingText,
];

const QUESTIONS: [string, ...string[]] = [
  'RETRIEVE items FOR USER @u1 USING mine',
  'RETRIEVE items WITHIN COHORT grown TRENDING view 24h',
  'SEARCH items QUERY "jazz" SORT BY hot',
];

/** Refusals that a write or a question may get although nothing is wrong. */
const REFUSALS = ['BUSY', 'DISK_FULL', 'TOO_LARGE', 'NOT_FOUND', 'INVALID_ARGUMENT'];

interface Written {
  readonly position: Sequence;
  readonly hash: bigint;
}

export class RankingSubject {
  readonly #context: SubjectContext;
  readonly #random: Random;
  readonly #life: RankingLife;
  /** Answered, with the last entry each answer rests on. */
  #written: Written[] = [];
  /** Not answered in this life. */
  #fresh: RankingCommand[] = [];
  #over: () => boolean = () => true;
  #violation: Violation | null = null;

  constructor(context: SubjectContext, random: Random) {
    this.#context = context;
    this.#random = random;
    this.#life = new RankingLife(random, START);
  }

  get violation(): Violation | null {
    return this.#violation;
  }

  /** Views beside those of the database: a new one of each for a life. */
  twins(): Twin[] {
    return VIEWS.map(({ name, create }) => twin(`${name}-twin`, create));
  }

  /**
   * A life begins: what was answered must be there. `over`: whether the life has ended, so that nothing counts any more. Throws
   * Violation.
   */
  begin(log: OpenedLog, over: () => boolean): void {
    const { floor } = log.retention;
    const lost = this.#written.filter(({ position, hash }) => {
      if (position < floor) return false;
      const entry = log.entryAt(position);
      return entry === null || hashOf(entry.payload) !== hash;
    });
    // What a start did not show is gone for good, also where damage took it.
    this.#written = this.#written.filter((each) => !lost.includes(each));
    this.#over = over;
    this.#fresh = [...this.#life.schema, this.#life.everybody()];
    if (lost[0] !== undefined)
      throw new Violation(
        'acknowledged is kept',
        `a write of the ranking layer was answered at ${lost[0].position}, and is not there`,
      );
  }

  /** Writes and asks within one turn. */
  step(engine: Engine, log: OpenedLog): void {
    const random = this.#random;
    for (let more = random.between(1, 3); more > 0; more--) {
      const action = random.weighted({ write: 20, ask: 4, change: 1 });
      if (action === 'ask') this.#ask(engine);
      else this.#write(engine, log, action === 'change' ? this.#life.change() : this.#next());
    }
  }

  #next(): RankingCommand {
    this.#life.now = Number(this.#context.time.nowNanos() / 1_000n) as Micros;
    return this.#fresh.shift() ?? this.#life.command();
  }

  #write(engine: Engine, log: OpenedLog, command: RankingCommand): void {
    this.#context.counts.ranked += 1;
    engine.ranking.write(TENANT_DEFAULT, command).then(
      ({ position }) => this.#answered(log, position),
      (error: unknown) => this.#refused(error),
    );
  }

  #answered(log: OpenedLog, position: Sequence): void {
    if (this.#over() || position === SEQUENCE_NONE) return;
    try {
      const entry = log.entryAt(position);
      if (entry !== null) this.#written.push({ position, hash: hashOf(entry.payload) });
      else
        this.#violation ??= new Violation(
          'answers',
          `a write was answered at ${position}, which is not stable`,
        );
    } catch (error) {
      // The look itself may be where the machine stops, or the disk fails.
      if (!this.#over() && this.#context.plan.kind !== 'error') throw error;
    }
  }

  #ask(engine: Engine): void {
    engine.ranking.execute(TENANT_DEFAULT, this.#random.pick(QUESTIONS), []).then(
      () => {},
      (error: unknown) => this.#refused(error),
    );
  }

  #refused(error: unknown): void {
    if (this.#over() || (error instanceof TruthError && REFUSALS.includes(error.code))) return;
    this.#violation ??= new Violation('answers', `ranking was refused: ${String(error)}`, error);
  }
}
