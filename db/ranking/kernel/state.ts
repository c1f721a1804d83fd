/** What decisions read. Implemented by the views with what is in flight over them, and by a plain Map in tests. */
import type { AttributeId, EntityNumber, KindId, Micros, TupleNumber } from '../ground.ts';
import type { SchemaFacts, SchemaRecord } from '../schema/index.ts';
import type { AttributeValue } from '../schema/model.ts';

/** State of an entity that is not there. */
export const DELETED = 255;

/** In place of the key where it is said that a person is not there any more: such an entry is about nobody. */
export const NAMELESS = '';

/** Values of a user's dimensions, side by side with their attributes; null where there is none. */
export interface TupleRow {
  readonly dimensions: readonly AttributeId[];
  readonly values: readonly (string | number | boolean | null)[];
}

export interface EntityState {
  /** Largest number given out of the kind. */
  last(kind: KindId): number;
  /** Number of a key, deleted ones too, or 0. */
  find(kind: KindId, key: string): EntityNumber;
  stateOf(kind: KindId, number: EntityNumber): number;
  createdAt(kind: KindId, number: EntityNumber): Micros;
  creatorOf(kind: KindId, number: EntityNumber): EntityNumber;
  tupleOf(kind: KindId, number: EntityNumber): TupleNumber;
  value(kind: KindId, number: EntityNumber, attribute: AttributeId): AttributeValue | null;
  /** Largest number given out to a tuple. */
  readonly lastTuple: number;
  /** The tuple of these values, or 0. */
  findTuple(row: TupleRow): TupleNumber;
}

/** Content hash of a signal, in four words. */
export interface SignalHash {
  readonly hashHigh: number;
  readonly hashLow: number;
  readonly checkHigh: number;
  readonly checkLow: number;
}

export interface RankingState extends EntityState {
  /** Dimensions have changed since there were users: some may still have a tuple of the old ones. */
  readonly dimensionsChanged: boolean;
  readonly schema: SchemaRecord;
  readonly facts: SchemaFacts;
  /** Time of the newest signal there has been, 0 before the first: what is late is seen from there, not from the clock. */
  readonly newestSignal: Micros;
  /** Whether the signal is within the window of those that are remembered at `now`. */
  seen(hash: SignalHash, now: Micros): boolean;
}
