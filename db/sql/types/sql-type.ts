/**
 * Types of SQL values and what stands for them in JavaScript. A value never carries its type: columns, parameters and bound
 * expressions do.
 */
import type { Decimal } from '../../numeric/decimal.ts';

export type SqlType =
  | { readonly kind: 'integer' }
  | { readonly kind: 'bigint' }
  | { readonly kind: 'double' }
  /** Both null: as many digits as a value has. */
  | { readonly kind: 'decimal'; readonly precision: number | null; readonly scale: number | null }
  /** `lengthMax` in characters; null: no limit. */
  | { readonly kind: 'text'; readonly lengthMax: number | null }
  | { readonly kind: 'boolean' }
  /** Without a time zone, to the microsecond; now() is UTC. */
  | { readonly kind: 'timestamp' }
  | { readonly kind: 'bytes' }
  | { readonly kind: 'json' }
  | { readonly kind: 'uuid' };

/**
 * null for NULL; integer and double: number; bigint: bigint; decimal: Decimal; text and json: string (JSON as it was
 * written); boolean: boolean; timestamp: bigint, microseconds since 1970-01-01 00:00:00; bytes: Uint8Array; uuid: string,
 * 36 lower-case characters.
 */
export type SqlValue = null | number | bigint | string | boolean | Uint8Array | Decimal;

/** Values in the order of the columns they belong to. */
export type Row = readonly SqlValue[];
