/** The seven ranking views side by side over a history in memory, each of which can be saved and go on as another instance. */
import type { RankingViewSet } from '../../../../db/engine/ranking-views.ts';
import { TruthError } from '../../../../db/errors.ts';
import { KERNEL_ENTRY } from '../../../../db/kernel/entry-types.ts';
import type { Materializer, ViewCommit, ViewContext } from '../../../../db/materializer/index.ts';
import { rankingAudience } from '../../../../db/ranking/audience/index.ts';
import { CohortsView } from '../../../../db/ranking/cohorts/cohorts-view.ts';
import { rankingDuplicates, rankingEntities } from '../../../../db/ranking/entities/index.ts';
import type { Micros } from '../../../../db/ranking/ground.ts';
import { rankingText } from '../../../../db/ranking/indexes/text/index.ts';
import { VectorsView } from '../../../../db/ranking/indexes/vectors/vectors-view.ts';
import { SignalsEncoder } from '../../../../db/ranking/kernel/index.ts';
import { rankingSignals } from '../../../../db/ranking/signals/index.ts';
import { START, type Step } from '../../../../db/sim/ranking-life.ts';
import { MemoryParts, RankingLog } from '../entities/ranking-log.ts';

const CONTEXT: ViewContext = { logId: new Uint8Array(16).fill(7), folder: null };

/** Few enough that cohorts come to count a sample. */
const CELLS_MAX = 1_000;

/** As the database has them, but that graphs are made of few vectors already, and cohorts have little room. */
const CREATE = {
  entities: () => rankingEntities.create(CONTEXT),
  duplicates: () => rankingDuplicates.create(CONTEXT),
  signals: () => rankingSignals.create(CONTEXT),
  cohorts: () => new CohortsView(CELLS_MAX),
  audience: () => rankingAudience.create(CONTEXT),
  vectors: () => new VectorsView(CONTEXT, () => ({ graphFrom: 20, sweptFrom: 5 })),
  text: () => rankingText.create(CONTEXT),
};

export type ViewName = keyof typeof CREATE;
export const VIEW_NAMES = Object.keys(CREATE) as readonly ViewName[];

export type Views = RankingViewSet & Readonly<Record<ViewName, Materializer>>;

export function freshViews(): Views {
  return Object.fromEntries(VIEW_NAMES.map((name) => [name, CREATE[name]()])) as unknown as Views;
}

export function applyTo(views: Views, commit: ViewCommit): void {
  for (const name of VIEW_NAMES) views[name].onCommit(commit);
}

export function digestsOf(views: Views): Record<ViewName, string> {
  return Object.fromEntries(VIEW_NAMES.map((name) => [name, views[name].digest()])) as Record<
    ViewName,
    string
  >;
}

export function emptyView(name: ViewName): Materializer {
  return CREATE[name]();
}

/** Another instance, made of what this one would save now. */
export function reloaded<Name extends ViewName>(name: Name, view: Views[Name]): Views[Name] {
  const fresh = CREATE[name]();
  fresh.restore(MemoryParts.of(view));
  return fresh as unknown as Views[Name];
}

/** Decides the commands of a history. What is refused leaves nothing. */
export function commitsOf(steps: Iterable<Step>): readonly ViewCommit[] {
  const log = new RankingLog();
  log.now = START;
  for (const step of steps) {
    if (step.step === 'commit') log.commit();
    else if (step.step === 'wait') log.now = (log.now + step.micros) as Micros;
    else if (step.step === 'upkeep')
      log.append([
        { type: KERNEL_ENTRY.rankingSignals, payload: new SignalsEncoder(0).finish(), subject: null },
      ]);
    else {
      try {
        log.write(step.command);
      } catch (error) {
        if (!(error instanceof TruthError) || step.command.command === 'define') throw error;
      }
    }
  }
  return log.commits.filter(({ entries }) => entries.length > 0);
}

/** The time that questions about a commit are asked at. */
export function nowOf({ recordedAt }: ViewCommit): Micros {
  return Number(recordedAt / 1_000n) as Micros;
}
