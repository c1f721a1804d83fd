/**
 * Definitions from objects, where whatever is not said is what the language's statement means without it:
 *
 *     defineEntity('item', { attributes: { title: { type: 'text', search: 2 }, format: { type: 'keyword' } } })
 *     defineSignal('view', 'item', { polarity: 'positive', decay: { kind: 'exponential', halfLifeMicros } })
 *     defineProfile('fresh', 'item', { candidates: [{ source: 'new', limit: 500 }], terms: [term('recency', 1, 'decay(age_hours, 24)')] })
 */
import {
  type AttributeDefinition,
  type CohortDefinition,
  DEFINITION_DEFAULTS,
  type EmbeddingDefinition,
  type EntityDefinition,
  type ProfileDefinition,
  type RelationshipDefinition,
  type SignalDefinition,
  type TermDefinition,
} from '../../schema/definition.ts';
import type { AttributeType, TermStage } from '../../schema/model.ts';
import type { Condition } from './ast.ts';
import { isFiltered } from './entity-definition.ts';
import { parseCondition, parseScalar } from './parse.ts';
import { printDefinition } from './print-definition.ts';
import { withValues } from './substitute.ts';

export interface EntityParts {
  readonly attributes: Readonly<Record<string, AttributeParts>>;
  readonly embeddings?: Readonly<
    Record<string, Partial<Omit<EmbeddingDefinition, 'name'>> & Pick<EmbeddingDefinition, 'dimensions'>>
  >;
  readonly creator?: EntityDefinition['creator'];
  readonly states?: readonly string[];
  /** Entities are persons: in an encrypted tenant what is written about one goes when they are erased. */
  readonly person?: boolean;
}

type AttributeParts = { readonly type: AttributeType } & Partial<
  Pick<AttributeDefinition, 'filter' | 'dimension' | 'search'>
> & {
    /** Arithmetic, as text. */
    readonly computed?: string;
  };

/** Errors: INVALID_ARGUMENT for arithmetic that is none. */
export function defineEntity(name: string, parts: EntityParts): EntityDefinition {
  const attributes = Object.entries(parts.attributes).map(([attribute, given]) =>
    attributeOf(attribute, given),
  );
  const embeddings = Object.entries(parts.embeddings ?? {}).map(([embedding, given]) => ({
    name: embedding,
    metric: DEFINITION_DEFAULTS.metric,
    source: DEFINITION_DEFAULTS.embeddingSource,
    ...given,
  }));
  const { creator = null, states = [], person = false } = parts;
  return { define: 'entity', name, attributes, embeddings, creator, states, person };
}

function attributeOf(
  name: string,
  { type, filter, dimension, search, computed }: AttributeParts,
): AttributeDefinition {
  const scalar = computed === undefined ? null : parseScalar(computed);
  return {
    name,
    type,
    filter: filter ?? isFiltered(type, scalar),
    dimension: dimension ?? false,
    search: search ?? null,
    computed: scalar,
  };
}

export function defineSignal(
  name: string,
  target: string,
  parts: Partial<Omit<SignalDefinition, 'define' | 'name' | 'target'>>,
): SignalDefinition {
  const { polarity, decay, windows, weight, lateMicros, cohorts } = DEFINITION_DEFAULTS;
  const usual = { polarity, decay, windows, weight, lateMicros, cohorts, effects: [] };
  return { define: 'signal', name, target, ...usual, ...parts };
}

export function defineRelationship(
  name: string,
  from: string,
  to: string,
  parts: Partial<Pick<RelationshipDefinition, 'decay' | 'weight'>>,
): RelationshipDefinition {
  const { decay, edgeWeight } = DEFINITION_DEFAULTS;
  return { define: 'relationship', name, from, to, decay, weight: edgeWeight, ...parts };
}

/** Errors: INVALID_ARGUMENT for text that is no condition, and for parameters in it. */
export function defineCohort(name: string, who: Condition | string): CohortDefinition {
  const condition = typeof who === 'string' ? parseCondition(who) : who;
  const definition: CohortDefinition = {
    define: 'cohort',
    name,
    predicate: withValues(condition, []),
    text: '',
  };
  return { ...definition, text: printDefinition(definition) };
}

export function defineProfile(
  name: string,
  kind: string,
  parts: Partial<Omit<ProfileDefinition, 'define' | 'name' | 'kind' | 'text'>>,
): ProfileDefinition {
  const { composition, diversity } = DEFINITION_DEFAULTS;
  const usual = { candidates: [], terms: [], gates: [], exploration: null, pins: [], boosts: [] };
  const definition: ProfileDefinition = {
    define: 'profile',
    name,
    kind,
    ...usual,
    composition,
    diversity,
    ...parts,
    text: '',
  };
  return { ...definition, text: printDefinition(definition) };
}

/** One part of a score, its label the arithmetic itself. Errors: INVALID_ARGUMENT for arithmetic that is none. */
export function term(stage: TermStage, weight: number, of: string): TermDefinition {
  return { stage, label: of, weight, of: parseScalar(of), normalised: false };
}

/** The same, brought to 0..1 by the largest among the candidates. */
export function normalisedTerm(stage: TermStage, weight: number, of: string): TermDefinition {
  return { ...term(stage, weight, of), normalised: true };
}
