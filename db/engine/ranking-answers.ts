/** Answers questions out of ranking views that stand at one position, whoever keeps them: each has a budget of time and steps. */
import { TruthError } from '../errors.ts';
import type { Clock } from '../io/index.ts';
import type { KindId, Micros } from '../ranking/ground.ts';
import { type BindInput, bindQuery, bindSuggest } from '../ranking/retrieve/bind/index.ts';
import { type QueryLimits, Retriever } from '../ranking/retrieve/index.ts';
import type { Parameters, QueryStatement, SuggestStatement } from '../ranking/retrieve/language/index.ts';
import type { QueryResult } from '../ranking/retrieve/query.ts';
import type { Sequence, TenantId } from '../types.ts';
import { type RankingViewSet, type TenantRanking, tenantRanking } from './ranking-views.ts';

const DEADLINE_MICROS = 1_000_000;
const STEPS = 50_000_000;
const CANDIDATES = 20_000;
const NANOS_PER_MICRO = 1_000;

/** Plain values only: it goes to threads. */
export interface RankingQuestion {
  readonly tenant: TenantId;
  readonly statement: QueryStatement | SuggestStatement;
  readonly parameters: Parameters;
}

export type RankingFound =
  | { readonly answer: 'hits'; readonly result: QueryResult }
  | {
      readonly answer: 'suggestions';
      readonly suggestions: readonly {
        readonly text: string;
        readonly weight: number;
        readonly typos: number;
      }[];
      readonly position: Sequence;
    };

export class RankingAnswers {
  readonly #retriever = new Retriever();
  readonly #limits: QueryLimits;

  constructor(clock: Pick<Clock, 'monotonicNanos'>) {
    this.#limits = {
      clock: () => Number(clock.monotonicNanos()) / NANOS_PER_MICRO,
      deadlineMicros: DEADLINE_MICROS,
      steps: STEPS,
      candidates: CANDIDATES,
    };
  }

  /** Errors: NOT_FOUND where the tenant has defined nothing, those of the binder and of the executor. */
  answer(
    views: RankingViewSet,
    { tenant, statement, parameters }: RankingQuestion,
    { position, now }: { readonly position: Sequence; readonly now: Micros },
  ): RankingFound {
    const ranking = required(tenantRanking(views, tenant));
    const { entities, history } = ranking;
    const input: BindInput = {
      ...{ entities, parameters, now },
      profileVersion: (name, version) => history.profile(name, version),
    };
    if (statement.statement === 'suggest') {
      const { kind, prefix, limit } = bindSuggest(statement, input);
      const suggestions = readersOf(ranking, kind.id).text.suggest(kind.id, prefix, limit);
      return { answer: 'suggestions', suggestions, position };
    }
    const query = bindQuery(statement, input);
    const readers = readersOf(ranking, query.kind.id);
    return { answer: 'hits', result: this.#retriever.answer(query, readers, position, this.#limits) };
  }
}

function readersOf(ranking: TenantRanking, kind: KindId): NonNullable<ReturnType<TenantRanking['readers']>> {
  return required(ranking.readers(kind));
}

function required<T>(ranking: T | null): T {
  if (ranking !== null) return ranking;
  throw new TruthError(
    'NOT_FOUND',
    'nothing has been defined to rank yet; begin with DEFINE ENTITY item (…), which docs/ranking.md shows',
  );
}
