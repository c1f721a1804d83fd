/** Everything that can be asked, and the answers as bytes: the same views at the same position and time give the same. */
import { type RankingViewSet, tenantRanking } from '../../../../db/engine/ranking-views.ts';
import { TruthError } from '../../../../db/errors.ts';
import type { Micros } from '../../../../db/ranking/ground.ts';
import { type BindInput, bindQuery, bindSuggest } from '../../../../db/ranking/retrieve/bind/index.ts';
import { type QueryLimits, Retriever } from '../../../../db/ranking/retrieve/index.ts';
import { parse } from '../../../../db/ranking/retrieve/language/index.ts';
import { SORT_MODES } from '../../../../db/ranking/retrieve/language/words.ts';
import { BUILT_IN_PROFILES } from '../../../../db/ranking/retrieve/profiles/index.ts';
import { DIMENSIONS } from '../../../../db/sim/ranking-life.ts';
import { TENANT_DEFAULT } from '../../../../db/types.ts';

const VECTOR = `[${Array.from({ length: DIMENSIONS }, (_, at) => (at % 3) - 0.7).join(', ')}]`;

const QUESTIONS = [
  ...SORT_MODES.map((mode) => `EXPLAIN RETRIEVE items FOR USER @u1 SORT BY ${mode} SEED 3 LIMIT 30`),
  ...BUILT_IN_PROFILES.map((name) => `EXPLAIN RETRIEVE items FOR USER @u2 USING ${name} SEED 5 LIMIT 30`),
  'EXPLAIN RETRIEVE items FOR USER @u0 USING mine SEED 7 LIMIT 40',
  'RETRIEVE items FOR USER @u3 USING mine FILTER unseen, NOT hidden, year >= 1990 OR tags HAS "jazz" DIVERSITY max_per_creator:2',
  'RETRIEVE creators SORT BY rising WINDOW 24h',
  'RETRIEVE users SORT BY new LIMIT 50',
  ...['1h', '24h', '7d', '30d', 'all'].map(
    (window) => `RETRIEVE items WITHIN TRENDING view ${window} LIMIT 20 SELECT title, year, score`,
  ),
  'RETRIEVE items WITHIN COHORT us TRENDING view 24h',
  'RETRIEVE items WITHIN COHORT members 7d',
  "RETRIEVE items WITHIN COHORT (country = 'DE' OR age < 20) TRENDING like 7d LIMIT 30",
  'RETRIEVE items FOR USER @u1 WITHIN FOLLOWING interest SORT BY new',
  'RETRIEVE items RELATED TO @i0 FOR USER @u1 LIMIT 30',
  'RETRIEVE items FOR USER @u1 WITHIN SAVED SORT BY date_saved',
  'RETRIEVE items FOR USER @u1 FILTER view.count(7d) > 1, like.ratio(view, 30d) >= 0, edge(likes_it TO target) > -1',
  'RETRIEVE items FILTER published > "2025-06-01", live, score < 1, format:[video, audio] SORT BY alphabetical_asc LIMIT 50',
  'EXPLAIN SEARCH items QUERY "jazz piano" LIMIT 30',
  'SEARCH items QUERY "histroies 東京" FILTER year:1900..2001',
  `EXPLAIN SEARCH items VECTOR ${VECTOR} ON embedding LIMIT 30`,
  `SEARCH items QUERY "rust" VECTOR ${VECTOR} ON embedding WITHIN TRENDING view 30d TOP 40`,
  'SEARCH items VECTOR [0.1, -2, 3] ON place FILTER format:video LIMIT 20',
  'SUGGEST items PREFIX "ja" LIMIT 10',
  'SUGGEST creators PREFIX "pia" LIMIT 10',
] as const;

/** Far more than any of them needs, on a clock that stands still. */
const LIMITS: QueryLimits = {
  clock: () => 0,
  deadlineMicros: 1_000_000,
  steps: 1_000_000_000,
  candidates: 20_000,
};

/** Answers and refusals, one line each. */
export function answersOf(views: RankingViewSet, position: number, now: Micros): string[] {
  const retriever = new Retriever();
  return QUESTIONS.map((text) => {
    try {
      return `${text}\n${JSON.stringify(answer(retriever, views, text, position, now))}`;
    } catch (error) {
      if (!(error instanceof TruthError)) throw error;
      return `${text}\n${error.code}: ${error.message}`;
    }
  });
}

function answer(
  retriever: Retriever,
  views: RankingViewSet,
  text: string,
  position: number,
  now: Micros,
): unknown {
  const ranking = tenantRanking(views, TENANT_DEFAULT);
  if (ranking === null) return null;
  const { entities, history } = ranking;
  const input: BindInput = {
    entities,
    parameters: [],
    now,
    profileVersion: (name, version) => history.profile(name, version),
  };
  const statement = parse(text);
  if (statement.statement === 'suggest') {
    const { kind, prefix, limit } = bindSuggest(statement, input);
    return ranking.readers(kind.id)?.text.suggest(kind.id, prefix, limit);
  }
  if (statement.statement !== 'retrieve' && statement.statement !== 'search')
    throw new Error(`no question: ${text}`);
  const query = bindQuery(statement, input);
  const readers = ranking.readers(query.kind.id);
  return readers === null ? null : retriever.answer(query, readers, position, LIMITS);
}
