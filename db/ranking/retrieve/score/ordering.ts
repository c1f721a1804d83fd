import type {
  CandidateSource,
  Diversity,
  EntityKind,
  Predicate,
  Profile,
  RankingSchema,
} from '../../schema/model.ts';
import type { Query } from '../query.ts';
import type { MeasuredTerm } from './measure.ts';
import { compile, type Program } from './program.ts';
import { type Sort, sortOf } from './sort-modes.ts';

/** How candidates are found, weighed and put in order: a profile's way, or a sort mode's. */
export interface Ordering {
  /** As EXPLAIN calls it. */
  readonly name: string;
  readonly terms: readonly MeasuredTerm[];
  /** Works out the terms, in their order. */
  readonly program: Program;
  readonly composition: Profile['composition'];
  readonly boosts: Profile['boosts'];
  readonly exploration: Profile['exploration'];
  readonly pins: Profile['pins'];
  readonly gates: readonly Predicate[];
  readonly diversity: Diversity;
  readonly sources: readonly CandidateSource[];
  /** What the schema lacks of what was asked for. */
  readonly warnings: readonly string[];
}

interface CompiledSort {
  readonly sort: Sort;
  readonly program: Program;
}

/** By kind too: what its computed attributes mean is worked into an ordering. */
const ofProfiles = new WeakMap<EntityKind, WeakMap<Profile, Ordering>>();
const ofSorts = new WeakMap<RankingSchema, Map<string, CompiledSort>>();
const NO_DIVERSITY: Diversity = Object.freeze({
  perCreator: null,
  perAttribute: Object.freeze([]),
  mix: null,
});

/** Made once for a profile, and once for a sort mode of a schema. */
export function orderingOf(query: Query, schema: RankingSchema): Ordering {
  return query.sort === null ? ofProfile(query.profile, query.kind) : ofSort(query, query.sort, schema);
}

function ofProfile(profile: Profile, kind: EntityKind): Ordering {
  let orderings = ofProfiles.get(kind);
  if (orderings === undefined) {
    orderings = new WeakMap();
    ofProfiles.set(kind, orderings);
  }
  const known = orderings.get(profile);
  if (known !== undefined) return known;
  const terms = [...profile.terms].sort((one, other) => STAGE_ORDER[one.stage] - STAGE_ORDER[other.stage]);
  const ordering = Object.freeze({
    name: `profile ${profile.name} v${profile.version}`,
    terms,
    program: compile(
      terms.map(({ of }) => of),
      kind,
    ),
    composition: profile.composition,
    boosts: profile.boosts,
    exploration: profile.exploration,
    pins: profile.pins,
    gates: profile.gates,
    diversity: profile.diversity,
    sources: profile.candidates,
    warnings: [],
  });
  orderings.set(profile, ordering);
  return ordering;
}

/** Contributions are added in the order of the stages; within one, in that of the profile. */
const STAGE_ORDER: Readonly<Record<MeasuredTerm['stage'], number>> = Object.freeze({
  base: 0,
  personalisation: 1,
  relationship: 2,
  signals: 3,
  recency: 4,
  penalties: 5,
});

/** A sort mode has its own sources and terms; of the profile, what must not be shown stays hidden. */
function ofSort(query: Query, mode: NonNullable<Query['sort']>, schema: RankingSchema): Ordering {
  const { sort, program } = compiledSort(query, mode, schema);
  return Object.freeze({
    name: `sort ${mode}`,
    terms: sort.terms,
    program,
    composition: 'sum',
    boosts: [],
    exploration: null,
    pins: [],
    gates: [...query.profile.gates, ...sort.gates],
    diversity: NO_DIVERSITY,
    sources: sort.sources,
    warnings: sort.warnings,
  });
}

function compiledSort(
  { kind, window, verb }: Query,
  mode: NonNullable<Query['sort']>,
  schema: RankingSchema,
): CompiledSort {
  let sorts = ofSorts.get(schema);
  if (sorts === undefined) {
    sorts = new Map();
    ofSorts.set(schema, sorts);
  }
  const key = [mode, kind.id, window, verb].join(' ');
  const known = sorts.get(key);
  if (known !== undefined) return known;
  const sort = sortOf(mode, { schema, kind, window, verb });
  const measures = sort.terms.map(({ of }) => of);
  const compiled = { sort, program: compile(measures, kind) };
  sorts.set(key, compiled);
  return compiled;
}
