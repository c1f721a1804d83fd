/**
 * What one would have to say to get a thing of the schema again: ids back to names, the other way round than build and resolve.
 * Conditions are not turned back, because cohorts and profiles keep the text that they were defined by.
 */
import { TruthError } from '../../errors.ts';
import type {
  AttributeDefinition,
  EffectDefinition,
  EntityDefinition,
  MeasureDefinition,
  RelationshipDefinition,
  ScalarDefinition,
  SignalDefinition,
} from './definition.ts';
import { attributeById, kindById, relationshipById, signalById, slotById, userKind } from './lookup.ts';
import type {
  Attribute,
  Effect,
  EntityKind,
  RankingSchema,
  RelationshipType,
  Scalar,
  SignalMeasure,
  SignalType,
} from './model.ts';

export function entityDefinition(schema: RankingSchema, kind: EntityKind): EntityDefinition {
  const { name, attributes, embeddings, states, creator, person } = kind;
  return {
    ...{ define: 'entity', name, states, person },
    attributes: attributes.map((attribute) => attributeDefinition(schema, kind, attribute)),
    embeddings: embeddings.map(({ id, ...given }) => given),
    creator: creator === null ? null : { name: creator.name, kind: kindName(schema, creator.kind) },
  };
}

export function signalDefinition(schema: RankingSchema, signal: SignalType): SignalDefinition {
  const { id, target, effects, ...rest } = signal;
  return {
    ...{ ...rest, define: 'signal', target: kindName(schema, target) },
    effects: effects.map((effect) => effectDefinition(schema, effect)),
  };
}

export function relationshipDefinition(
  schema: RankingSchema,
  { name, from, to, decay, weight }: RelationshipType,
): RelationshipDefinition {
  const ends = { from: kindName(schema, from), to: kindName(schema, to) };
  return { define: 'relationship', name, ...ends, decay, weight };
}

function attributeDefinition(
  schema: RankingSchema,
  kind: EntityKind,
  { name, type, filter, dimension, search, computed }: Attribute,
): AttributeDefinition {
  return {
    ...{ name, type, filter, dimension, search: search === null ? null : search.weight },
    computed: computed === null ? null : scalarDefinition(schema, kind, computed),
  };
}

function effectDefinition(schema: RankingSchema, effect: Effect): EffectDefinition {
  switch (effect.effect) {
    case 'state':
      return effect;
    case 'preference': {
      const users = userKind(schema);
      const slot = users === null ? null : slotById(users, effect.slot);
      return { effect: 'preference', slot: nameOf(slot), rate: effect.rate };
    }
    case 'relationship':
      return { ...effect, relationship: nameOf(relationshipById(schema, effect.relationship)) };
  }
}

function scalarDefinition(schema: RankingSchema, kind: EntityKind, scalar: Scalar): ScalarDefinition {
  switch (scalar.scalar) {
    case 'number':
    case 'feature':
    case 'state':
      return scalar;
    case 'attribute':
      return { scalar: 'attribute', attribute: nameOf(attributeById(kind, scalar.attribute)) };
    case 'signal':
      return {
        ...{ scalar: 'signal', signal: nameOf(signalById(schema, scalar.signal)) },
        measure: measureDefinition(schema, scalar.measure),
      };
    case 'relationship':
      return { ...scalar, relationship: nameOf(relationshipById(schema, scalar.relationship)) };
    case 'similarity':
      return { ...scalar, slot: nameOf(slotById(kind, scalar.slot)) };
    case 'apply':
      return { ...scalar, of: scalar.of.map((each) => scalarDefinition(schema, kind, each)) };
  }
}

function measureDefinition(schema: RankingSchema, measure: SignalMeasure): MeasureDefinition {
  if (measure.measure !== 'ratio') return measure;
  return { ...measure, to: nameOf(signalById(schema, measure.to)) };
}

function kindName(schema: RankingSchema, id: EntityKind['id']): string {
  return nameOf(kindById(schema, id));
}

/** Only behind a gap of the log is anything named that there is not. */
function nameOf(thing: { readonly name: string } | null): string {
  if (thing !== null) return thing.name;
  throw new TruthError(
    'CORRUPT',
    'the schema names what it does not have; the log may lack entries: run `truthdb wal verify`',
  );
}
