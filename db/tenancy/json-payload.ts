/** Entries that are rare and read by people: a version byte, then JSON. */
import type { z } from 'zod';
import { TruthError } from '../errors.ts';
import type { Sequence } from '../types.ts';

const VERSION = 1;

export function encodeJsonPayload(value: object): Uint8Array {
  const text = Buffer.from(JSON.stringify(value));
  const payload = new Uint8Array(1 + text.length);
  payload[0] = VERSION;
  payload.set(text, 1);
  return payload;
}

/** Errors: UNSUPPORTED_VERSION for one of a newer release, CORRUPT. */
export function decodeJsonPayload<T>(schema: z.ZodType<T>, payload: Uint8Array, at: Sequence): T {
  if (payload[0] !== VERSION) {
    throw new TruthError(
      'UNSUPPORTED_VERSION',
      `the entry at ${at} has version ${payload[0] ?? 'none'}, this release reads ${VERSION}: use the release that wrote it, or a newer one`,
      { sequence: at },
    );
  }
  try {
    return schema.parse(JSON.parse(Buffer.from(payload.subarray(1)).toString()));
  } catch (cause) {
    throw new TruthError(
      'CORRUPT',
      `the entry at ${at} is not what its type says`,
      { sequence: at },
      { cause },
    );
  }
}
