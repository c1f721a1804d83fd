import type { EntityReader } from '../../reading.ts';
import type { CandidateSource, Predicate, Scalar } from '../../schema/model.ts';
import type { Query } from '../query.ts';
import { type Ordering, orderingOf } from '../score/ordering.ts';
import { type Conditions, conditionsOf } from './conditions.ts';

/** How the candidates of a query are found. */
export type Strategy =
  /** The clauses of WITHIN, the innermost first. */
  | 'within'
  /** What the text and the vector of a SEARCH find, within what the rest leaves. */
  | 'search'
  /** Everything that passes the conditions: exact, since nothing else could have won. */
  | 'all'
  /** The profile's sources, merged. */
  | 'sources';

export interface Plan {
  readonly strategy: Strategy;
  readonly ordering: Ordering;
  readonly conditions: Conditions;
  /** How many entities pass the conditions on attributes, about. */
  readonly estimate: number;
  readonly sources: readonly CandidateSource[];
  /** Whether places in lists are asked for, so that they have to be worked out where candidates are known without. */
  readonly usesPlaces: boolean;
}

/** Where no more than this could be candidates, all are: that costs no more than the sources would. */
const SMALL_MAX = 1_000;

/**
 * Sources that are a way to find what the terms would put first, so that looking at everything does as well. The others say what
 * belongs to the answer at all: what the user follows, what a text is found in, what goes with an item.
 */
const OPEN: readonly CandidateSource['source'][] = Object.freeze(['top', 'new', 'all']);

/** Of items that few have seen, for the places that are kept for them. */
const EXPLORED_LIMIT = 200;

/** Decides how a query is carried out. `candidatesMax`: how many can be scored. */
export function planOf(query: Query, entities: EntityReader, candidatesMax: number): Plan {
  const ordering = orderingOf(query, entities.schema);
  const predicates = query.filter === null ? ordering.gates : [query.filter, ...ordering.gates];
  const asked = query.within.flatMap((clause) => (clause.clause === 'state' ? [clause.state] : []));
  const conditions = conditionsOf(predicates, asked, query.kind);
  const active = entities.active(query.kind.id).size;
  const estimate =
    conditions.attributes === null
      ? active
      : Math.min(active, entities.estimate(query.kind.id, conditions.attributes));
  return Object.freeze({
    strategy: strategyOf(query, conditions, ordering, estimate, candidatesMax),
    ordering,
    conditions,
    estimate,
    sources: sourcesOf(query, ordering),
    usesPlaces:
      ordering.program.usesPlaces ||
      [...conditions.features, ...ordering.boosts.map(({ predicate }) => predicate)].some(asksForPlaces),
  });
}

function strategyOf(
  query: Query,
  { attributes, owned }: Conditions,
  ordering: Ordering,
  estimate: number,
  candidatesMax: number,
): Strategy {
  if (query.verb === 'search' && (query.text !== null || query.vector !== null)) return 'search';
  if (query.within.length > 0) return 'within';
  const exact = owned.length > 0 || estimate <= (attributes === null ? SMALL_MAX : candidatesMax);
  const open = ordering.sources.some(({ source }) => OPEN.includes(source));
  if (open && exact) return 'all';
  return ordering.sources.some(({ source }) => source === 'all') ? 'all' : 'sources';
}

function sourcesOf(query: Query, { sources, exploration }: Ordering): readonly CandidateSource[] {
  const usable = sources.filter(
    (source) =>
      (source.source !== 'text' || query.text !== null) &&
      (source.source !== 'similar' || source.to !== 'query' || query.vector !== null) &&
      (source.source !== 'neighbours' || query.user !== 0),
  );
  if (exploration === null || usable.some(({ source }) => source === 'new')) return usable;
  return [...usable, { source: 'new', limit: EXPLORED_LIMIT }];
}

function asksForPlaces(predicate: Predicate): boolean {
  switch (predicate.test) {
    case 'and':
    case 'or':
      return predicate.of.some(asksForPlaces);
    case 'not':
      return asksForPlaces(predicate.of);
    case 'feature':
      return isMadeOfPlaces(predicate.feature);
    default:
      return false;
  }
}

function isMadeOfPlaces(scalar: Scalar): boolean {
  if (scalar.scalar === 'apply') return scalar.of.some(isMadeOfPlaces);
  return scalar.scalar === 'feature' && scalar.feature === 'fused';
}
