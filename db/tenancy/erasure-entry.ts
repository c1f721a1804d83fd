/**
 * That keys are destroyed, as entries of type 50: from here on whatever was sealed under them counts as if it had never
 * been, at every position. The entry comes first and the keys go after it, so a crash between the two is finished by the
 * next start. Never sealed, and it names nobody: a subject by its handle, which cannot be computed without the tenant's key.
 */
import { z } from 'zod';
import type { Sequence } from '../types.ts';
import { decodeJsonPayload, encodeJsonPayload } from './json-payload.ts';
import type { KeyId } from './keys/index.ts';
import { KEY_ID } from './tenant-entry.ts';

const keys = z.array(z.string().regex(KEY_ID));
const erasureSchema = z.discriminatedUnion('of', [
  z.strictObject({ of: z.literal('tenant'), keys }),
  z.strictObject({ of: z.literal('subject'), handle: z.string().regex(/^[0-9a-f]{32}$/), keys }),
]);

export type Erasure =
  | { readonly of: 'tenant'; readonly keys: readonly KeyId[] }
  | { readonly of: 'subject'; readonly handle: string; readonly keys: readonly KeyId[] };

export function encodeErasure(erasure: Erasure): Uint8Array {
  return encodeJsonPayload(erasure);
}

/** Errors: CORRUPT, UNSUPPORTED_VERSION. */
export function decodeErasure(payload: Uint8Array, at: Sequence): Erasure {
  return decodeJsonPayload(erasureSchema, payload, at) as unknown as Erasure;
}
