import { xxh64 } from '../hash/index.ts';
import type { SimPlan } from './plan.ts';
import { Random } from './random.ts';

const POOL = new Random(1, 'pool').bytes(1 << 18);

/** Content of entries: different each time, cheap to make. */
export class Payloads {
  readonly #random: Random;
  readonly #plan: SimPlan;
  #made = 0;

  constructor(random: Random, plan: SimPlan) {
    this.#random = random;
    this.#plan = plan;
  }

  next(): Uint8Array {
    const length = this.#length();
    const start = this.#random.below(POOL.length - length);
    const bytes = POOL.slice(start, start + length);
    this.#made += 1;
    if (length >= 8) new DataView(bytes.buffer).setFloat64(0, this.#made + this.#random.next() / 2 ** 32);
    // A payload may well look like space nobody has written.
    if (this.#random.chance(0.05)) bytes.fill(0, Math.min(16, length));
    return bytes;
  }

  #length(): number {
    const { bulk, entryBytesMax } = this.#plan;
    const small = this.#random.pick([1, 8, 100, 450, 1000]) + this.#random.below(40);
    if (bulk === 'small') return small;
    if (bulk === 'large' || this.#random.chance(0.3)) return this.#random.between(1000, entryBytesMax);
    return small;
  }
}

export function hashOf(bytes: Uint8Array): bigint {
  return xxh64(bytes);
}
