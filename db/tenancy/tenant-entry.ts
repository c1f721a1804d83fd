/**
 * What happens to a tenant, as entries of type 48. The tenant is the entry's own; the payload is a version byte and JSON.
 * They are never sealed: whoever has the log may know which tenants there are and the names of their keys.
 */
import { z } from 'zod';
import { TruthError } from '../errors.ts';
import type { Sequence } from '../types.ts';
import { decodeJsonPayload, encodeJsonPayload } from './json-payload.ts';

/** How allowed reads of a tenant's data are audited: not, by principal, stream or table and minute, or each. */
export const READS_AUDITED = ['off', 'summary', 'every'] as const;
export type ReadsAudited = (typeof READS_AUDITED)[number];

/** Null: no limit. */
export interface TenantQuota {
  /** Bytes of payloads in the log. */
  readonly bytes: number | null;
  readonly bytesPerSecond: number | null;
  readonly streams: number | null;
}

export const NO_QUOTA: TenantQuota = { bytes: null, bytesPerSecond: null, streams: null };

const limit = z.int().min(0).nullable();
export const KEY_ID = /^[0-9a-f]{16}$/;
const keyId = z.string().regex(KEY_ID);
const NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/;

const changeSchema = z.discriminatedUnion('change', [
  z.strictObject({
    change: z.literal('created'),
    name: z.string().regex(NAME),
    /** Where its entries go; there is one partition, 0, so far. */
    partition: z.int().min(0),
    /** Name of the data key; null: its entries are not sealed. */
    key: keyId.nullable(),
  }),
  z.strictObject({ change: z.literal('renamed'), name: z.string().regex(NAME) }),
  z.strictObject({
    change: z.literal('limited'),
    quota: z.strictObject({ bytes: limit, bytesPerSecond: limit, streams: limit }),
  }),
  z.strictObject({ change: z.literal('suspended') }),
  z.strictObject({ change: z.literal('resumed') }),
  /** What is written from here on is sealed under another data key. */
  z.strictObject({ change: z.literal('key'), key: keyId }),
  z.strictObject({ change: z.literal('reads'), audited: z.enum(READS_AUDITED) }),
]);

export type TenantChange = z.infer<typeof changeSchema>;

export function encodeTenantChange(change: TenantChange): Uint8Array {
  return encodeJsonPayload(change);
}

/** Errors: CORRUPT, UNSUPPORTED_VERSION. */
export function decodeTenantChange(payload: Uint8Array, at: Sequence): TenantChange {
  return decodeJsonPayload(changeSchema, payload, at);
}

/** Names of tenants are names of databases too, for clients that ask for one. Errors: INVALID_ARGUMENT. */
export function checkTenantName(name: string): void {
  if (NAME.test(name)) return;
  throw new TruthError(
    'INVALID_ARGUMENT',
    `"${name}" is no name for a tenant: lower-case letters, digits, _ and - are allowed, 63 at most, the first a letter or digit`,
  );
}
