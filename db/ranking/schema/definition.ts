/**
 * What somebody says a schema should be, before it has been looked at: the parser makes it of text, the SDK's builders make it
 * directly. Names are names, durations are microseconds, nothing has been resolved or checked; `define` does that.
 */
import type { AttributeType, Decay, Polarity, TermStage, UserItemState } from './model.ts';

export type Definition =
  | EntityDefinition
  | SignalDefinition
  | RelationshipDefinition
  | CohortDefinition
  | ProfileDefinition
  | DropDefinition;

/** What is defined by a name of its own. */
export type DefinitionKind = 'entity' | 'signal' | 'relationship' | 'cohort' | 'profile';

/**
 * How far a change may go. `safe`: only where nothing that is there is lost or reinterpreted. `rebuild`: views may have to be
 * worked out anew, and values of removed attributes go. `cascade`: that, and what uses a dropped thing is dropped with it.
 */
export type Permission = 'safe' | 'rebuild' | 'cascade';

/** A definition as a statement: what to do, how far it may go, and whether only to say what would happen. */
export interface SchemaStatement {
  readonly definition: Definition;
  readonly permission: Permission;
  readonly run: 'apply' | 'dry run';
}

/** New, or in place of the kind of this name: attributes and embeddings keep their ids by name, those not named are removed. */
export interface EntityDefinition {
  readonly define: 'entity';
  readonly name: string;
  readonly attributes: readonly AttributeDefinition[];
  readonly embeddings: readonly EmbeddingDefinition[];
  /** The first is that of a new entity; empty: `active`, `archived`. */
  readonly states: readonly string[];
  /** Name under which an entity says its creator's key, and the creator's kind. */
  readonly creator: { readonly name: string; readonly kind: string } | null;
  /** Entities are persons, who can be erased. */
  readonly person: boolean;
}

export interface AttributeDefinition {
  readonly name: string;
  readonly type: AttributeType;
  readonly filter: boolean;
  readonly dimension: boolean;
  /** Weight in the text index, or null. */
  readonly search: number | null;
  readonly computed: ScalarDefinition | null;
}

export interface EmbeddingDefinition {
  readonly name: string;
  readonly dimensions: number;
  readonly metric: 'cosine' | 'dot' | 'l2';
  readonly source: 'given' | 'catalogue' | 'preference';
}

export interface SignalDefinition {
  readonly define: 'signal';
  readonly name: string;
  /** Name of the kind it is about. */
  readonly target: string;
  readonly polarity: Polarity;
  readonly decay: Decay;
  /** `1h`, `24h`, `7d`, `30d`; `all` is there whether it is named or not. */
  readonly windows: readonly string[];
  readonly weight: WeightDefinition;
  readonly lateMicros: number;
  readonly cohorts: boolean;
  readonly effects: readonly EffectDefinition[];
}

export interface WeightDefinition {
  readonly min: number;
  readonly max: number;
  readonly default: number;
}

export type EffectDefinition =
  | { readonly effect: 'state'; readonly state: string; readonly set: boolean }
  | { readonly effect: 'preference'; readonly slot: string; readonly rate: number }
  | {
      readonly effect: 'relationship';
      readonly relationship: string;
      readonly to: 'creator' | 'target';
      readonly delta: number;
      readonly min: number;
      readonly max: number;
    };

export interface RelationshipDefinition {
  readonly define: 'relationship';
  readonly name: string;
  readonly from: string;
  readonly to: string;
  readonly decay: Decay;
  readonly weight: WeightDefinition;
}

export interface CohortDefinition {
  readonly define: 'cohort';
  readonly name: string;
  readonly predicate: PredicateDefinition;
  /** As it was written. */
  readonly text: string;
}

export interface ProfileDefinition {
  readonly define: 'profile';
  readonly name: string;
  readonly kind: string;
  readonly candidates: readonly SourceDefinition[];
  readonly terms: readonly TermDefinition[];
  readonly gates: readonly PredicateDefinition[];
  readonly exploration: { readonly share: number; readonly withinMicros: number } | null;
  readonly composition: 'sum' | 'product';
  readonly diversity: DiversityDefinition;
  /** `place` counts from 1. */
  readonly pins: readonly { readonly key: string; readonly place: number }[];
  readonly boosts: readonly { readonly predicate: PredicateDefinition; readonly factor: number }[];
  /** As it was written. */
  readonly text: string;
}

export interface TermDefinition {
  readonly stage: TermStage;
  readonly label: string;
  readonly weight: number;
  readonly of: ScalarDefinition;
  readonly normalised: boolean;
}

export interface DiversityDefinition {
  readonly perCreator: number | null;
  readonly perAttribute: readonly { readonly attribute: string; readonly max: number }[];
  readonly mix: string | null;
}

export type SourceDefinition =
  | {
      readonly source: 'top';
      readonly signal: string;
      readonly measure: MeasureDefinition;
      readonly limit: number;
    }
  | {
      readonly source: 'similar';
      readonly slot: string;
      readonly to: 'user' | 'query';
      readonly limit: number;
    }
  | { readonly source: 'following'; readonly relationship: string; readonly limit: number }
  | { readonly source: 'neighbours' | 'text' | 'new' | 'all'; readonly limit: number };

/** `window` null: the signal's longest but `all`. */
export type MeasureDefinition =
  | { readonly measure: 'score' }
  | {
      readonly measure: 'count' | 'weight' | 'velocity' | 'acceleration';
      readonly window: string | null;
    }
  | { readonly measure: 'ratio'; readonly to: string; readonly window: string | null };

export type ScalarDefinition =
  | { readonly scalar: 'number'; readonly value: number }
  /** A bare name: of a feature, an attribute, or a signal (its score), looked for in this order. */
  | { readonly scalar: 'name'; readonly name: string }
  | { readonly scalar: 'attribute'; readonly attribute: string }
  | { readonly scalar: 'signal'; readonly signal: string; readonly measure: MeasureDefinition }
  | { readonly scalar: 'feature'; readonly feature: string }
  | {
      readonly scalar: 'relationship';
      readonly relationship: string;
      readonly to: 'creator' | 'target';
    }
  | { readonly scalar: 'state'; readonly state: string }
  | { readonly scalar: 'similarity'; readonly slot: string; readonly with: 'user' | 'query' }
  | { readonly scalar: 'apply'; readonly function: string; readonly of: readonly ScalarDefinition[] };

export type PredicateDefinition =
  | { readonly test: 'and' | 'or'; readonly of: readonly PredicateDefinition[] }
  | { readonly test: 'not'; readonly of: PredicateDefinition }
  | {
      readonly test: 'compare';
      readonly attribute: string;
      readonly operator: '=' | '<>' | '<' | '<=' | '>' | '>=';
      /** A timestamp as microseconds or as ISO 8601 text. */
      readonly value: string | number | boolean;
    }
  | { readonly test: 'in'; readonly attribute: string; readonly values: readonly (string | number)[] }
  | {
      readonly test: 'between';
      readonly attribute: string;
      readonly low: string | number;
      readonly high: string | number;
    }
  | { readonly test: 'has'; readonly attribute: string; readonly value: string | null }
  /** `unseen` and its like are `set: false`. */
  | { readonly test: 'state'; readonly state: UserItemState | (string & {}); readonly set: boolean }
  | {
      readonly test: 'feature';
      readonly feature: ScalarDefinition;
      readonly operator: '<' | '<=' | '>' | '>=';
      readonly value: number;
    };

export interface DropDefinition {
  readonly define: 'drop';
  readonly what: DefinitionKind;
  readonly name: string;
}

/** What stands where a statement says nothing. */
export const DEFINITION_DEFAULTS = Object.freeze({
  polarity: 'neutral' satisfies Polarity as Polarity,
  decay: Object.freeze({ kind: 'none' }) as Decay,
  windows: Object.freeze(['1h', '24h', '7d', '30d', 'all']) as readonly string[],
  weight: Object.freeze({ min: 0, max: 1_000_000, default: 1 }) as WeightDefinition,
  /** Of a relationship. */
  edgeWeight: Object.freeze({ min: 0, max: 1_000_000, default: 1 }) as WeightDefinition,
  /** 30 days: as long as the longest window. */
  lateMicros: 2_592_000_000_000,
  cohorts: true,
  /** Of attributes; text cannot be filtered by. */
  filter: true,
  metric: 'cosine' as EmbeddingDefinition['metric'],
  embeddingSource: 'given' as EmbeddingDefinition['source'],
  states: Object.freeze(['active', 'archived']) as readonly string[],
  composition: 'sum' as ProfileDefinition['composition'],
  diversity: Object.freeze({
    perCreator: null,
    perAttribute: Object.freeze([]),
    mix: null,
  }) as DiversityDefinition,
  candidateLimit: 500,
});
