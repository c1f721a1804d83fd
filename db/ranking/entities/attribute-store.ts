/**
 * The values that the entities of a kind have of one attribute, by entity number, with what finds entities by them. One
 * implementation for each sort of type; all of what a digest sees is in their pieces.
 */
import type { AttributeId } from '../ground.ts';
import { NO_NUMBERS } from '../indexes/bitmaps/index.ts';
import type { NumberSet } from '../reading.ts';
import type { AttributeType, AttributeValue, Predicate } from '../schema/model.ts';
import type { Piece } from './piece.ts';

/** A condition on one attribute. */
export type AttributeTest = Extract<Predicate, { readonly attribute: AttributeId }>;

/** A condition made ready for one store. */
export interface PreparedTest {
  /** How many fulfil it, about. */
  readonly estimate: number;
  /** Those that do, for good. */
  set(): NumberSet;
  has(entity: number): boolean;
}

export interface AttributeStore {
  readonly type: AttributeType;
  /** Null takes the value away. */
  set(entity: number, value: AttributeValue | null): void;
  get(entity: number): AttributeValue | null;
  /** NaN where there is none, or nothing that is a number. */
  numbers(entities: Uint32Array, count: number, out: Float64Array): void;
  /** Index of the keyword in the dictionary; -1 where there is none. */
  keywords(entities: Uint32Array, count: number, out: Int32Array): void;
  prepare(test: AttributeTest): PreparedTest;
  /** Begins or stops keeping what finds entities by their values. */
  indexed(filter: boolean): void;
  pieces(name: string): readonly Piece[];
  digestAhead(): Iterable<void>;
  /** `place` is what follows the store's name in that of a piece. Errors: CORRUPT. */
  restore(place: string, bytes: Uint8Array): void;
  /** After the last piece. Errors: CORRUPT. */
  restored(filter: boolean): void;
  readonly bytes: number;
}

export const NO_TEST: PreparedTest = Object.freeze({
  estimate: 0,
  set: () => NO_NUMBERS,
  has: () => false,
});

export function absentNumbers(count: number, out: Float64Array): void {
  out.fill(Number.NaN, 0, count);
}

export function absentKeywords(count: number, out: Int32Array): void {
  out.fill(-1, 0, count);
}
