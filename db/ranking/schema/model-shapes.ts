/** The shapes of a resolved schema (model.ts) as JSON: what entries and checkpoints are read with. */
import type {
  AttributeId,
  CohortId,
  KindId,
  ProfileId,
  RelationshipId,
  SignalId,
  SlotId,
} from '../ground.ts';
import type { DefinitionKind } from './definition.ts';
import {
  type Attribute,
  type AttributeType,
  type CandidateSource,
  type Cohort,
  type Decay,
  type Diversity,
  type Effect,
  type EmbeddingSlot,
  type EntityKind,
  type Feature,
  type Predicate,
  type Profile,
  type RelationshipType,
  type Scalar,
  type ScalarFunction,
  type SignalMeasure,
  type SignalType,
  type Term,
  USER_ITEM_STATES,
  type WindowName,
} from './model.ts';
import {
  constant,
  flag,
  flagOrFalse,
  later,
  list,
  nullable,
  number,
  object,
  oneOf,
  type Shape,
  scalarOf,
  tagged,
  text,
  whole,
} from './shape.ts';

export const ATTRIBUTE_TYPES = Object.freeze([
  'keyword',
  'keywords',
  'integer',
  'double',
  'boolean',
  'timestamp',
  'text',
] as const satisfies readonly AttributeType[]);
export const WINDOWS = Object.freeze([
  '1h',
  '24h',
  '7d',
  '30d',
  'all',
] as const satisfies readonly WindowName[]);
export const FEATURES = Object.freeze([
  'age_hours',
  'text',
  'neighbours',
  'novelty',
  'fused',
  'random',
  'bucket',
  'idle_hours',
] as const satisfies readonly Feature[]);
export const SCALAR_FUNCTIONS = Object.freeze([
  '+',
  '-',
  '*',
  '/',
  'min',
  'max',
  'clamp',
  'log1p',
  'exp',
  'sqrt',
  'abs',
  'pow',
  'saturate',
  'sigmoid',
  'decay',
  'share',
  'overdispersion',
] as const satisfies readonly ScalarFunction[]);
export const POLARITIES = Object.freeze(['positive', 'negative', 'neutral'] as const);
export const METRICS = Object.freeze(['cosine', 'dot', 'l2'] as const);
export const EMBEDDING_SOURCES = Object.freeze(['given', 'catalogue', 'preference'] as const);
export const TERM_STAGES = Object.freeze([
  'base',
  'personalisation',
  'relationship',
  'signals',
  'recency',
  'penalties',
] as const);
export const COMPOSITIONS = Object.freeze(['sum', 'product'] as const);
export const ENDS = Object.freeze(['creator', 'target'] as const);
export const VECTOR_OWNERS = Object.freeze(['user', 'query'] as const);
export const COMPARISONS = Object.freeze(['=', '<>', '<', '<=', '>', '>='] as const);
export const ORDER_COMPARISONS = Object.freeze(['<', '<=', '>', '>='] as const);
export const DEFINITION_KINDS = Object.freeze([
  'entity',
  'signal',
  'relationship',
  'cohort',
  'profile',
] as const satisfies readonly DefinitionKind[]);

const kindId = whole<KindId>(1);
const attributeId = whole<AttributeId>(1);
const slotId = whole<SlotId>(1);
const signalId = whole<SignalId>(1);
const relationshipId = whole<RelationshipId>(1);
const cohortId = whole<CohortId>(1);
const profileId = whole<ProfileId>(1);
const window = oneOf(WINDOWS);

export const decayShape: Shape<Decay> = tagged<Decay>('kind', {
  none: object({ kind: constant('none') }),
  exponential: object({ kind: constant('exponential'), halfLifeMicros: whole(1) }),
  linear: object({ kind: constant('linear'), lifetimeMicros: whole(1) }),
});

export const weightShape = object({ min: number, max: number, default: number });

const measure: Shape<SignalMeasure> = tagged<SignalMeasure>('measure', {
  score: object({ measure: constant('score') }),
  count: object({ measure: constant('count'), window }),
  weight: object({ measure: constant('weight'), window }),
  velocity: object({ measure: constant('velocity'), window }),
  acceleration: object({ measure: constant('acceleration'), window }),
  ratio: object({ measure: constant('ratio'), to: signalId, window }),
});

const scalar: Shape<Scalar> = later(() => scalars);
const scalars: Shape<Scalar> = tagged<Scalar>('scalar', {
  number: object({ scalar: constant('number'), value: number }),
  attribute: object({ scalar: constant('attribute'), attribute: attributeId }),
  signal: object({ scalar: constant('signal'), signal: signalId, measure }),
  feature: object({ scalar: constant('feature'), feature: oneOf(FEATURES) }),
  relationship: object({ scalar: constant('relationship'), relationship: relationshipId, to: oneOf(ENDS) }),
  state: object({ scalar: constant('state'), state: oneOf(USER_ITEM_STATES) }),
  similarity: object({ scalar: constant('similarity'), slot: slotId, with: oneOf(VECTOR_OWNERS) }),
  apply: object({ scalar: constant('apply'), function: oneOf(SCALAR_FUNCTIONS), of: list(scalar) }),
});

const predicate: Shape<Predicate> = later(() => predicates);
const predicates: Shape<Predicate> = tagged<Predicate>('test', {
  and: object({ test: constant('and'), of: list(predicate) }),
  or: object({ test: constant('or'), of: list(predicate) }),
  not: object({ test: constant('not'), of: predicate }),
  compare: object({
    test: constant('compare'),
    attribute: attributeId,
    operator: oneOf(COMPARISONS),
    value: scalarOf<string | number | boolean>('string', 'number', 'boolean'),
  }),
  in: object({
    test: constant('in'),
    attribute: attributeId,
    values: list(scalarOf<string | number>('string', 'number')),
  }),
  between: object({ test: constant('between'), attribute: attributeId, low: number, high: number }),
  has: object({ test: constant('has'), attribute: attributeId, value: nullable(text) }),
  state: object({ test: constant('state'), state: oneOf(USER_ITEM_STATES), set: flag }),
  feature: object({
    test: constant('feature'),
    feature: scalar,
    operator: oneOf(ORDER_COMPARISONS),
    value: number,
  }),
});

const attribute = object<Attribute>({
  id: attributeId,
  name: text,
  type: oneOf(ATTRIBUTE_TYPES),
  filter: flag,
  dimension: flag,
  search: nullable(object({ weight: number })),
  computed: nullable(scalar),
});

const embedding = object<EmbeddingSlot>({
  id: slotId,
  name: text,
  dimensions: whole(1),
  metric: oneOf(METRICS),
  source: oneOf(EMBEDDING_SOURCES),
});

export const kindShape = object<EntityKind>({
  id: kindId,
  name: text,
  attributes: list(attribute),
  embeddings: list(embedding),
  states: list(text),
  creator: nullable(object({ name: text, kind: kindId })),
  person: flagOrFalse,
});

const effect: Shape<Effect> = tagged<Effect>('effect', {
  state: object({ effect: constant('state'), state: oneOf(USER_ITEM_STATES), set: flag }),
  preference: object({ effect: constant('preference'), slot: slotId, rate: number }),
  relationship: object({
    effect: constant('relationship'),
    relationship: relationshipId,
    to: oneOf(ENDS),
    delta: number,
    min: number,
    max: number,
  }),
});

export const signalShape = object<SignalType>({
  id: signalId,
  name: text,
  target: kindId,
  polarity: oneOf(POLARITIES),
  decay: decayShape,
  windows: list(window),
  weight: weightShape,
  lateMicros: whole(0),
  cohorts: flag,
  effects: list(effect),
});

export const relationshipShape = object<RelationshipType>({
  id: relationshipId,
  name: text,
  from: kindId,
  to: kindId,
  decay: decayShape,
  weight: weightShape,
});

export const cohortShape = object<Cohort>({ id: cohortId, name: text, version: whole(1), predicate, text });

const limit = whole(1);
const source: Shape<CandidateSource> = tagged<CandidateSource>('source', {
  top: object({ source: constant('top'), signal: signalId, measure, limit }),
  similar: object({ source: constant('similar'), slot: slotId, to: oneOf(VECTOR_OWNERS), limit }),
  following: object({ source: constant('following'), relationship: relationshipId, limit }),
  neighbours: object({ source: constant('neighbours'), limit }),
  text: object({ source: constant('text'), limit }),
  new: object({ source: constant('new'), limit }),
  all: object({ source: constant('all'), limit }),
});

const term = object<Term>({
  stage: oneOf(TERM_STAGES),
  label: text,
  weight: number,
  of: scalar,
  normalised: flag,
});

const diversity = object<Diversity>({
  perCreator: nullable(whole(1)),
  perAttribute: list(object({ attribute: attributeId, max: whole(1) })),
  mix: nullable(attributeId),
});

export const profileShape = object<Profile>({
  id: profileId,
  name: text,
  version: whole(1),
  kind: kindId,
  candidates: list(source),
  terms: list(term),
  gates: list(predicate),
  exploration: nullable(object({ share: number, withinMicros: whole(1) })),
  composition: oneOf(COMPOSITIONS),
  diversity,
  pins: list(object({ key: text, place: whole(1) })),
  boosts: list(object({ predicate, factor: number })),
  text,
});
