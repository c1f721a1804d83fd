/**
 * What this layer writes into the log, decoded. Everything that applying needs is in it: names are numbers by now. Changes of
 * the schema are the sixth kind (schema/codec.ts).
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
} from '../ground.ts';
import type { AttributeValue } from '../schema/model.ts';

export interface EntityEntry {
  readonly entry: 'entity';
  readonly kind: KindId;
  readonly number: EntityNumber;
  /** Empty where a person is deleted, who may have been erased by now: there is nothing to delete then. */
  readonly key: string;
  /** When it is new: the number of a kind grows by one with each. */
  readonly created: boolean;
  /** When it came to be, of its own accord; the recorded time where nothing was said. */
  readonly at: Micros;
  /** Index among the kind's states; 255: deleted. */
  readonly state: number;
  /** Of the creator kind, or none. */
  readonly creator: EntityNumber;
  /** The tuple that the dimensions have behind it; its values are those of this entity when `created` or changed. */
  readonly tuple: TupleNumber;
  /** Attributes that are set (null: taken away). Those that are not here stay. */
  readonly attributes: readonly { readonly attribute: AttributeId; readonly value: AttributeValue | null }[];
  /** Embeddings that are set (null: taken away). */
  readonly embeddings: readonly { readonly slot: SlotId; readonly vector: Float32Array | null }[];
  /** Previous values that other views need to take back what they counted: creator and state before it. */
  readonly before: { readonly creator: EntityNumber; readonly state: number };
}

/** One signal. Entries hold many, all of one tenant and at most one subject. */
export interface Signal {
  readonly signal: SignalId;
  readonly target: EntityNumber;
  /** Who, or none. */
  readonly user: EntityNumber;
  /** The target's creator, or none. */
  readonly creator: EntityNumber;
  /** The user's tuple at this place of the log. */
  readonly tuple: TupleNumber;
  readonly at: Micros;
  readonly weight: number;
  /** Further behind the newest signal than its `late`: totals only. */
  readonly late: boolean;
  /** Two halves of the first 64 bits of the hash it is de-duplicated by; all 0 with the check: it is told apart from every other. */
  readonly hashHigh: number;
  readonly hashLow: number;
  /** Two halves of the second 64 bits: signals are the same when both are. */
  readonly checkHigh: number;
  readonly checkLow: number;
}

export interface EdgeEntry {
  readonly entry: 'edge';
  readonly relationship: RelationshipId;
  readonly from: EntityNumber;
  readonly to: EntityNumber;
  readonly at: Micros;
  /** Null: it is taken away. */
  readonly weight: number | null;
}

/** Numbers of a kind that have been given to persons, whatever becomes of them. */
export interface NumbersEntry {
  readonly entry: 'numbers';
  readonly kind: KindId;
  /** The largest. */
  readonly last: EntityNumber;
}

/** What somebody was shown, in which arm of an experiment. */
export interface ExposureEntry {
  readonly entry: 'exposure';
  readonly experiment: string;
  readonly arm: string;
  readonly user: EntityNumber;
  readonly at: Micros;
  readonly kind: KindId;
  readonly items: readonly EntityNumber[];
}
