/**
 * What queries ask of the views: one interface a domain, each implemented in its own folder. Where many candidates are asked
 * about, `targets` and `out` run side by side, so that nothing is allocated for each; `out` is at least as long.
 */
import type {
  AttributeId,
  EntityNumber,
  KindId,
  Micros,
  RelationshipId,
  SignalId,
  SlotId,
  TupleNumber,
} from './ground.ts';
import type { AttributeValue, Predicate, RankingSchema, UserItemState, WindowName } from './schema/model.ts';

/** A set of entity numbers that is not changed while it is held. */
export interface NumberSet {
  readonly size: number;
  has(number: number): boolean;
  /** Ascending. */
  [Symbol.iterator](): Iterator<number>;
  toArray(): Uint32Array;
}

export interface EntityReader {
  readonly schema: RankingSchema;
  /** Largest number given out of the kind. */
  last(kind: KindId): number;
  numberOf(kind: KindId, key: string): EntityNumber;
  keyOf(kind: KindId, number: EntityNumber): string;
  /** Index among the kind's states; 255 where it was deleted or never was. */
  stateOf(kind: KindId, number: EntityNumber): number;
  createdAt(kind: KindId, number: EntityNumber): Micros;
  creatorOf(kind: KindId, number: EntityNumber): EntityNumber;
  tupleOf(kind: KindId, number: EntityNumber): TupleNumber;
  value(kind: KindId, number: EntityNumber, attribute: AttributeId): AttributeValue | null;
  /** NaN where there is none. Of integer, double, boolean, timestamp. */
  numbers(kind: KindId, attribute: AttributeId, targets: Uint32Array, count: number, out: Float64Array): void;
  /** Index of the keyword in the attribute's own dictionary; -1 where there is none. */
  keywords(kind: KindId, attribute: AttributeId, targets: Uint32Array, count: number, out: Int32Array): void;
  active(kind: KindId): NumberSet;
  madeBy(kind: KindId, creator: EntityNumber): NumberSet;
  /** Newest first, active ones only. */
  newest(kind: KindId, limit: number): Uint32Array;
  /** Those that fulfil a predicate over attributes (no `state` and no `feature` tests in it). */
  matching(kind: KindId, predicate: Predicate): NumberSet;
  /** How many would, about, without working the set out. */
  estimate(kind: KindId, predicate: Predicate): number;
  /** Tuples of the user kind that fulfil a predicate over dimensions. */
  tuples(predicate: Predicate): NumberSet;
}

export interface SignalReader {
  /** Decayed weight at `now`. */
  score(signal: SignalId, targets: Uint32Array, count: number, now: Micros, out: Float64Array): void;
  count(
    signal: SignalId,
    window: WindowName,
    targets: Uint32Array,
    count: number,
    now: Micros,
    out: Float64Array,
  ): void;
  weight(
    signal: SignalId,
    window: WindowName,
    targets: Uint32Array,
    count: number,
    now: Micros,
    out: Float64Array,
  ): void;
  /** Events an hour over the window that ends with `now`. */
  velocity(
    signal: SignalId,
    window: WindowName,
    targets: Uint32Array,
    count: number,
    now: Micros,
    out: Float64Array,
  ): void;
  /** Velocity less that of the window before. */
  acceleration(
    signal: SignalId,
    window: WindowName,
    targets: Uint32Array,
    count: number,
    now: Micros,
    out: Float64Array,
  ): void;
  /** Best first; ties by number. Those that have none are left out. */
  top(
    signal: SignalId,
    by: 'score' | 'count' | 'weight' | 'velocity' | 'acceleration',
    window: WindowName,
    limit: number,
    now: Micros,
  ): Uint32Array;
}

export interface AudienceReader {
  has(user: EntityNumber, state: UserItemState, item: EntityNumber): boolean;
  items(user: EntityNumber, state: UserItemState): NumberSet;
  /** When the user last had to do with the item, or 0. */
  lastAt(user: EntityNumber, item: EntityNumber): Micros;
  /** Items of the user's last positive signals, newest first. */
  recent(user: EntityNumber, limit: number): Uint32Array;
  edge(
    relationship: RelationshipId,
    from: EntityNumber,
    targets: Uint32Array,
    count: number,
    now: Micros,
    out: Float64Array,
  ): void;
  /** Ends of edges from somebody, heaviest first. */
  edgesFrom(relationship: RelationshipId, from: EntityNumber, limit: number, now: Micros): Uint32Array;
  edgesTo(relationship: RelationshipId, to: EntityNumber, limit: number, now: Micros): Uint32Array;
  /** Items that go with the user's recent ones, best first, with how well. */
  neighboursOf(
    user: EntityNumber,
    limit: number,
    now: Micros,
  ): { readonly items: Uint32Array; readonly scores: Float64Array };
  /** Items that go with an item. */
  relatedTo(
    item: EntityNumber,
    limit: number,
    now: Micros,
  ): { readonly items: Uint32Array; readonly scores: Float64Array };
}

export interface CohortReader {
  count(
    signal: SignalId,
    window: WindowName,
    tuples: NumberSet,
    targets: Uint32Array,
    count: number,
    now: Micros,
    out: Float64Array,
  ): void;
  velocity(
    signal: SignalId,
    window: WindowName,
    tuples: NumberSet,
    targets: Uint32Array,
    count: number,
    now: Micros,
    out: Float64Array,
  ): void;
  acceleration(
    signal: SignalId,
    window: WindowName,
    tuples: NumberSet,
    targets: Uint32Array,
    count: number,
    now: Micros,
    out: Float64Array,
  ): void;
  /** Best first, with whether it is an estimate and how far it may be off. */
  top(
    signal: SignalId,
    by: 'count' | 'velocity' | 'acceleration',
    window: WindowName,
    tuples: NumberSet,
    limit: number,
    now: Micros,
  ): CohortTop;
}

export interface CohortTop {
  readonly items: Uint32Array;
  readonly values: Float64Array;
  readonly estimated: boolean;
  /** Of each value, absolute; 0 when it is exact. */
  readonly bound: number;
}

export interface VectorReader {
  /** Null where there is none. Not to be changed, and valid until the next commit. */
  vector(kind: KindId, slot: SlotId, number: EntityNumber): Float32Array | null;
  /** Similarity, larger is nearer: cosine, dot product, or minus the squared distance. */
  similarity(
    kind: KindId,
    slot: SlotId,
    query: Float32Array,
    targets: Uint32Array,
    count: number,
    out: Float64Array,
  ): void;
  /** Nearest first. `within` null: all that are active. */
  nearest(
    kind: KindId,
    slot: SlotId,
    query: Float32Array,
    limit: number,
    within: NumberSet | null,
  ): { readonly items: Uint32Array; readonly scores: Float64Array };
}

export interface TextReader {
  /** Best first. `within` null: everything. */
  search(
    kind: KindId,
    query: string,
    limit: number,
    within: NumberSet | null,
  ): { readonly items: Uint32Array; readonly scores: Float64Array; readonly total: number };
  /** BM25 of given items. */
  score(kind: KindId, query: string, targets: Uint32Array, count: number, out: Float64Array): void;
  suggest(
    kind: KindId,
    prefix: string,
    limit: number,
  ): readonly { readonly text: string; readonly weight: number; readonly typos: number }[];
}

/** All views of one tenant at one position. */
export interface RankingReaders {
  readonly entities: EntityReader;
  readonly signals: SignalReader;
  readonly audience: AudienceReader;
  readonly cohorts: CohortReader;
  readonly vectors: VectorReader;
  readonly text: TextReader;
}
