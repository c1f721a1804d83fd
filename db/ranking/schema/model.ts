/**
 * What a schema is once it has been checked: every name resolved to an id, every bound known. Ids are given out once and never
 * again within a tenant; what is dropped leaves a hole. All of it is frozen: a change makes a new schema.
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

export interface RankingSchema {
  /** Grows by one with every change; 0 before the first. */
  readonly version: number;
  readonly kinds: readonly EntityKind[];
  readonly signals: readonly SignalType[];
  readonly relationships: readonly RelationshipType[];
  readonly cohorts: readonly Cohort[];
  /** The newest version of each. */
  readonly profiles: readonly Profile[];
}

export interface EntityKind {
  readonly id: KindId;
  /** `item`, `user` and `creator` are roles that queries know; any other name is a custom kind. */
  readonly name: string;
  readonly attributes: readonly Attribute[];
  readonly embeddings: readonly EmbeddingSlot[];
  /** Lifecycle states, the first is that of a new entity. Only `active` ones are candidates unless a query says otherwise. */
  readonly states: readonly string[];
  /** Attribute that names the creator of an entity of this kind, and the creator's kind; null without one. */
  readonly creator: { readonly name: string; readonly kind: KindId } | null;
  /** Each is a person: what is written about one is sealed for whoever its key names. Never taken back once there are entities. */
  readonly person: boolean;
}

export type AttributeType =
  | 'keyword'
  /** Several keywords. */
  | 'keywords'
  | 'integer'
  | 'double'
  | 'boolean'
  /** Micros. */
  | 'timestamp'
  | 'text';

export type AttributeValue = string | number | boolean | readonly string[];

export interface Attribute {
  readonly id: AttributeId;
  readonly name: string;
  readonly type: AttributeType;
  /** Can be filtered by; text cannot. */
  readonly filter: boolean;
  /** One of those that cohorts are made of; of users, keyword or boolean or integer only. */
  readonly dimension: boolean;
  /** Part of the text index; of text and keyword(s). */
  readonly search: { readonly weight: number } | null;
  /** Worked out when it is asked for; never written. */
  readonly computed: Scalar | null;
}

export interface EmbeddingSlot {
  readonly id: SlotId;
  readonly name: string;
  readonly dimensions: number;
  readonly metric: 'cosine' | 'dot' | 'l2';
  /**
   * `given`: written with the entity. `catalogue`: mean of those of the items somebody made. `preference`: moved by signals.
   * The last two are over a slot of the item kind with as many dimensions.
   */
  readonly source: 'given' | 'catalogue' | 'preference';
}

export type Polarity = 'positive' | 'negative' | 'neutral';

export type Decay =
  | { readonly kind: 'none' }
  | { readonly kind: 'exponential'; readonly halfLifeMicros: number }
  /** Falls to nothing within its lifetime. */
  | { readonly kind: 'linear'; readonly lifetimeMicros: number };

/** Windows that are kept; `all` is always there. */
export type WindowName = '1h' | '24h' | '7d' | '30d' | 'all';

export interface SignalType {
  readonly id: SignalId;
  readonly name: string;
  readonly target: KindId;
  readonly polarity: Polarity;
  readonly decay: Decay;
  readonly windows: readonly WindowName[];
  /** A weight outside is refused; one that is not given is `default`. */
  readonly weight: { readonly min: number; readonly max: number; readonly default: number };
  /** An event that lies further behind the newest one there has been counts in totals only. */
  readonly lateMicros: number;
  /** Counted for cohorts too, or not. */
  readonly cohorts: boolean;
  readonly effects: readonly Effect[];
}

/** What a user has done with an item, as bits. */
export const USER_ITEM_STATES = Object.freeze([
  'seen',
  'liked',
  'disliked',
  'saved',
  'shared',
  'completed',
  'hidden',
  'blocked',
] as const);

export type UserItemState = (typeof USER_ITEM_STATES)[number];

export type Effect =
  | { readonly effect: 'state'; readonly state: UserItemState; readonly set: boolean }
  /** Moves the user's preference vector towards the item's (away from it when negative): v ← normalise(v + rate · weight · x). */
  | { readonly effect: 'preference'; readonly slot: SlotId; readonly rate: number }
  /** Adds `delta` · weight to an edge from the user to the item's creator (`to: creator`) or to the target itself, clamped. */
  | {
      readonly effect: 'relationship';
      readonly relationship: RelationshipId;
      readonly to: 'creator' | 'target';
      readonly delta: number;
      readonly min: number;
      readonly max: number;
    };

export interface RelationshipType {
  readonly id: RelationshipId;
  readonly name: string;
  readonly from: KindId;
  readonly to: KindId;
  /** `none` or `exponential`. */
  readonly decay: Decay;
  readonly weight: { readonly min: number; readonly max: number; readonly default: number };
}

export interface Cohort {
  readonly id: CohortId;
  readonly name: string;
  readonly version: number;
  /** Over dimensions of the user kind. */
  readonly predicate: Predicate;
  /** As it was written. */
  readonly text: string;
}

/** A condition on an entity's attributes. An absent value fulfils no comparison, and `not` of it does. */
export type Predicate =
  | { readonly test: 'and' | 'or'; readonly of: readonly Predicate[] }
  | { readonly test: 'not'; readonly of: Predicate }
  | {
      readonly test: 'compare';
      readonly attribute: AttributeId;
      readonly operator: '=' | '<>' | '<' | '<=' | '>' | '>=';
      readonly value: string | number | boolean;
    }
  | { readonly test: 'in'; readonly attribute: AttributeId; readonly values: readonly (string | number)[] }
  | {
      readonly test: 'between';
      readonly attribute: AttributeId;
      readonly low: number;
      /** Belongs to it. */
      readonly high: number;
    }
  /** Keywords that have it, or any value at all when null. */
  | { readonly test: 'has'; readonly attribute: AttributeId; readonly value: string | null }
  /** A user's own state of the item, or the lack of it (`unseen`). */
  | { readonly test: 'state'; readonly state: UserItemState; readonly set: boolean }
  /** The value of a feature at the query's time. */
  | {
      readonly test: 'feature';
      readonly feature: Scalar;
      readonly operator: '<' | '<=' | '>' | '>=';
      readonly value: number;
    };

/** Arithmetic on what is known of a candidate. Division by zero and logarithms of what has none are 0, so nothing is ever NaN or infinite. */
export type Scalar =
  | { readonly scalar: 'number'; readonly value: number }
  | { readonly scalar: 'attribute'; readonly attribute: AttributeId }
  | { readonly scalar: 'signal'; readonly signal: SignalId; readonly measure: SignalMeasure }
  | { readonly scalar: 'feature'; readonly feature: Feature }
  | {
      readonly scalar: 'relationship';
      readonly relationship: RelationshipId;
      readonly to: 'creator' | 'target';
    }
  /** 1 where the user has the state of the item, else 0. */
  | { readonly scalar: 'state'; readonly state: UserItemState }
  | { readonly scalar: 'similarity'; readonly slot: SlotId; readonly with: 'user' | 'query' }
  | {
      readonly scalar: 'apply';
      readonly function: ScalarFunction;
      readonly of: readonly Scalar[];
    };

export type SignalMeasure =
  /** Decayed weight. */
  | { readonly measure: 'score' }
  | { readonly measure: 'count' | 'weight'; readonly window: WindowName }
  /** Events an hour in the window; how much more than in the window before it. */
  | { readonly measure: 'velocity' | 'acceleration'; readonly window: WindowName }
  /** Share of an earlier or later signal: this one's count over another's. */
  | { readonly measure: 'ratio'; readonly to: SignalId; readonly window: WindowName };

export type Feature =
  | 'age_hours'
  | 'text'
  /** Of the item to those the user had to do with last. */
  | 'neighbours'
  /** 1 for an item that few have seen. */
  | 'novelty'
  /** Place among the candidates of its source, as 1 / (60 + rank). */
  | 'fused'
  /** A number in [0, 1) that depends on the item and the query's seed. */
  | 'random'
  /** The ordinal of the experiment's arm. */
  | 'bucket'
  /** Hours since the user last took something up: the same for all candidates, and very many when never. */
  | 'idle_hours';

export type ScalarFunction =
  | '+'
  | '-'
  | '*'
  | '/'
  | 'min'
  | 'max'
  | 'clamp'
  | 'log1p'
  | 'exp'
  | 'sqrt'
  | 'abs'
  | 'pow'
  /** x / (x + half). */
  | 'saturate'
  | 'sigmoid'
  /** Exponential in hours: half at the half-life. */
  | 'decay'
  /** Of the largest among the candidates, 0 to 1. */
  | 'share'
  /** How far one count is from the proportions of another beyond chance, over all candidates: 0 to 1. */
  | 'overdispersion';

export const STAGES = Object.freeze([
  'base',
  'personalisation',
  'relationship',
  'signals',
  'recency',
  'penalties',
  'gates',
  'exploration',
  'composition',
] as const);

/** The stages that terms belong to. */
export type TermStage = 'base' | 'personalisation' | 'relationship' | 'signals' | 'recency' | 'penalties';

export interface Term {
  readonly stage: TermStage;
  /** Shown by EXPLAIN. */
  readonly label: string;
  readonly weight: number;
  readonly of: Scalar;
  /** Brought to 0..1 by the largest among the candidates before it is weighed. */
  readonly normalised: boolean;
}

export type CandidateSource =
  /** Best by a measure of a signal. */
  | {
      readonly source: 'top';
      readonly signal: SignalId;
      readonly measure: SignalMeasure;
      readonly limit: number;
    }
  /** Nearest to the user's preference, or to the query's vector. */
  | {
      readonly source: 'similar';
      readonly slot: SlotId;
      readonly to: 'user' | 'query';
      readonly limit: number;
    }
  /** By creators the user has an edge to, or the targets themselves. */
  | { readonly source: 'following'; readonly relationship: RelationshipId; readonly limit: number }
  /** What others had to do with, who had to do with the user's last items. */
  | { readonly source: 'neighbours'; readonly limit: number }
  | { readonly source: 'text'; readonly limit: number }
  | { readonly source: 'new'; readonly limit: number }
  /** Everything that passes the filter, best by `sort` of an attribute or number when there are more. */
  | { readonly source: 'all'; readonly limit: number };

export interface Diversity {
  /** Null: any number. */
  readonly perCreator: number | null;
  readonly perAttribute: readonly { readonly attribute: AttributeId; readonly max: number }[];
  /** No more than half of the results of one value of the attribute, as far as there are others. */
  readonly mix: AttributeId | null;
}

export interface Profile {
  readonly id: ProfileId;
  readonly name: string;
  readonly version: number;
  readonly kind: KindId;
  readonly candidates: readonly CandidateSource[];
  readonly terms: readonly Term[];
  /** A candidate that fails one is left out. */
  readonly gates: readonly Predicate[];
  /** Share of places for items that few have seen, and how old they may be. */
  readonly exploration: { readonly share: number; readonly withinMicros: number } | null;
  readonly composition: 'sum' | 'product';
  readonly diversity: Diversity;
  readonly pins: readonly { readonly key: string; readonly place: number }[];
  readonly boosts: readonly { readonly predicate: Predicate; readonly factor: number }[];
  readonly text: string;
}
