/**
 * Hashes of the ranking layer: MurmurHash3 (Appleby), x86_128 for what a signal says (filled up with zeros to whole blocks)
 * and x86_32 for keys. They are no secret
 * and stop no attacker; 128 bits are so many that two signals of one tenant are never taken for each other by accident.
 */
import { writeUtf8 } from '../../kernel/index.ts';
import type { EntityNumber, Micros, SignalId } from '../ground.ts';

const C1 = 0x239b961b;
const C2 = 0xab0e9789;
const C3 = 0x38b34ae5;
const C4 = 0xa1e38b93;
const KEY_C1 = 0xcc9e2d51;
const KEY_C2 = 0x1b873593;
const BLOCK_BYTES = 16;
const FIXED_BYTES = 32;
/** Of a client's id: 256 bytes, in the worst case 3 for each unit that is written. */
const CONTENT_BYTES_MAX = FIXED_BYTES + 3 * 256 + BLOCK_BYTES;
/** Stands for a time that was not given. */
const NO_TIME = -1;

const bytes = new Uint8Array(CONTENT_BYTES_MAX);
const words = new Uint32Array(bytes.buffer);
const numbers = new Float64Array(bytes.buffer);

/** What tells one signal from another. */
export interface SignalContent {
  readonly signal: SignalId;
  readonly target: EntityNumber;
  readonly user: EntityNumber;
  readonly weight: number;
}

/** Where `hashSignal` leaves its four words. */
export interface HashTarget {
  hashHigh: number;
  hashLow: number;
  checkHigh: number;
  checkLow: number;
}

/** `at` null: the client gave none. `id` has at most 256 bytes of UTF-8. Never all zero, which means "no hash". */
export function hashSignal(
  content: SignalContent,
  at: Micros | null,
  id: string | null,
  into: HashTarget,
): void {
  words[0] = content.signal;
  words[1] = content.target;
  words[2] = content.user;
  words[3] = id === null ? 0 : 1;
  numbers[2] = at ?? NO_TIME;
  numbers[3] = content.weight;
  const length = id === null ? FIXED_BYTES : writeUtf8(bytes, FIXED_BYTES, id);
  bytes.fill(0, length, length + BLOCK_BYTES);
  let h1 = 0;
  let h2 = 0;
  let h3 = 0;
  let h4 = 0;
  for (let at = 0; at < length; at += BLOCK_BYTES) {
    const word = at >>> 2;
    h1 = mixed(h1, scrambled(words[word]!, C1, C2, 15), h2, 19, 0x561ccd1b);
    h2 = mixed(h2, scrambled(words[word + 1]!, C2, C3, 16), h3, 17, 0x0bcaa747);
    h3 = mixed(h3, scrambled(words[word + 2]!, C3, C4, 17), h4, 15, 0x96cd1c35);
    h4 = mixed(h4, scrambled(words[word + 3]!, C4, C1, 18), h1, 13, 0x32ac3b17);
  }
  h1 ^= length;
  h2 ^= length;
  h3 ^= length;
  h4 ^= length;
  h1 = (h1 + h2 + h3 + h4) | 0;
  h2 = (h2 + h1) | 0;
  h3 = (h3 + h1) | 0;
  h4 = (h4 + h1) | 0;
  h1 = avalanche(h1);
  h2 = avalanche(h2);
  h3 = avalanche(h3);
  h4 = avalanche(h4);
  h1 = (h1 + h2 + h3 + h4) | 0;
  into.hashHigh = h1 >>> 0 || 1;
  into.hashLow = (h2 + h1) >>> 0;
  into.checkHigh = (h3 + h1) >>> 0;
  into.checkLow = (h4 + h1) >>> 0;
}

/** 32 bits of `length` bytes from `start` on. */
export function hashKey(key: Uint8Array, start: number, length: number): number {
  let hash = 0;
  const whole = start + (length & ~3);
  for (let at = start; at < whole; at += 4) {
    const word = key[at]! | (key[at + 1]! << 8) | (key[at + 2]! << 16) | (key[at + 3]! << 24);
    hash ^= scrambled(word, KEY_C1, KEY_C2, 15);
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0;
  }
  let rest = 0;
  for (let at = start + length - 1; at >= whole; at--) rest = (rest << 8) | key[at]!;
  return avalanche(hash ^ scrambled(rest, KEY_C1, KEY_C2, 15) ^ length) >>> 0;
}

function scrambled(word: number, first: number, second: number, turn: number): number {
  const product = Math.imul(word, first);
  return Math.imul((product << turn) | (product >>> (32 - turn)), second);
}

function mixed(hash: number, word: number, neighbour: number, turn: number, addend: number): number {
  const both = hash ^ word;
  return (Math.imul((((both << turn) | (both >>> (32 - turn))) + neighbour) | 0, 5) + addend) | 0;
}

function avalanche(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
