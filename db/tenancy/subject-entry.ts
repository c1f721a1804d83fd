/**
 * That a stream is about one person, as entries of type 51, directly before the stream's first event. Sealed under that
 * person's key like everything about them, so that it goes with the rest.
 */
import { z } from 'zod';
import type { Sequence } from '../types.ts';
import { decodeJsonPayload, encodeJsonPayload } from './json-payload.ts';

const subjectStreamSchema = z.strictObject({
  stream: z.string().min(1),
  subject: z.string().min(1).max(256),
});

type SubjectStream = z.infer<typeof subjectStreamSchema>;

export function encodeSubjectStream(declared: SubjectStream): Uint8Array {
  return encodeJsonPayload(declared);
}

/** Errors: CORRUPT, UNSUPPORTED_VERSION. */
export function decodeSubjectStream(payload: Uint8Array, at: Sequence): SubjectStream {
  return decodeJsonPayload(subjectStreamSchema, payload, at);
}
