/**
 * Resolved things out of definitions: names are looked up and ids given. Whether the result makes sense is `check`'s business.
 * Whatever keeps its name keeps its id, as long as it stays the same sort of thing.
 */
import type {
  AttributeId,
  CohortId,
  KindId,
  ProfileId,
  RelationshipId,
  SignalId,
  SlotId,
} from '../ground.ts';
import type { NextIds, SchemaRecord } from './change.ts';
import type {
  AttributeDefinition,
  CohortDefinition,
  EffectDefinition,
  EmbeddingDefinition,
  EntityDefinition,
  ProfileDefinition,
  RelationshipDefinition,
  SignalDefinition,
  SourceDefinition,
} from './definition.ts';
import { DEFINITION_DEFAULTS } from './definition.ts';
import { named, required, USER_KIND, userKind } from './lookup.ts';
import type {
  Attribute,
  CandidateSource,
  Cohort,
  Effect,
  EmbeddingSlot,
  EntityKind,
  Profile,
  RankingSchema,
  RelationshipType,
  SignalType,
  WindowName,
} from './model.ts';
import { WINDOWS } from './model-shapes.ts';
import { checkSchemaName, refusedAt } from './names.ts';
import {
  type NameScope,
  resolveMeasure,
  resolvePredicate,
  resolveScalar,
  stateNamed,
  windowNamed,
} from './resolve.ts';

export function buildKind({ schema, next }: SchemaRecord, given: EntityDefinition): EntityKind {
  const place = `entity ${given.name}`;
  checkSchemaName('entity', given.name);
  const before = named(schema.kinds, given.name);
  const attributes = [
    ...given.attributes,
    ...given.embeddings,
    ...(given.creator === null ? [] : [given.creator]),
  ];
  distinct(
    attributes.map(({ name }) => name),
    `${place}, attribute`,
  );
  distinct(given.states, `${place}, state`);
  const ids = new Ids(next);
  const creator = given.creator && {
    name: given.creator.name,
    kind: kindOfCreator(schema, given, given.creator.kind, place),
  };
  const kind: EntityKind = {
    id: before?.id ?? (next.kind as KindId),
    name: given.name,
    attributes: given.attributes.map((each) => plainAttribute(each, before, ids)),
    embeddings: given.embeddings.map((each) => slot(each, before, ids)),
    states: given.states.length === 0 ? DEFINITION_DEFAULTS.states : given.states,
    creator,
    person: given.person,
  };
  const scope: NameScope = { schema, kind };
  return {
    ...kind,
    attributes: kind.attributes.map((each, index) => computed(scope, each, given.attributes[index]!)),
  };
}

export function buildSignal({ schema, next }: SchemaRecord, given: SignalDefinition): SignalType {
  const place = `signal ${given.name}`;
  checkSchemaName('signal', given.name);
  const target = required(place, 'entity', schema.kinds, given.target);
  const windows = new Set<WindowName>(given.windows.map((name) => windowNamed(name, place)));
  windows.add('all');
  return {
    id: named(schema.signals, given.name)?.id ?? (next.signal as SignalId),
    name: given.name,
    target: target.id,
    polarity: given.polarity,
    decay: given.decay,
    windows: WINDOWS.filter((window) => windows.has(window)),
    weight: given.weight,
    lateMicros: given.lateMicros,
    cohorts: given.cohorts,
    effects: given.effects.map((effect) => effectOf(schema, effect, place)),
  };
}

export function buildRelationship(
  { schema, next }: SchemaRecord,
  given: RelationshipDefinition,
): RelationshipType {
  const place = `relationship ${given.name}`;
  checkSchemaName('relationship', given.name);
  return {
    id: named(schema.relationships, given.name)?.id ?? (next.relationship as RelationshipId),
    name: given.name,
    from: required(place, 'entity', schema.kinds, given.from).id,
    to: required(place, 'entity', schema.kinds, given.to).id,
    decay: given.decay,
    weight: given.weight,
  };
}

export function buildCohort(record: SchemaRecord, given: CohortDefinition): Cohort {
  const { schema, next, cohorts } = record;
  const place = `cohort ${given.name}`;
  checkSchemaName('cohort', given.name);
  const kind = userKind(schema);
  if (kind === null)
    throw refusedAt(place, `cohorts are of the kind ${USER_KIND}`, 'define that entity first');
  return {
    id: named(schema.cohorts, given.name)?.id ?? (next.cohort as CohortId),
    name: given.name,
    version: nextVersion(given.name, schema.cohorts, cohorts),
    predicate: resolvePredicate({ schema, kind }, given.predicate, place),
    text: given.text,
  };
}

export function buildProfile(record: SchemaRecord, given: ProfileDefinition): Profile {
  const { schema, next, profiles } = record;
  const place = `profile ${given.name}`;
  checkSchemaName('profile', given.name);
  const kind = required(place, 'entity', schema.kinds, given.kind);
  const scope: NameScope = { schema, kind };
  const attribute = (name: string, at: string): AttributeId =>
    required(at, `attribute of ${kind.name}`, kind.attributes, name).id;
  return {
    id: named(schema.profiles, given.name)?.id ?? (next.profile as ProfileId),
    name: given.name,
    version: nextVersion(given.name, schema.profiles, profiles),
    kind: kind.id,
    candidates: given.candidates.map((source, index) =>
      sourceOf(scope, source, `${place}, candidates ${index + 1}`),
    ),
    terms: given.terms.map((term, index) => ({
      ...{ stage: term.stage, label: term.label, weight: term.weight, normalised: term.normalised },
      of: resolveScalar(scope, term.of, `${place}, term ${index + 1} (${term.label})`),
    })),
    gates: given.gates.map((gate, index) => resolvePredicate(scope, gate, `${place}, gate ${index + 1}`)),
    exploration: given.exploration,
    composition: given.composition,
    diversity: {
      perCreator: given.diversity.perCreator,
      perAttribute: given.diversity.perAttribute.map(({ attribute: name, max }) => ({
        attribute: attribute(name, `${place}, diversity`),
        max,
      })),
      mix: given.diversity.mix === null ? null : attribute(given.diversity.mix, `${place}, diversity`),
    },
    pins: given.pins,
    boosts: given.boosts.map(({ predicate, factor }, index) => ({
      predicate: resolvePredicate(scope, predicate, `${place}, boost ${index + 1}`),
      factor,
    })),
    text: given.text,
  };
}

/** Gives out ids one after the other. */
class Ids {
  #attribute: number;
  #slot: number;

  constructor({ attribute, slot }: NextIds) {
    this.#attribute = attribute;
    this.#slot = slot;
  }

  attribute(): AttributeId {
    return this.#attribute++ as AttributeId;
  }

  slot(): SlotId {
    return this.#slot++ as SlotId;
  }
}

/** What changes its type is another attribute that has the name of the first. */
function plainAttribute(given: AttributeDefinition, kind: EntityKind | null, ids: Ids): Attribute {
  const before = named(kind?.attributes ?? [], given.name);
  const { name, type, filter, dimension } = given;
  const same =
    before !== null && before.type === type && (before.computed === null) === (given.computed === null);
  const id = same ? before.id : ids.attribute();
  const search = given.search === null ? null : { weight: given.search };
  return { id, name, type, filter: filter && type !== 'text', dimension, search, computed: null };
}

/** Of attributes that are not computed themselves, or each would have to come before the other. */
function computed(scope: NameScope, attribute: Attribute, given: AttributeDefinition): Attribute {
  if (given.computed === null) return attribute;
  const place = `entity ${scope.kind.name}, attribute ${attribute.name}`;
  const attributes = scope.kind.attributes.filter(({ id }) => id !== attribute.id);
  const others: NameScope = { ...scope, kind: { ...scope.kind, attributes } };
  return { ...attribute, computed: resolveScalar(others, given.computed, place) };
}

function slot(given: EmbeddingDefinition, kind: EntityKind | null, ids: Ids): EmbeddingSlot {
  const before = named(kind?.embeddings ?? [], given.name);
  const same =
    before?.dimensions === given.dimensions &&
    before.metric === given.metric &&
    before.source === given.source;
  const { name, dimensions, metric, source } = given;
  return { id: same ? before.id : ids.slot(), name, dimensions, metric, source };
}

function kindOfCreator(schema: RankingSchema, given: EntityDefinition, name: string, place: string): KindId {
  if (name === given.name) throw refusedAt(place, 'it is its own creator', 'name another kind');
  return required(`${place}, creator`, 'entity', schema.kinds, name).id;
}

function effectOf(schema: RankingSchema, given: EffectDefinition, place: string): Effect {
  const at = `${place}, effect ${given.effect}`;
  if (given.effect === 'state')
    return { effect: 'state', state: stateNamed(given.state, at), set: given.set };
  if (given.effect === 'preference') {
    const slots = userKind(schema)?.embeddings ?? [];
    const { id } = required(at, `embedding of ${USER_KIND}`, slots, given.slot);
    return { effect: 'preference', slot: id, rate: given.rate };
  }
  const { to, delta, min, max } = given;
  const { id } = required(at, 'relationship', schema.relationships, given.relationship);
  return { effect: 'relationship', relationship: id, to, delta, min, max };
}

function sourceOf(scope: NameScope, given: SourceDefinition, place: string): CandidateSource {
  const { schema, kind } = scope;
  const { limit } = given;
  if (given.source === 'top') {
    const signal = required(place, 'signal', schema.signals, given.signal);
    const measure = resolveMeasure(scope, signal, given.measure, place);
    return { source: 'top', signal: signal.id, measure, limit };
  }
  if (given.source === 'similar') {
    const { id } = required(place, `embedding of ${kind.name}`, kind.embeddings, given.slot);
    return { source: 'similar', slot: id, to: given.to, limit };
  }
  if (given.source === 'following') {
    const { id } = required(place, 'relationship', schema.relationships, given.relationship);
    return { source: 'following', relationship: id, limit };
  }
  return { source: given.source, limit };
}

interface Versioned {
  readonly name: string;
  readonly version: number;
}

/** A version names one content for good, also when the name was dropped in between. */
function nextVersion(name: string, current: readonly Versioned[], earlier: readonly Versioned[]): number {
  const versions = [...current, ...earlier]
    .filter((each) => each.name === name)
    .map(({ version }) => version);
  return Math.max(0, ...versions) + 1;
}

function distinct(names: readonly string[], place: string): void {
  const seen = new Set<string>();
  for (const name of names) {
    checkSchemaName(place, name);
    if (seen.has(name)) throw refusedAt(place, `${name} is named twice`, 'give each thing its own name');
    seen.add(name);
  }
}
