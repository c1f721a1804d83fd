/** The checksum of frames: the low half of xxHash64. It guards against accidents; TLS guards against people. */
import { xxh64 } from '../hash/index.ts';

const LOW_HALF = 0xffff_ffffn;

/** Checksum (u32) of bytes [start, end). */
export function frameChecksum(bytes: Uint8Array, start: number, end: number): number {
  return Number(xxh64(bytes.subarray(start, end)) & LOW_HALF);
}
