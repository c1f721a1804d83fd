/** The checksum of frames: the low half of xxHash64. It guards against accidents; TLS guards against people. */
import { xxh64Low } from '../hash/index.ts';

/** Checksum (u32) of bytes [start, end). */
export function frameChecksum(bytes: Uint8Array, start: number, end: number): number {
  return xxh64Low(bytes, start, end);
}
