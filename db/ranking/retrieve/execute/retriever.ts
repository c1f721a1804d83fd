/**
 * Carries queries out, one after the other: plan, candidates, conditions, scores, places, hits. Everything is worked out from
 * what the views say at one position and from the query's own `now` and seed, so the same question has the same answer; the
 * clock only ends what takes too long and tells EXPLAIN how long things took.
 */
import type { EntityNumber } from '../../ground.ts';
import type { RankingReaders } from '../../reading.ts';
import { Trace } from '../explain/index.ts';
import { type Plan, planOf } from '../plan/index.ts';
import type { Query, QueryResult } from '../query.ts';
import {
  arrange,
  type Batch,
  DiversityCounts,
  diversityOf,
  isDiverse,
  Memory,
  type Page,
  Scope,
  Scoring,
} from '../score/index.ts';
import { Base } from './base.ts';
import { Budget, type QueryLimits } from './budget.ts';
import { encodeCursor } from './cursor.ts';
import { explored, freshnessOf } from './exploration.ts';
import { Finder } from './finder.ts';
import { type Gathered, gather } from './gather.ts';
import { hitsOf } from './hits.ts';
import { sift } from './sift.ts';

/** One a thread: it keeps the memory that its queries work in. */
export class Retriever {
  #memory = new Memory(0);

  /**
   * `position`: that of the views. Errors: TIMEOUT with the stage that it was in; what the views throw.
   */
  answer(query: Query, readers: RankingReaders, position: number, limits: QueryLimits): QueryResult {
    if (this.#memory.capacity !== limits.candidates) this.#memory = new Memory(limits.candidates);
    const budget = new Budget(limits);
    const trace = new Trace(limits.clock);
    const scope = Scope.of(query, readers, budget, this.#memory);
    const plan = planOf(query, readers.entities, budget.candidates);
    for (const warning of [...query.warnings, ...plan.ordering.warnings]) scope.warn(warning);
    trace.row('plan', `${plan.ordering.name}; candidates: ${plan.strategy}`, plan.estimate, plan.estimate);
    budget.enter('filter');
    const base = new Base(plan, scope);
    const finder = new Finder(scope, base);
    const gathered = gather(plan, base, finder, scope, trace);
    sift(gathered.batch, plan, scope, trace);
    const page = this.#page(plan, gathered.batch, scope, trace);
    return resultOf(page, gathered, finder, scope, position, trace);
  }

  #page(plan: Plan, batch: Batch, scope: Scope, trace: Trace): ArrangedPage {
    scope.budget.enter('scoring');
    const { exploration } = plan.ordering;
    const fresh = exploration === null ? null : freshnessOf(exploration, batch, scope);
    const scoring = new Scoring(plan.ordering, batch, scope, fresh);
    trace.row('scoring', `${plan.ordering.terms.length} terms`, batch.count, batch.count);
    scope.budget.enter('arranging');
    const page = arrange(
      {
        ids: batch.ids,
        scores: scoring.scores,
        count: batch.count,
        fitting: fittingOf(plan, scope),
        pins: pinsOf(plan, batch, scope),
        exploration:
          exploration === null || fresh === null
            ? null
            : { share: exploration.share, candidates: explored(fresh, scoring.scores, batch, scope) },
        limit: scope.query.limit,
        offset: scope.query.cursor?.offset ?? 0,
      },
      scope.budget,
    );
    const hits = hitsOf(page.hits, batch, scoring, scope);
    scoring.release();
    if (fresh !== null) scope.memory.give(fresh.column);
    trace.row(
      'arranging',
      `places ${page.start + 1} to ${page.start + hits.length}`,
      batch.count,
      hits.length,
    );
    return { ...page, hits, count: batch.count };
  }
}

interface ArrangedPage extends Omit<Page, 'hits'> {
  readonly hits: QueryResult['hits'];
  readonly count: number;
}

function fittingOf(plan: Plan, { query, readers, kind }: Scope): (() => DiversityCounts) | null {
  const diversity = diversityOf(query, plan.ordering.diversity);
  if (!isDiverse(diversity)) return null;
  return () => new DiversityCounts(diversity, query.limit, readers.entities, kind);
}

/** Places of the pinned among the candidates; the first who claims a place has it. */
function pinsOf(plan: Plan, batch: Batch, { readers, kind }: Scope): ReadonlyMap<number, number> {
  const pins = new Map<number, number>();
  for (const { key, place } of plan.ordering.pins) {
    const entity: EntityNumber = readers.entities.numberOf(kind.id, key);
    const at = entity === 0 ? -1 : batch.ids.subarray(0, batch.count).indexOf(entity);
    if (at !== -1 && !pins.has(place) && ![...pins.values()].includes(at)) pins.set(place, at);
  }
  return pins;
}

function resultOf(
  { hits, start, more, count }: ArrangedPage,
  { missed }: Gathered,
  finder: Finder,
  scope: Scope,
  position: number,
  trace: Trace,
): QueryResult {
  const { query, now, seed } = scope;
  if (query.cursor !== null && query.cursor.position !== position) {
    scope.warn(
      `the cursor is of position ${query.cursor.position} and the answer of ${position}: pages may overlap or leave something out`,
    );
  }
  const cursor = more ? encodeCursor({ position, now, seed, offset: start + hits.length }) : null;
  return Object.freeze({
    hits,
    cursor,
    total: count + missed,
    estimated: finder.estimated,
    bound: finder.bound,
    position,
    now,
    plan: query.explain ? trace.rows : [],
    warnings: scope.warnings,
  });
}
