/**
 * Digest of a store, kept as it goes: a multiset hash. Every version is hashed by xxHash64 twice, with two seeds of the log's
 * own, and the hashes are added modulo 2^64; what goes is subtracted. The sum does not depend on the order things came in,
 * and a version costs two hashes however large the store is. It finds accidents; against forgery there is the log's proof.
 *
 * Hashed of a version: until u64 (0: current), since u64, length of the key u32, the key with its space, the value; integers
 * little-endian.
 */
import {
  createWasmMemory,
  instantiate,
  type WasmMemoryShape,
  XXH64_FUNCTIONS,
  XXH64_STATE_BYTES,
  type Xxh64Exports,
} from '../../hash/index.ts';

const SHAPE: WasmMemoryShape = { pages: 2, shared: false };
const STATE = 0;
const RESULT = Math.ceil(XXH64_STATE_BYTES / 8) * 8;
const WINDOW = RESULT + 64;
const HEAD_BYTES = 20;
const TWO_32 = 0x1_0000_0000;

/** Sum of hashes under one seed, as two halves: bigints would be allocated for each version. */
interface Sum {
  readonly seedLow: number;
  readonly seedHigh: number;
  low: number;
  high: number;
}

interface Hasher {
  readonly hash: Xxh64Exports;
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

/** One for all stores of the thread: each memory of its own would reserve gigabytes of addresses. */
let hasher: Hasher | null = null;

export class StoreDigest {
  readonly #sums: readonly [Sum, Sum];

  /** `logId`: 16 bytes. */
  constructor(logId: Uint8Array) {
    const seeds = new DataView(logId.buffer, logId.byteOffset, logId.byteLength);
    this.#sums = [sumFrom(seeds, 0, 0), sumFrom(seeds, 8, 1)];
  }

  /** `key`: with its space in front; `until` 0: current. */
  add(key: Uint8Array, since: number, until: number, value: Uint8Array): void {
    this.#each(key, since, until, value, 1);
  }

  remove(key: Uint8Array, since: number, until: number, value: Uint8Array): void {
    this.#each(key, since, until, value, -1);
  }

  get hex(): string {
    return this.#sums
      .flatMap(({ low, high }) => [high, low])
      .map((half) => half.toString(16).padStart(8, '0'))
      .join('');
  }

  /** Goes on from what `hex` said. */
  set(hex: string): void {
    const [first, second] = this.#sums;
    const half = (index: number): number => Number.parseInt(hex.slice(index * 8, index * 8 + 8), 16);
    first.high = half(0);
    first.low = half(1);
    second.high = half(2);
    second.low = half(3);
  }

  #each(key: Uint8Array, since: number, until: number, value: Uint8Array, sign: 1 | -1): void {
    hasher ??= createHasher();
    const { hash, bytes, view } = hasher;
    view.setUint32(WINDOW, until % TWO_32, true);
    view.setUint32(WINDOW + 4, until / TWO_32, true);
    view.setUint32(WINDOW + 8, since % TWO_32, true);
    view.setUint32(WINDOW + 12, since / TWO_32, true);
    view.setUint32(WINDOW + 16, key.length, true);
    const whole = HEAD_BYTES + key.length + value.length;
    const fits = WINDOW + whole <= bytes.length;
    if (fits) {
      bytes.set(key, WINDOW + HEAD_BYTES);
      bytes.set(value, WINDOW + HEAD_BYTES + key.length);
    }
    for (const sum of this.#sums) {
      hash.begin(STATE, sum.seedLow, sum.seedHigh);
      if (fits) hash.update(STATE, WINDOW, whole);
      else updateInPieces(hasher, key, value);
      hash.digest(STATE, RESULT);
      addTo(sum, view.getUint32(RESULT, true), view.getUint32(RESULT + 4, true), sign);
    }
  }
}

function updateInPieces({ hash, bytes }: Hasher, key: Uint8Array, value: Uint8Array): void {
  hash.update(STATE, WINDOW, HEAD_BYTES);
  const start = WINDOW + HEAD_BYTES;
  const room = bytes.length - start;
  for (const part of [key, value]) {
    for (let at = 0; at < part.length; at += room) {
      const piece = part.subarray(at, at + room);
      bytes.set(piece, start);
      hash.update(STATE, start, piece.length);
    }
  }
}

function sumFrom(seeds: DataView, offset: number, lane: number): Sum {
  // The lane keeps the two apart where both halves of a log id are the same.
  return {
    seedLow: (seeds.getUint32(offset, true) ^ lane) | 0,
    seedHigh: seeds.getUint32(offset + 4, true) | 0,
    low: 0,
    high: 0,
  };
}

function addTo(sum: Sum, low: number, high: number, sign: 1 | -1): void {
  const lowSum = sum.low + sign * low;
  const carry = lowSum >= TWO_32 ? 1 : lowSum < 0 ? -1 : 0;
  sum.low = lowSum >>> 0;
  sum.high = (sum.high + sign * high + carry) >>> 0;
}

function createHasher(): Hasher {
  const memory = createWasmMemory(SHAPE);
  return {
    hash: instantiate<Xxh64Exports>(XXH64_FUNCTIONS, memory, SHAPE),
    bytes: new Uint8Array(memory.buffer),
    view: new DataView(memory.buffer),
  };
}
