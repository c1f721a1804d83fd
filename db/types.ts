/**
 * The words the whole database shares, as types that cannot be mixed up.
 *
 * Positions are plain numbers, not bigints: a log that takes a million entries a second reaches
 * Number.MAX_SAFE_INTEGER after 285 years, and number arithmetic neither allocates nor slows the hot path.
 * Where they are made from outside data they are checked once, here; afterwards the type is the proof.
 */

import { TruthError } from './errors.ts';

declare const brand: unique symbol;
type Brand<Base, Name extends string> = Base & { readonly [brand]: Name };

/** Place of an entry in the total order of one log: 1 for the first entry, +1 per entry of any kind, no gaps. 0 means "before the first". */
export type Sequence = Brand<number, 'Sequence'>;

/** Ordinal of a commit: 1 for the first commit of the log, +1 per commit. Also the entry's logical timestamp. */
export type CommitOrdinal = Brand<number, 'CommitOrdinal'>;

/** Epoch of the log (u32): grows with each open for writing, view change, restore and isolate. */
export type Epoch = Brand<number, 'Epoch'>;

/** Number of a tenant (u32). Tenant 0 is the one that always exists. */
export type TenantId = Brand<number, 'TenantId'>;

/** Nanoseconds since 1970-01-01T00:00:00Z, strictly increasing from commit to commit of one log. */
export type RecordedAt = Brand<bigint, 'RecordedAt'>;

/** A count of bytes. */
export type Bytes = Brand<number, 'Bytes'>;

/** Revision of an event within its stream: 0 for the first. */
export type Revision = Brand<number, 'Revision'>;

export const SEQUENCE_NONE = 0 as Sequence;
export const TENANT_DEFAULT = 0 as TenantId;

export function sequence(value: number | bigint): Sequence {
  return safeInteger('sequence', value) as Sequence;
}

export function revision(value: number | bigint): Revision {
  return safeInteger('revision', value) as Revision;
}

function safeInteger(name: string, value: number | bigint): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < 0) {
    throw new TruthError(
      'INVALID_ARGUMENT',
      `${name} ${value} is not a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`,
    );
  }
  return number;
}
