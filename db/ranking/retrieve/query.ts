/** A query with every name resolved: what the binder makes of what was written, and what the executor carries out. */
import type { EntityNumber, Micros, RelationshipId, SignalId, SlotId } from '../ground.ts';
import type {
  Attribute,
  AttributeValue,
  Diversity,
  EntityKind,
  Predicate,
  Profile,
  UserItemState,
  WindowName,
} from '../schema/model.ts';

export interface Query {
  readonly verb: 'retrieve' | 'search';
  readonly kind: EntityKind;
  readonly user: EntityNumber;
  readonly profile: Profile;
  /** Instead of the profile's terms. */
  readonly sort: SortMode | null;
  readonly context: string | null;
  readonly text: string | null;
  readonly vector: { readonly slot: SlotId; readonly values: Float32Array } | null;
  readonly filter: Predicate | null;
  /** Innermost first: each works on what the one before it left. */
  readonly within: readonly CandidateClause[];
  readonly exclude: readonly EntityNumber[];
  /** Over the profile's own. */
  readonly diversity: Partial<Diversity>;
  /** Of measures that name none. */
  readonly window: WindowName | null;
  readonly limit: number;
  readonly cursor: Cursor | null;
  readonly now: Micros;
  readonly seed: number;
  readonly explain: boolean;
  /** Attributes of the hits that are shown, in this order. */
  readonly select: readonly Attribute[];
  /** What was found out about the question on the way here; goes into the result. */
  readonly warnings: readonly string[];
}

/** Where candidates come from; composed by WITHIN. */
export type CandidateClause =
  | {
      readonly clause: 'trending';
      readonly signal: SignalId | null;
      readonly window: WindowName;
      readonly limit: number;
    }
  | {
      readonly clause: 'cohort';
      readonly name: string;
      readonly predicate: Predicate;
      readonly signal: SignalId | null;
      readonly window: WindowName;
      readonly limit: number;
    }
  | {
      readonly clause: 'following';
      readonly relationship: RelationshipId;
      readonly user: EntityNumber;
      readonly limit: number;
    }
  | { readonly clause: 'related'; readonly item: EntityNumber; readonly limit: number }
  | { readonly clause: 'state'; readonly state: UserItemState; readonly user: EntityNumber }
  | { readonly clause: 'search'; readonly text: string; readonly limit: number }
  | { readonly clause: 'creator'; readonly creator: EntityNumber }
  | { readonly clause: 'items'; readonly items: readonly EntityNumber[] };

export type SortMode =
  | 'relevance'
  | 'personalized'
  | 'top_hour'
  | 'top_today'
  | 'top_week'
  | 'top_month'
  | 'top_year'
  | 'top_all_time'
  | 'hidden_gems'
  | 'new'
  | 'old'
  | 'hot'
  | 'trending'
  | 'rising'
  | 'most_viewed'
  | 'most_liked'
  | 'most_commented'
  | 'most_shared'
  | 'shortest'
  | 'longest'
  | 'alphabetical_asc'
  | 'alphabetical_desc'
  | 'shuffle'
  | 'live_viewer_count'
  | 'date_saved'
  | 'controversial';

/** Where the next page begins. It carries position and now, so that pages of one query fit together. */
export interface Cursor {
  readonly position: number;
  readonly now: Micros;
  readonly seed: number;
  readonly offset: number;
}

export interface Hit {
  readonly number: EntityNumber;
  readonly key: string;
  readonly score: number;
  readonly creator: string | null;
  /** What the query asked to see. */
  readonly values: Readonly<Record<string, AttributeValue>>;
  /** Adds up to the score (multiplies to it under `product`); empty unless the query explains. */
  readonly contributions: readonly Contribution[];
  /** Set on purpose at this place: pinned, or explored. */
  readonly placed: 'pinned' | 'explored' | null;
}

export interface Contribution {
  readonly stage: string;
  readonly label: string;
  /** Before it was weighed. */
  readonly value: number;
  readonly weight: number;
  readonly contribution: number;
}

export interface StagePlan {
  readonly stage: string;
  readonly detail: string;
  readonly before: number;
  readonly after: number;
  readonly micros: number;
}

export interface QueryResult {
  readonly hits: readonly Hit[];
  readonly cursor: string | null;
  /** How many candidates there were in all, about. */
  readonly total: number;
  readonly estimated: boolean;
  /** Of estimated values, absolute. */
  readonly bound: number;
  readonly position: number;
  readonly now: Micros;
  readonly plan: readonly StagePlan[];
  /** Things that were asked for and are not there, such as a signal the schema lacks. */
  readonly warnings: readonly string[];
}
