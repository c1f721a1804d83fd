import { xxh64Low } from '../../hash/index.ts';

/** Candidates beyond the wanted ones that are kept before the rest is thrown away. */
const SLACK = 4096;

interface Chosen {
  readonly hash: number;
  /** The how-manieth signal of the tenant it is. */
  readonly ordinal: number;
}

const message = new Uint8Array(12);
const view = new DataView(message.buffer);

/**
 * As many moments as are wanted, those with the smallest hashes of their positions: the same of the same log every time, and of
 * a larger sample the smaller one is a part.
 */
export class MomentSample {
  readonly #wanted: number;
  #kept: Chosen[] = [];
  #offered = 0;

  /** `wanted` null: all. */
  constructor(wanted: number | null) {
    this.#wanted = wanted ?? Number.POSITIVE_INFINITY;
  }

  /** How many there were to choose from. */
  get offered(): number {
    return this.#offered;
  }

  /** `position` is the sequence of the signal's entry, `index` its place within. */
  offer(position: number, index: number, ordinal: number): void {
    view.setFloat64(0, position, true);
    view.setUint32(8, index, true);
    this.#offered += 1;
    this.#kept.push({ hash: xxh64Low(message, 0, message.length), ordinal });
    if (this.#kept.length > this.#wanted * 2 + SLACK) this.#cut();
  }

  /** Ordinals, ascending. */
  chosen(): Float64Array {
    this.#cut();
    return Float64Array.from(this.#kept, ({ ordinal }) => ordinal).sort();
  }

  #cut(): void {
    if (this.#kept.length <= this.#wanted) return;
    this.#kept.sort((a, b) => a.hash - b.hash || a.ordinal - b.ordinal);
    this.#kept = this.#kept.slice(0, this.#wanted);
  }
}
