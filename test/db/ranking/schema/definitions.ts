/** Definitions as parser and builders make them, short to write, and a schema made of some. */
import type {
  AttributeDefinition,
  CohortDefinition,
  Definition,
  EmbeddingDefinition,
  EntityDefinition,
  Permission,
  PredicateDefinition,
  ProfileDefinition,
  RelationshipDefinition,
  ScalarDefinition,
  SignalDefinition,
} from '../../../../db/ranking/schema/definition.ts';
import { DEFINITION_DEFAULTS } from '../../../../db/ranking/schema/definition.ts';
import { define, NO_FACTS, type SchemaFacts, SchemaHistory } from '../../../../db/ranking/schema/index.ts';
import type { AttributeType } from '../../../../db/ranking/schema/model.ts';

export function attribute(
  name: string,
  type: AttributeType,
  more: Partial<AttributeDefinition> = {},
): AttributeDefinition {
  return { name, type, filter: type !== 'text', dimension: false, search: null, computed: null, ...more };
}

export function embedding(name: string, more: Partial<EmbeddingDefinition> = {}): EmbeddingDefinition {
  return { name, dimensions: 4, metric: 'cosine', source: 'given', ...more };
}

export function entity(name: string, more: Partial<EntityDefinition> = {}): EntityDefinition {
  const nothing = { attributes: [], embeddings: [], states: [], creator: null, person: false };
  return { define: 'entity', name, ...nothing, ...more };
}

export function signal(name: string, more: Partial<SignalDefinition> = {}): SignalDefinition {
  const { polarity, decay, windows, weight, lateMicros, cohorts } = DEFINITION_DEFAULTS;
  const target = 'item';
  return {
    define: 'signal',
    name,
    target,
    polarity,
    decay,
    windows,
    weight,
    lateMicros,
    cohorts,
    effects: [],
    ...more,
  };
}

export function relationship(
  name: string,
  more: Partial<RelationshipDefinition> = {},
): RelationshipDefinition {
  const { decay, edgeWeight } = DEFINITION_DEFAULTS;
  return { define: 'relationship', name, from: 'user', to: 'creator', decay, weight: edgeWeight, ...more };
}

export function cohort(name: string, predicate: PredicateDefinition): CohortDefinition {
  return { define: 'cohort', name, predicate, text: `DEFINE COHORT ${name}` };
}

export function profile(name: string, more: Partial<ProfileDefinition> = {}): ProfileDefinition {
  return {
    ...{ define: 'profile', name, kind: 'item', candidates: [], terms: [], gates: [], exploration: null },
    ...{ composition: 'sum', diversity: DEFINITION_DEFAULTS.diversity, pins: [], boosts: [], text: name },
    ...more,
  };
}

export function term(of: ScalarDefinition, label = 'term'): ProfileDefinition['terms'][number] {
  return { stage: 'signals', label, weight: 1, of, normalised: false };
}

export const CREATOR = entity('creator', { attributes: [attribute('name', 'text', { search: 1 })] });

export const ITEM = entity('item', {
  attributes: [
    attribute('category', 'keyword'),
    attribute('tags', 'keywords'),
    attribute('length', 'integer'),
    attribute('rating', 'double'),
    attribute('live', 'boolean'),
    attribute('released', 'timestamp'),
    attribute('title', 'text', { search: 2 }),
  ],
  embeddings: [embedding('content')],
  creator: { name: 'made_by', kind: 'creator' },
});

export const USER = entity('user', {
  attributes: [
    attribute('country', 'keyword', { dimension: true }),
    attribute('age', 'integer', { dimension: true }),
    attribute('premium', 'boolean', { dimension: true }),
    attribute('city', 'keyword'),
  ],
  embeddings: [embedding('content', { source: 'preference' })],
});

export const VIEW = signal('view');
export const LIKE = signal('like', {
  polarity: 'positive',
  decay: { kind: 'exponential', halfLifeMicros: 30 * 86_400_000_000 },
  effects: [
    { effect: 'state', state: 'liked', set: true },
    { effect: 'preference', slot: 'content', rate: 0.1 },
    { effect: 'relationship', relationship: 'affinity', to: 'creator', delta: 0.2, min: 0, max: 10 },
  ],
});

export const AFFINITY = relationship('affinity');

export const FOR_YOU = profile('for_you', {
  candidates: [
    { source: 'top', signal: 'view', measure: { measure: 'velocity', window: '24h' }, limit: 200 },
    { source: 'similar', slot: 'content', to: 'user', limit: 200 },
    { source: 'following', relationship: 'affinity', limit: 100 },
  ],
  terms: [
    term({ scalar: 'name', name: 'like' }, 'likes'),
    term({ scalar: 'name', name: 'rating' }, 'rating'),
  ],
  gates: [{ test: 'compare', attribute: 'category', operator: '<>', value: 'advert' }],
});

export const FRENCH = cohort('french', { test: 'compare', attribute: 'country', operator: '=', value: 'fr' });

export const EVERYTHING: readonly Definition[] = [CREATOR, ITEM, USER, AFFINITY, VIEW, LIKE, FOR_YOU, FRENCH];

/** Applies definitions one after the other. */
export function historyOf(definitions: readonly Definition[], facts: SchemaFacts = NO_FACTS): SchemaHistory {
  const history = new SchemaHistory();
  for (const definition of definitions) change(history, definition, 'safe', facts);
  return history;
}

export function change(
  history: SchemaHistory,
  definition: Definition,
  permission: Permission = 'safe',
  facts: SchemaFacts = NO_FACTS,
): void {
  const defined = define(history.record, definition, permission, facts);
  if (defined.change !== null) history.applyChange(defined.change);
}

/** Many of everything. */
export const MUCH: SchemaFacts = { entities: () => 1_000, signals: () => 1_000_000, edges: () => 500 };
