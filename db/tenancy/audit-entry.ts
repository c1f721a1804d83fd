/**
 * Who did, was refused or looked at what, as entries of type 49: a version byte and JSON. They are the tenant's whose data it
 * was about, sealed like it; what concerns a stream of one person is sealed under that person's key and goes with it.
 */
import { z } from 'zod';
import type { Sequence } from '../types.ts';
import { decodeJsonPayload, encodeJsonPayload } from './json-payload.ts';

const AUDIT_KINDS = ['login', 'refused-login', 'denied', 'administered', 'read'] as const;

const TEXT_MAX = 1024;
const recordSchema = z.strictObject({
  kind: z.enum(AUDIT_KINDS),
  /** Name of the token, `local` for the local socket; empty where nobody knows. */
  who: z.string().max(TEXT_MAX),
  /** What was asked: a command with what it was about, a right, a stream or table. */
  what: z.string().max(TEXT_MAX),
  /** `done`, or the code of the error. */
  outcome: z.string().max(64),
  /** How often: more than once where a flood or a minute of reads was summed up. */
  count: z.int().min(1),
});

export type AuditRecord = z.infer<typeof recordSchema>;

export function encodeAuditRecord(record: AuditRecord): Uint8Array {
  return encodeJsonPayload({
    ...record,
    who: record.who.slice(0, TEXT_MAX),
    what: record.what.slice(0, TEXT_MAX),
  });
}

/** Errors: CORRUPT, UNSUPPORTED_VERSION. */
export function decodeAuditRecord(payload: Uint8Array, at: Sequence): AuditRecord {
  return decodeJsonPayload(recordSchema, payload, at);
}
