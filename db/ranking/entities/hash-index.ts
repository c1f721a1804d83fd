/**
 * Numbers by a 32-bit hash of what they stand for: open addressing, number and hash side by side. It gives candidates, which
 * the caller compares. It is cut into shards that grow one at a time and at different fill levels, so that no single
 * insertion pays for all of them.
 */
const SHARD_BITS = 5;
const SHARDS = 1 << SHARD_BITS;
const SHARD_SHIFT = 32 - SHARD_BITS;
const SLOTS_FIRST = 4;
/** Words of a slot: number (0 when free), hash. */
const SLOT_WORDS = 2;
const FILL_LEAST = 0.45;
const FILL_MOST = 0.7;
const NONE = new Uint32Array(SLOT_WORDS);

export class HashIndex {
  readonly #shards: Uint32Array[] = Array.from({ length: SHARDS }, () => NONE);
  readonly #used = new Uint32Array(SHARDS);
  // The walk that `first` starts and `next` goes on with: an iterator for each lookup would be garbage.
  #slots: Uint32Array = NONE;
  #at = 0;
  #hash = 0;

  /** First number under the hash, or 0. Ends any walk begun before. */
  first(hash: number): number {
    const slots = this.#shards[hash >>> SHARD_SHIFT]!;
    this.#slots = slots;
    this.#hash = hash;
    this.#at = slotOf(hash, slots);
    return this.#walk();
  }

  /** Next number under the same hash, or 0. Not to be called again after that. */
  next(): number {
    this.#at = (this.#at + SLOT_WORDS) & (this.#slots.length - 1);
    return this.#walk();
  }

  add(hash: number, number: number): void {
    const shard = hash >>> SHARD_SHIFT;
    this.#used[shard]! += 1;
    const fill = FILL_LEAST + ((FILL_MOST - FILL_LEAST) * shard) / SHARDS;
    const full = this.#used[shard]! * SLOT_WORDS > this.#shards[shard]!.length * fill;
    place(full ? this.#grow(shard) : this.#shards[shard]!, hash, number);
  }

  get bytes(): number {
    return this.#shards.reduce((sum, slots) => sum + slots.byteLength, 0);
  }

  #walk(): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let at = this.#at;
    // Ends: a shard is never full.
    for (let number = slots[at]!; number !== 0; number = slots[at]!) {
      if (slots[at + 1] === this.#hash) {
        this.#at = at;
        return number;
      }
      at = (at + SLOT_WORDS) & mask;
    }
    return 0;
  }

  #grow(shard: number): Uint32Array {
    const before = this.#shards[shard]!;
    const slots = new Uint32Array(Math.max(SLOTS_FIRST * SLOT_WORDS, before.length * 2));
    for (let at = 0; at < before.length; at += SLOT_WORDS)
      if (before[at] !== 0) place(slots, before[at + 1]!, before[at]!);
    this.#shards[shard] = slots;
    return slots;
  }
}

/** Shards are chosen by the upper bits of the hash, slots by the lower. */
function slotOf(hash: number, slots: Uint32Array): number {
  return (hash << 1) & (slots.length - 1);
}

function place(slots: Uint32Array, hash: number, number: number): void {
  const mask = slots.length - 1;
  let at = slotOf(hash, slots);
  while (slots[at] !== 0) at = (at + SLOT_WORDS) & mask;
  slots[at] = number;
  slots[at + 1] = hash;
}
