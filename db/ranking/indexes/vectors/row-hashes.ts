/**
 * A sum of the hashes of vectors, modulo 2^64: what goes is subtracted, so it depends on which vectors there are, and on nothing
 * that was before. Vectors are hashed where they lie.
 */
import { type Arena, ROOM } from './arena.ts';

/** Key of the hashes. */
export interface HashSeed {
  readonly low: number;
  readonly high: number;
}

const HEAD = ROOM.hashHead >>> 2;
const RESULT = ROOM.hashResult >>> 2;
const HEAD_BYTES = 8;
const HALF_MAX = 0xffff_ffff;

export class RowHashes {
  readonly #seed: HashSeed;
  /** Two halves: a bigint would be allocated for each hash. */
  #low = 0;
  #high = 0;

  constructor(seed: HashSeed) {
    this.#seed = seed;
  }

  get hex(): string {
    return [this.#high, this.#low].map((half) => half.toString(16).padStart(8, '0')).join('');
  }

  /** Hashed are number (u32), length (f32) and the floats at `address`. `sign` -1: they go. */
  add(
    { kernels, words, floats }: Arena,
    number: number,
    length: number,
    address: number,
    dimensions: number,
    sign: 1 | -1,
  ): void {
    words[HEAD] = number;
    floats[HEAD + 1] = length;
    kernels.begin(ROOM.hashState, this.#seed.low, this.#seed.high);
    kernels.update(ROOM.hashState, ROOM.hashHead, HEAD_BYTES);
    kernels.update(ROOM.hashState, address, dimensions * 4);
    kernels.digest(ROOM.hashState, ROOM.hashResult);
    const low = this.#low + sign * words[RESULT]!;
    const carry = low > HALF_MAX ? 1 : low < 0 ? -1 : 0;
    this.#low = low >>> 0;
    this.#high = (this.#high + sign * words[RESULT + 1]! + carry) >>> 0;
  }
}
