/** The payload of a projection's step (type 34): u8 version (1) · u32 projection · u32 rows to take in, little-endian. */
import { TruthError } from '../../errors.ts';
import type { Sequence } from '../../types.ts';

export interface ProjectionStep {
  readonly projection: number;
  readonly rows: number;
}

const VERSION = 1;
const BYTES = 9;

export function encodeStep({ projection, rows }: ProjectionStep): Uint8Array {
  const bytes = new Uint8Array(BYTES);
  const view = new DataView(bytes.buffer);
  bytes[0] = VERSION;
  view.setUint32(1, projection, true);
  view.setUint32(5, rows, true);
  return bytes;
}

/** Errors: CORRUPT, UNSUPPORTED_VERSION. */
export function decodeStep(payload: Uint8Array, at: Sequence): ProjectionStep {
  if (payload[0] !== VERSION) {
    throw new TruthError(
      'UNSUPPORTED_VERSION',
      `the projection's step at ${at} has format version ${payload[0] ?? 'none'}, this release reads ${VERSION}: use the release that wrote it, or a newer one`,
      { sequence: at },
    );
  }
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  const rows = payload.length === BYTES ? view.getUint32(5, true) : 0;
  if (rows === 0)
    throw new TruthError('CORRUPT', `the projection's step at ${at} cannot be read`, { sequence: at });
  return { projection: view.getUint32(1, true), rows };
}
