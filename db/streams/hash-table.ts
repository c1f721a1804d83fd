/**
 * Numbers of rows by a 32-bit hash of their key: open addressing, linear probing, row and hash side by side, so that a
 * lookup touches one cache line. The keys lie with the rows: a lookup gives candidates, which the caller compares.
 *
 * The table is cut into shards that grow one at a time and at different fill levels: doubling a table of a hundred
 * million rows at once would stop every append for a second.
 */
import { invariant } from '../kernel/index.ts';

const SLOTS_FIRST = 16;
/** Words of a slot: row + 1 (0 when free), hash. */
const SLOT_WORDS = 2;
/** Shards grow when they are between these fill levels full, each at its own, so that they do not all grow together. */
const FILL_LEAST = 0.4;
const FILL_MOST = 0.7;
const SHARD_BITS_MAX = 10;

export class HashTable {
  readonly #shards: Uint32Array[];
  readonly #used: Uint32Array;
  readonly #shardShift: number;
  // The walk that `first` starts and `next` goes on with; kept here because an iterator object a lookup would be garbage.
  #slots: Uint32Array = new Uint32Array(0);
  #at = 0;
  #hash = 0;
  /** Makes the reads of `prefetch` count for something, or the compiler would leave them out. */
  readonly #sink = new Uint32Array(1);

  /** Has 2^`shardBits` shards. */
  constructor(shardBits: number) {
    invariant(shardBits >= 1 && shardBits <= SHARD_BITS_MAX, 'a hash table has 2 to 1024 shards');
    this.#shardShift = 32 - shardBits;
    this.#shards = Array.from({ length: 1 << shardBits }, () => new Uint32Array(SLOTS_FIRST * SLOT_WORDS));
    this.#used = new Uint32Array(1 << shardBits);
  }

  /** First row under the hash, or -1. Ends any walk begun before. */
  first(hash: number): number {
    const slots = this.#shards[hash >>> this.#shardShift]!;
    this.#slots = slots;
    this.#hash = hash;
    this.#at = slotOf(hash, slots);
    return this.#walk();
  }

  /** Next row under the same hash, or -1. Not to be called again after that. */
  next(): number {
    this.#at = (this.#at + SLOT_WORDS) & (this.#slots.length - 1);
    return this.#walk();
  }

  add(hash: number, row: number): void {
    const shard = hash >>> this.#shardShift;
    this.#used[shard]!++;
    const slots = this.#isFull(shard) ? this.#grow(shard) : this.#shards[shard]!;
    place(slots, hash, row);
  }

  /**
   * Fetches the first slots of many hashes into the processor's cache, for lookups that follow: their misses overlap here,
   * where one lookup after the other would wait for each.
   */
  prefetch(hashes: Uint32Array, count: number): void {
    let seen = 0;
    for (let each = 0; each < count; each++) {
      const hash = hashes[each]!;
      const slots = this.#shards[hash >>> this.#shardShift]!;
      seen ^= slots[slotOf(hash, slots)]!;
    }
    this.#sink[0] = seen;
  }

  /**
   * Adds rows `from` to before `to` at once. Shard by shard, each made large enough first: a shard fits the processor's
   * cache where the whole table does not, so this is several times faster than adding in the order of the rows.
   */
  addRange(from: number, to: number, hashOf: (row: number) => number): void {
    const ends = new Uint32Array(this.#shards.length + 1);
    for (let row = from; row < to; row++) ends[(hashOf(row) >>> this.#shardShift) + 1]!++;
    for (let shard = 0; shard < this.#shards.length; shard++) ends[shard + 1]! += ends[shard]!;
    const rows = new Uint32Array(to - from);
    const next = ends.slice();
    for (let row = from; row < to; row++) rows[next[hashOf(row) >>> this.#shardShift]!++] = row;
    for (let shard = 0; shard < this.#shards.length; shard++) {
      const added = ends[shard + 1]! - ends[shard]!;
      this.#used[shard]! += added;
      while (this.#isFull(shard)) this.#grow(shard);
      const slots = this.#shards[shard]!;
      for (let at = ends[shard]!; at < ends[shard + 1]!; at++) place(slots, hashOf(rows[at]!), rows[at]!);
    }
  }

  /** Forgets all rows and keeps the memory. */
  clear(): void {
    for (const [shard, slots] of this.#shards.entries()) if (this.#used[shard]! > 0) slots.fill(0);
    this.#used.fill(0);
  }

  get bytes(): number {
    return this.#shards.reduce((sum, slots) => sum + slots.byteLength, 0);
  }

  #walk(): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    const hash = this.#hash;
    let at = this.#at;
    // Ends: a shard is never full.
    for (let row = slots[at]!; row !== 0; row = slots[at]!) {
      if (slots[at + 1] === hash) {
        this.#at = at;
        return row - 1;
      }
      at = (at + SLOT_WORDS) & mask;
    }
    return -1;
  }

  #isFull(shard: number): boolean {
    const fill = FILL_LEAST + ((FILL_MOST - FILL_LEAST) * shard) / this.#used.length;
    return this.#used[shard]! * SLOT_WORDS > this.#shards[shard]!.length * fill;
  }

  #grow(shard: number): Uint32Array {
    const before = this.#shards[shard]!;
    const slots = new Uint32Array(before.length * 2);
    for (let at = 0; at < before.length; at += SLOT_WORDS) {
      if (before[at] !== 0) place(slots, before[at + 1]!, before[at]! - 1);
    }
    this.#shards[shard] = slots;
    return slots;
  }
}

/** Shards are chosen by the upper bits of the hash, slots by the lower. */
function slotOf(hash: number, slots: Uint32Array): number {
  return (hash << 1) & (slots.length - 1);
}

function place(slots: Uint32Array, hash: number, row: number): void {
  const mask = slots.length - 1;
  let at = slotOf(hash, slots);
  while (slots[at] !== 0) at = (at + SLOT_WORDS) & mask;
  slots[at] = row + 1;
  slots[at + 1] = hash;
}
