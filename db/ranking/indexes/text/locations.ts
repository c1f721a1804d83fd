/** In which shard each document is, and where in it, by its number. Pages are made where numbers are. */
import { SHARD_DOCUMENTS_MAX } from './shard.ts';

const PAGE_BITS = 14;
const PAGE_NUMBERS = 1 << PAGE_BITS;
export const NOWHERE = 0;
/** Slots of segments are from 1, as 0 is nowhere; the tail's is the last. */
export const TAIL_SLOT = 0xffff;

export class Locations {
  readonly #pages = new Map<number, Uint32Array>();

  /** Slot and place in one, or NOWHERE. */
  get(number: number): number {
    return this.#pages.get(number >>> PAGE_BITS)?.[number & (PAGE_NUMBERS - 1)] ?? NOWHERE;
  }

  set(number: number, slot: number, local: number): void {
    this.#page(number)[number & (PAGE_NUMBERS - 1)] = slot * SHARD_DOCUMENTS_MAX + local;
  }

  clear(number: number): void {
    this.#page(number)[number & (PAGE_NUMBERS - 1)] = NOWHERE;
  }

  get bytes(): number {
    return this.#pages.size * PAGE_NUMBERS * Uint32Array.BYTES_PER_ELEMENT;
  }

  #page(number: number): Uint32Array {
    const place = number >>> PAGE_BITS;
    let page = this.#pages.get(place);
    if (page === undefined) {
      page = new Uint32Array(PAGE_NUMBERS);
      this.#pages.set(place, page);
    }
    return page;
  }
}

export function slotOf(location: number): number {
  return location >>> 16;
}

export function localOf(location: number): number {
  return location & (SHARD_DOCUMENTS_MAX - 1);
}
