/** The shapes of definitions (definition.ts) as JSON: what the SDK's builders send over the wire is read with them. */
import type {
  AttributeDefinition,
  CohortDefinition,
  Definition,
  DiversityDefinition,
  DropDefinition,
  EffectDefinition,
  EmbeddingDefinition,
  EntityDefinition,
  MeasureDefinition,
  PredicateDefinition,
  ProfileDefinition,
  RelationshipDefinition,
  ScalarDefinition,
  SignalDefinition,
  SourceDefinition,
  TermDefinition,
} from './definition.ts';
import {
  ATTRIBUTE_TYPES,
  COMPARISONS,
  COMPOSITIONS,
  DEFINITION_KINDS,
  decayShape,
  EMBEDDING_SOURCES,
  ENDS,
  METRICS,
  ORDER_COMPARISONS,
  POLARITIES,
  TERM_STAGES,
  VECTOR_OWNERS,
  weightShape,
} from './model-shapes.ts';
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
  readShape,
  type Shape,
  scalarOf,
  tagged,
  text,
  whole,
} from './shape.ts';

const window = nullable(text);
const measure: Shape<MeasureDefinition> = tagged<MeasureDefinition>('measure', {
  score: object({ measure: constant('score') }),
  count: object({ measure: constant('count'), window }),
  weight: object({ measure: constant('weight'), window }),
  velocity: object({ measure: constant('velocity'), window }),
  acceleration: object({ measure: constant('acceleration'), window }),
  ratio: object({ measure: constant('ratio'), to: text, window }),
});

const scalar: Shape<ScalarDefinition> = later(() => scalars);
const scalars: Shape<ScalarDefinition> = tagged<ScalarDefinition>('scalar', {
  number: object({ scalar: constant('number'), value: number }),
  name: object({ scalar: constant('name'), name: text }),
  attribute: object({ scalar: constant('attribute'), attribute: text }),
  signal: object({ scalar: constant('signal'), signal: text, measure }),
  feature: object({ scalar: constant('feature'), feature: text }),
  relationship: object({ scalar: constant('relationship'), relationship: text, to: oneOf(ENDS) }),
  state: object({ scalar: constant('state'), state: text }),
  similarity: object({ scalar: constant('similarity'), slot: text, with: oneOf(VECTOR_OWNERS) }),
  apply: object({ scalar: constant('apply'), function: text, of: list(scalar) }),
});

const textOrNumber = scalarOf<string | number>('string', 'number');
const predicate: Shape<PredicateDefinition> = later(() => predicates);
const predicates: Shape<PredicateDefinition> = tagged<PredicateDefinition>('test', {
  and: object({ test: constant('and'), of: list(predicate) }),
  or: object({ test: constant('or'), of: list(predicate) }),
  not: object({ test: constant('not'), of: predicate }),
  compare: object({
    test: constant('compare'),
    attribute: text,
    operator: oneOf(COMPARISONS),
    value: scalarOf<string | number | boolean>('string', 'number', 'boolean'),
  }),
  in: object({ test: constant('in'), attribute: text, values: list(textOrNumber) }),
  between: object({ test: constant('between'), attribute: text, low: textOrNumber, high: textOrNumber }),
  has: object({ test: constant('has'), attribute: text, value: nullable(text) }),
  state: object({ test: constant('state'), state: text, set: flag }),
  feature: object({
    test: constant('feature'),
    feature: scalar,
    operator: oneOf(ORDER_COMPARISONS),
    value: number,
  }),
});

const attribute = object<AttributeDefinition>({
  name: text,
  type: oneOf(ATTRIBUTE_TYPES),
  filter: flag,
  dimension: flag,
  search: nullable(number),
  computed: nullable(scalar),
});

const embedding = object<EmbeddingDefinition>({
  name: text,
  dimensions: whole<number>(1),
  metric: oneOf(METRICS),
  source: oneOf(EMBEDDING_SOURCES),
});

const effect: Shape<EffectDefinition> = tagged<EffectDefinition>('effect', {
  state: object({ effect: constant('state'), state: text, set: flag }),
  preference: object({ effect: constant('preference'), slot: text, rate: number }),
  relationship: object({
    effect: constant('relationship'),
    relationship: text,
    to: oneOf(ENDS),
    delta: number,
    min: number,
    max: number,
  }),
});

const limit = whole<number>(1);
const source: Shape<SourceDefinition> = tagged<SourceDefinition>('source', {
  top: object({ source: constant('top'), signal: text, measure, limit }),
  similar: object({ source: constant('similar'), slot: text, to: oneOf(VECTOR_OWNERS), limit }),
  following: object({ source: constant('following'), relationship: text, limit }),
  neighbours: object({ source: constant('neighbours'), limit }),
  text: object({ source: constant('text'), limit }),
  new: object({ source: constant('new'), limit }),
  all: object({ source: constant('all'), limit }),
});

const term = object<TermDefinition>({
  stage: oneOf(TERM_STAGES),
  label: text,
  weight: number,
  of: scalar,
  normalised: flag,
});

const diversity = object<DiversityDefinition>({
  perCreator: nullable(whole<number>(1)),
  perAttribute: list(object({ attribute: text, max: whole<number>(1) })),
  mix: nullable(text),
});

const definition: Shape<Definition> = tagged<Definition>('define', {
  entity: object<EntityDefinition>({
    define: constant('entity'),
    name: text,
    attributes: list(attribute),
    embeddings: list(embedding),
    states: list(text),
    creator: nullable(object({ name: text, kind: text })),
    person: flagOrFalse,
  }),
  signal: object<SignalDefinition>({
    define: constant('signal'),
    name: text,
    target: text,
    polarity: oneOf(POLARITIES),
    decay: decayShape,
    windows: list(text),
    weight: weightShape,
    lateMicros: whole<number>(0),
    cohorts: flag,
    effects: list(effect),
  }),
  relationship: object<RelationshipDefinition>({
    define: constant('relationship'),
    name: text,
    from: text,
    to: text,
    decay: decayShape,
    weight: weightShape,
  }),
  cohort: object<CohortDefinition>({ define: constant('cohort'), name: text, predicate, text }),
  profile: object<ProfileDefinition>({
    define: constant('profile'),
    name: text,
    kind: text,
    candidates: list(source),
    terms: list(term),
    gates: list(predicate),
    exploration: nullable(object({ share: number, withinMicros: whole<number>(1) })),
    composition: oneOf(COMPOSITIONS),
    diversity,
    pins: list(object({ key: text, place: whole<number>(1) })),
    boosts: list(object({ predicate, factor: number })),
    text,
  }),
  drop: object<DropDefinition>({ define: constant('drop'), what: oneOf(DEFINITION_KINDS), name: text }),
});

/** A definition out of parsed JSON. Errors: INVALID_ARGUMENT, with the place. */
export function readDefinition(value: unknown): Definition {
  return readShape(definition, value, 'definition', 'INVALID_ARGUMENT');
}
