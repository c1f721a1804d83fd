/** The views of the ranking layer, those of the database and those of a replay, and what queries read of a tenant through them. */
import {
  type Materializer,
  type ViewCommit,
  type ViewContext,
  type ViewDefinition,
  type ViewHandle,
  type ViewsBeside,
  viewCommit,
} from '../materializer/index.ts';
import { type AudienceView, rankingAudience } from '../ranking/audience/index.ts';
import { type CohortsView, rankingCohorts } from '../ranking/cohorts/index.ts';
import { type EntitiesView, rankingDuplicates, rankingEntities } from '../ranking/entities/index.ts';
import type { KindId } from '../ranking/ground.ts';
import { rankingText, type TextView } from '../ranking/indexes/text/index.ts';
import { rankingVectors, type VectorsView } from '../ranking/indexes/vectors/index.ts';
import type { EntityReader, RankingReaders } from '../ranking/reading.ts';
import type { SchemaHistory } from '../ranking/schema/index.ts';
import { rankingSignals, type SignalsView } from '../ranking/signals/index.ts';
import type { TenantId } from '../types.ts';
import type { LogCommit } from '../wal/log.ts';
import { rankingUnavailable } from './ranking-path.ts';

/** What queries read; decisions need the first two, and the window of duplicates. */
export const RANKING_VIEWS: readonly ViewDefinition[] = [
  rankingEntities,
  rankingDuplicates,
  rankingSignals,
  rankingCohorts,
  rankingAudience,
  rankingVectors,
  rankingText,
];

/** Those that questions read: of each tenant that has a schema. */
export const READ_VIEWS: readonly ViewDefinition[] = RANKING_VIEWS.filter(
  (definition) => definition !== rankingDuplicates,
);

/** A tenant's schema with its past, and its readers for questions about one kind of entity. */
export interface TenantRanking {
  readonly entities: EntityReader;
  readonly history: SchemaHistory;
  readers(kind: KindId): RankingReaders | null;
}

export interface RankingViewSet {
  readonly entities: EntitiesView;
  readonly signals: SignalsView;
  readonly cohorts: CohortsView;
  readonly audience: AudienceView;
  readonly vectors: VectorsView;
  readonly text: TextView;
}

/** Null: the tenant has no schema. */
export function tenantRanking(views: RankingViewSet, tenant: TenantId): TenantRanking | null {
  const entities = views.entities.tenant(tenant);
  if (entities === null) return null;
  return {
    entities,
    history: entities.history,
    readers: (kind) => {
      const audience = views.audience.reader(tenant, kind);
      const text = views.text.reader(tenant);
      if (audience === null || text === null) return null;
      const [signals, cohorts, vectors] = [views.signals, views.cohorts, views.vectors].map((view) =>
        view.tenant(tenant),
      ) as [RankingReaders['signals'], RankingReaders['cohorts'], RankingReaders['vectors']];
      return { entities, signals, audience, cohorts, vectors, text };
    },
  };
}

/** The views beside those of the database. They must have been made of `READ_VIEWS`. */
export function viewSetOf(views: ViewsBeside): RankingViewSet {
  return {
    ...{ entities: views.view(rankingEntities), signals: views.view(rankingSignals) },
    ...{ cohorts: views.view(rankingCohorts), audience: views.view(rankingAudience) },
    ...{ vectors: views.view(rankingVectors), text: views.view(rankingText) },
  };
}

/** Looks the views of the database up; a rebuild makes new ones, so they are asked for each time. */
export class LiveRankingViews {
  readonly #handles: { readonly [Name in keyof RankingViewSet]: ViewHandle<RankingViewSet[Name]> };

  constructor(handle: <View extends Materializer>(definition: ViewDefinition<View>) => ViewHandle<View>) {
    this.#handles = {
      entities: handle(rankingEntities),
      signals: handle(rankingSignals),
      cohorts: handle(rankingCohorts),
      audience: handle(rankingAudience),
      vectors: handle(rankingVectors),
      text: handle(rankingText),
    };
  }

  /** Steps of work that the tenant's vectors wait for. */
  due(tenant: TenantId): number {
    const { state, view } = this.#handles.vectors;
    return state === 'live' ? view.due(tenant) : 0;
  }

  /** Errors: VIEW_UNAVAILABLE where one does not follow the log. */
  get views(): RankingViewSet {
    const { entities, signals, cohorts, audience, vectors, text } = this.#handles;
    for (const [name, { state, applied, error }] of Object.entries(this.#handles))
      if (state !== 'live') throw rankingUnavailable(`ranking-${name}`, applied, error ?? state);
    return {
      ...{ entities: entities.view, signals: signals.view, cohorts: cohorts.view },
      ...{ audience: audience.view, vectors: vectors.view, text: text.view },
    };
  }
}

/** Views that begin empty and are given the commits of a log in order, beside those of the database. */
export class ReplayedRankingViews implements RankingViewSet {
  readonly entities: EntitiesView;
  readonly signals: SignalsView;
  readonly cohorts: CohortsView;
  readonly audience: AudienceView;
  readonly vectors: VectorsView;
  readonly text: TextView;

  constructor(logId: Uint8Array) {
    const context: ViewContext = { logId, folder: null };
    this.entities = rankingEntities.create(context);
    this.signals = rankingSignals.create(context);
    this.cohorts = rankingCohorts.create(context);
    this.audience = rankingAudience.create(context);
    this.vectors = rankingVectors.create(context);
    this.text = rankingText.create(context);
  }

  apply(commit: LogCommit): void {
    const seen: ViewCommit = viewCommit(commit);
    this.entities.onCommit(seen);
    this.signals.onCommit(seen);
    this.cohorts.onCommit(seen);
    this.audience.onCommit(seen);
    this.vectors.onCommit(seen);
    this.text.onCommit(seen);
  }
}
