/** The words of this layer. Numbers of entities are dense from 1 within a kind of a tenant; 0 is "none". */

declare const brand: unique symbol;
type Brand<Base, Name extends string> = Base & { readonly [brand]: Name };

/** Microseconds since 1970-01-01T00:00:00Z, a whole number: the time at which something happened, or is asked about. */
export type Micros = Brand<number, 'Micros'>;

/** Dense number of an entity within its kind; 0: none. */
export type EntityNumber = Brand<number, 'EntityNumber'>;

/** Number of a tuple of dimension values, from 1; 0: a user of whom nothing is known, or no user. */
export type TupleNumber = Brand<number, 'TupleNumber'>;

export type KindId = Brand<number, 'KindId'>;
export type AttributeId = Brand<number, 'AttributeId'>;
export type SlotId = Brand<number, 'SlotId'>;
export type SignalId = Brand<number, 'SignalId'>;
export type RelationshipId = Brand<number, 'RelationshipId'>;
export type CohortId = Brand<number, 'CohortId'>;
export type ProfileId = Brand<number, 'ProfileId'>;

export const NO_ENTITY = 0 as EntityNumber;
export const NO_TUPLE = 0 as TupleNumber;

export const MICROS_PER_SECOND = 1_000_000;
export const MICROS_PER_MINUTE = 60 * MICROS_PER_SECOND;
export const MICROS_PER_HOUR = 60 * MICROS_PER_MINUTE;
export const MICROS_PER_DAY = 24 * MICROS_PER_HOUR;
