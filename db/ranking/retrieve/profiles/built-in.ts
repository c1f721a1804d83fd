import { TruthError } from '../../../errors.ts';
import type { ProfileId } from '../../ground.ts';
import type {
  CandidateSource,
  Diversity,
  EntityKind,
  Profile,
  RankingSchema,
  Scalar,
  Term,
} from '../../schema/model.ts';
import type { SortMode } from '../query.ts';
import { type Measure, number } from '../score/measure.ts';
import { approvalSignal, attentionSignal } from '../score/roles.ts';
import { sortOf } from '../score/sort-modes.ts';
import { trendOf, velocityWithin } from '../score/trend.ts';
import { followed } from './followed.ts';
import { forYou } from './for-you.ts';
import { decayOfAge, feature, type Recipe, termOf } from './parts.ts';

/** Names of the profiles that every schema has; one that is defined under such a name takes its place. */
export const BUILT_IN_PROFILES = Object.freeze([
  'for_you',
  'trending',
  'search',
  'related',
  'following',
  'new',
  'hot',
  'rising',
  'top_day',
  'top_week',
  'top_month',
  'top_all_time',
  'hidden_gems',
  'controversial',
  'most_liked',
  'shuffle',
] as const);

export type BuiltInName = (typeof BUILT_IN_PROFILES)[number];

const NO_DIVERSITY: Diversity = Object.freeze({
  perCreator: null,
  perAttribute: Object.freeze([]),
  mix: null,
});

const made = new WeakMap<RankingSchema, Map<string, Profile>>();

export function isBuiltIn(name: string): name is BuiltInName {
  return (BUILT_IN_PROFILES as readonly string[]).includes(name);
}

/**
 * A profile made of what the schema has for entities of a kind; the same object for the same schema. Errors: NOT_FOUND for a name
 * that no built-in profile has.
 */
export function builtInProfile(name: string, schema: RankingSchema, kind: EntityKind): Profile {
  if (!isBuiltIn(name)) {
    throw new TruthError(
      'NOT_FOUND',
      `no profile '${name}' is built in: there are ${BUILT_IN_PROFILES.join(', ')}; DEFINE PROFILE makes others`,
    );
  }
  let profiles = made.get(schema);
  if (profiles === undefined) {
    profiles = new Map();
    made.set(schema, profiles);
  }
  const key = `${name} ${kind.id}`;
  const known = profiles.get(key);
  if (known !== undefined) return known;
  const profile = Object.freeze({
    id: 0 as ProfileId,
    name,
    version: 0,
    kind: kind.id,
    ...recipeOf(name, schema, kind),
    composition: 'sum' as const,
    diversity: NO_DIVERSITY,
    pins: Object.freeze([]),
    boosts: Object.freeze([]),
    text: `built in: ${name}`,
  });
  profiles.set(key, profile);
  return profile;
}

function recipeOf(name: BuiltInName, schema: RankingSchema, kind: EntityKind): Recipe {
  switch (name) {
    case 'for_you':
      return forYou(schema, kind);
    case 'search':
      return search(schema, kind);
    case 'related':
      return related(schema, kind);
    case 'following':
      return following(schema, kind);
    case 'top_day':
      return ofSort('top_today', schema, kind);
    default:
      return ofSort(name, schema, kind);
  }
}

/** Text, vector and what is wanted these days, by reciprocal ranks. */
function search(schema: RankingSchema, kind: EntityKind): Recipe {
  const attention = attentionSignal(schema, kind);
  const candidates: CandidateSource[] = [
    { source: 'text', limit: 1_000 },
    ...kind.embeddings.map(
      (slot): CandidateSource => ({ source: 'similar', slot: slot.id, to: 'query', limit: 500 }),
    ),
  ];
  if (attention !== undefined) {
    const measure = velocityWithin(attention, '7d');
    candidates.push({ source: 'top', signal: attention.id, measure, limit: 1_000 });
  }
  const terms = [
    termOf('base', 'place by text, vector and velocity', 1, feature('fused')),
    // Places alone do not tell a hit that says it all from one that says a little of it.
    termOf('base', 'how well the text fits', 0.5, feature('text')),
  ];
  return { candidates, terms, gates: [], exploration: null };
}

/** What goes with an item for people, then what is like it. */
function related(schema: RankingSchema, kind: EntityKind): Recipe {
  const attention = attentionSignal(schema, kind);
  const terms = [
    termOf('personalisation', 'goes with it', 1, feature('neighbours')),
    termOf('base', 'place by what goes with it and what is like it', 0.5, feature('fused')),
  ];
  if (attention !== undefined) {
    terms.push(termOf('signals', `trend of ${attention.name}`, 0.05, trendOf(attention, '7d')));
  }
  const candidates: CandidateSource[] = [
    { source: 'neighbours', limit: 500 },
    ...kind.embeddings.map(
      (slot): CandidateSource => ({ source: 'similar', slot: slot.id, to: 'user', limit: 200 }),
    ),
  ];
  return { candidates, terms, gates: [], exploration: null };
}

/** What those made whom the user follows: young, from whom they like best, wanted by others. */
function following(schema: RankingSchema, kind: EntityKind): Recipe {
  const ways = followed(schema, kind);
  const terms: Term[] = ways.map(({ relationship, to }) =>
    termOf('relationship', `how much the user cares (${relationship.name})`, 0.3, {
      scalar: 'relationship',
      relationship: relationship.id,
      to,
    }),
  );
  const approval = approvalSignal(schema, kind);
  if (approval !== undefined) {
    terms.push(termOf('signals', `trend of ${approval.name}`, 0.2, trendOf(approval, '24h')));
  }
  terms.push(termOf('recency', 'young', 1, decayOfAge(48)));
  const candidates = ways.map(
    ({ relationship }): CandidateSource => ({
      source: 'following',
      relationship: relationship.id,
      limit: 1_000,
    }),
  );
  return { candidates, terms, gates: [], exploration: null };
}

/** A sort mode as a profile. */
function ofSort(mode: SortMode, schema: RankingSchema, kind: EntityKind): Recipe {
  const sort = sortOf(mode, { schema, kind, window: null, verb: 'retrieve' });
  const terms = sort.terms.map((term): Term => ({ ...term, of: scalarOf(term.of) }));
  return { candidates: sort.sources, terms, gates: sort.gates, exploration: null };
}

/** None of the modes that are profiles asks for more than a schema can say. */
function scalarOf(measure: Measure): Scalar {
  return measure.scalar === 'place' || measure.scalar === 'touched' ? number(0) : measure;
}
