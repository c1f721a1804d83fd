/**
 * The 32-bit hashes of the stream index (MurmurHash3 x86_32; Appleby). Fast and seeded
 * with the log id; they only choose candidates, which are then compared byte by byte.
 */

import { EVENT_ID_BYTES } from '../kernel/index.ts';

const C1 = 0xcc9e2d51;
const C2 = 0x1b873593;
const ADDEND = 0xe6546b64;
const WORD_BYTES = 4;

export function hashBytes(bytes: Uint8Array, start: number, length: number, seed: number): number {
  let hash = seed;
  const whole = start + (length & ~(WORD_BYTES - 1));
  for (let at = start; at < whole; at += WORD_BYTES) {
    hash = mixWord(
      hash,
      bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24),
    );
  }
  let rest = 0;
  for (let at = start + length - 1; at >= whole; at--) rest = (rest << 8) | bytes[at]!;
  return avalanche(hash ^ scrambled(rest) ^ length);
}

/** Hash of the event id at `start`; it takes in the stream (by its name's hash), because ids are told apart per stream. */
export function idHash(bytes: Uint8Array, start: number, streamHash: number): number {
  return hashBytes(bytes, start, EVENT_ID_BYTES, streamHash);
}

/** Seed for one log: the same on every copy of it, different from log to log. */
export function seedOf(logId: Uint8Array): number {
  return hashBytes(logId, 0, logId.length, 0);
}

function mixWord(hash: number, word: number): number {
  const next = hash ^ scrambled(word);
  return (Math.imul((next << 13) | (next >>> 19), 5) + ADDEND) | 0;
}

function scrambled(word: number): number {
  const mixed = Math.imul(word, C1);
  return Math.imul((mixed << 15) | (mixed >>> 17), C2);
}

function avalanche(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
