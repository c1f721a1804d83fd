/**
 * Numbers of rows by a 32-bit hash of their key: open addressing, linear probing, five bytes a slot. The keys lie with
 * the rows, so a lookup gives candidates which the caller compares.
 *
 * The table is cut into shards that grow one at a time and at different fill levels: doubling a table of a hundred
 * million rows at once would stop every append for seconds. A byte of the hash beside each slot spares nearly all
 * look-ups of rows that only happen to be neighbours.
 */

import { invariant } from '../kernel/index.ts';

const SLOTS_FIRST = 16;
/** Shards grow when they are between these fill levels full, each at its own, so that they do not all grow together. */
const FILL_LEAST = 0.4;
const FILL_MOST = 0.8;
const SHARD_BITS_MAX = 12;
/** Bits below the shard's: the place in the shard, and (their upper byte) the filter. */
const PLACE_BITS = 32 - SHARD_BITS_MAX;
const FILTER_SHIFT = PLACE_BITS - 8;

interface Shard {
  /** Row + 1, 0 for a free slot. */
  rows: Uint32Array;
  filters: Uint8Array;
  used: number;
  readonly fill: number;
}

export class HashTable {
  readonly #shards: (Shard | undefined)[];
  readonly #shardBits: number;
  readonly #hashOf: (row: number) => number;
  // The walk that `first` starts and `next` goes on with; kept here because an iterator object a lookup would be garbage.
  #shard: Shard | undefined = undefined;
  #slot = 0;
  #filter = 0;

  /** `hashOf` tells the hash a row was added under; it is asked when a shard grows. */
  constructor(shardBits: number, hashOf: (row: number) => number) {
    invariant(shardBits >= 0 && shardBits <= SHARD_BITS_MAX, 'a hash table has 1 to 4096 shards');
    this.#shardBits = shardBits;
    this.#shards = new Array<Shard | undefined>(1 << shardBits).fill(undefined);
    this.#hashOf = hashOf;
  }

  /** First candidate row under the hash, or -1. Ends any walk begun before. */
  first(hash: number): number {
    const shard = this.#shards[this.#shardOf(hash)];
    this.#shard = shard;
    if (shard === undefined) return -1;
    this.#filter = (hash >>> FILTER_SHIFT) & 0xff;
    this.#slot = hash & (shard.rows.length - 1);
    return this.#walk(shard);
  }

  /** Next candidate row, or -1. */
  next(): number {
    const shard = this.#shard;
    if (shard === undefined) return -1;
    this.#slot = (this.#slot + 1) & (shard.rows.length - 1);
    return this.#walk(shard);
  }

  add(hash: number, row: number): void {
    const number = this.#shardOf(hash);
    let shard = this.#shards[number];
    if (shard === undefined) {
      shard = this.#emptyShard(number);
      this.#shards[number] = shard;
    }
    if (shard.used >= shard.rows.length * shard.fill) this.#grow(shard);
    place(shard, hash, row);
    shard.used++;
  }

  /** Forgets all rows and keeps the memory. */
  clear(): void {
    for (const shard of this.#shards) {
      if (shard === undefined || shard.used === 0) continue;
      shard.rows.fill(0);
      shard.used = 0;
    }
  }

  get bytes(): number {
    let bytes = 0;
    for (const shard of this.#shards)
      if (shard !== undefined) bytes += shard.rows.byteLength + shard.filters.byteLength;
    return bytes;
  }

  #shardOf(hash: number): number {
    return this.#shardBits === 0 ? 0 : hash >>> (32 - this.#shardBits);
  }

  #walk(shard: Shard): number {
    const { rows, filters } = shard;
    const mask = rows.length - 1;
    const filter = this.#filter;
    let slot = this.#slot;
    // Ends: a shard is never full.
    for (let row = rows[slot]!; row !== 0; row = rows[slot]!) {
      if (filters[slot] === filter) {
        this.#slot = slot;
        return row - 1;
      }
      slot = (slot + 1) & mask;
    }
    this.#shard = undefined;
    return -1;
  }

  #emptyShard(number: number): Shard {
    const fill = FILL_LEAST + ((FILL_MOST - FILL_LEAST) * number) / this.#shards.length;
    return { rows: new Uint32Array(SLOTS_FIRST), filters: new Uint8Array(SLOTS_FIRST), used: 0, fill };
  }

  #grow(shard: Shard): void {
    const before = shard.rows;
    shard.rows = new Uint32Array(before.length * 2);
    shard.filters = new Uint8Array(before.length * 2);
    for (const row of before) if (row !== 0) place(shard, this.#hashOf(row - 1), row - 1);
  }
}

function place(shard: Shard, hash: number, row: number): void {
  const { rows, filters } = shard;
  const mask = rows.length - 1;
  let slot = hash & mask;
  while (rows[slot] !== 0) slot = (slot + 1) & mask;
  rows[slot] = row + 1;
  filters[slot] = hash >>> FILTER_SHIFT;
}
