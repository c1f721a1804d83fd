/**
 * The members of a bitmap that have their upper 16 bits in common, by their lower 16: a sorted list while they are few, a bit
 * for each of the 65,536 when they are many. Source: Lemire et al., "Roaring Bitmaps: Implementation of an Optimized Software
 * Library" (2018). Neither form is chosen by what happened before in a way that shows: both have the same members.
 */
import { common, firstAtLeast } from './sorted.ts';
import { bitsOf, countBits, listOf, WORDS } from './words.ts';

/** More than this take less as bits: 8 KiB. The serialised form has the same limit. */
export const LIST_MAX = 4_096;
/**
 * Bits become a list only below this: one member coming and going shall not turn the form over each time, and picking few bits
 * out of many costs more than it saves where a set is only combined with the next.
 */
export const LIST_AGAIN = 1_024;
const LIST_FIRST = 4;
/** Takes what is only counted. */
const unused = new Uint16Array(LIST_MAX);

export class Container {
  size: number;
  /** Ascending, the first `size` of it count; null where there are bits. */
  list: Uint16Array | null;
  bits: Uint32Array | null;
  /** Several bitmaps have it: to be copied before it is changed. */
  shared = false;

  private constructor(size: number, list: Uint16Array | null, bits: Uint32Array | null) {
    this.size = size;
    this.list = list;
    this.bits = bits;
  }

  static empty(): Container {
    return new Container(0, new Uint16Array(LIST_FIRST), null);
  }

  /** Takes over an ascending list without doubles of at most `LIST_MAX`; `size` of it count. */
  static ofList(list: Uint16Array, size: number): Container {
    return new Container(size, list, null);
  }

  /** Takes over bits, of which `size` are set, and keeps them or makes a list of them. */
  static ofBits(bits: Uint32Array, size: number): Container {
    return size >= LIST_AGAIN
      ? new Container(size, null, bits)
      : new Container(size, listOf(bits, size), null);
  }

  /** Takes over ascending members without doubles, however many. */
  static ofMembers(members: Uint16Array): Container {
    const size = members.length;
    return size > LIST_MAX
      ? new Container(size, null, bitsOf(members, size))
      : new Container(size, members, null);
  }

  copy(): Container {
    return new Container(this.size, this.list?.slice() ?? null, this.bits?.slice() ?? null);
  }

  has(low: number): boolean {
    const { bits } = this;
    if (bits !== null) return ((bits[low >>> 5]! >>> (low & 31)) & 1) === 1;
    const list = this.list!;
    const at = firstAtLeast(list, 0, this.size, low);
    return at < this.size && list[at] === low;
  }

  /** Whether it was new. */
  add(low: number): boolean {
    if (this.bits === null && this.size === LIST_MAX && !this.has(low)) this.#becomeBits();
    return this.bits === null ? this.#addToList(low) : this.#setBit(this.bits, low);
  }

  /** Whether it was there. */
  remove(low: number): boolean {
    if (!this.has(low)) return false;
    this.size -= 1;
    if (this.bits !== null) {
      this.bits[low >>> 5]! &= ~(1 << (low & 31));
      if (this.size < LIST_AGAIN) this.#becomeList(this.bits);
    } else {
      const list = this.list!;
      const at = firstAtLeast(list, 0, this.size + 1, low);
      list.copyWithin(at, at + 1, this.size + 1);
    }
    return true;
  }

  /** Writes all members plus `base` to `out` from `at` on; returns where it stopped. */
  copyTo(out: Uint32Array, at: number, base: number): number {
    const { list, bits, size } = this;
    let next = at;
    if (list !== null) {
      for (let each = 0; each < size; each++) out[next++] = base + list[each]!;
      return next;
    }
    for (let word = 0; word < WORDS; word++) {
      for (let rest = bits![word]! | 0; rest !== 0; rest &= rest - 1)
        out[next++] = base + (word << 5) + 31 - Math.clz32(rest & -rest);
    }
    return next;
  }

  /** All members, ascending. */
  members(): Uint16Array {
    return this.list === null ? listOf(this.bits!, this.size) : this.list.subarray(0, this.size);
  }

  /** A copy with a bit for each. */
  asBits(): Uint32Array {
    return this.bits === null ? bitsOf(this.list!, this.size) : this.bits.slice();
  }

  get bytes(): number {
    return (this.list ?? this.bits!).byteLength;
  }

  #addToList(low: number): boolean {
    const { size } = this;
    const list = this.list!;
    // Numbers are given out in order: most come behind the last.
    const at = size === 0 || list[size - 1]! < low ? size : firstAtLeast(list, 0, size, low);
    if (at < size && list[at] === low) return false;
    const into = size < list.length ? list : grown(list);
    if (at < size) into.copyWithin(at + 1, at, size);
    into[at] = low;
    this.list = into;
    this.size = size + 1;
    return true;
  }

  #setBit(bits: Uint32Array, low: number): boolean {
    const word = low >>> 5;
    const before = bits[word]!;
    const after = (before | (1 << (low & 31))) >>> 0;
    if (after === before) return false;
    bits[word] = after;
    this.size += 1;
    return true;
  }

  #becomeBits(): void {
    this.bits = bitsOf(this.list!, this.size);
    this.list = null;
  }

  #becomeList(bits: Uint32Array): void {
    this.list = listOf(bits, this.size);
    this.bits = null;
  }
}

/** Number of members that two have in common, without making them. */
export function commonSize(a: Container, b: Container): number {
  if (a.bits !== null && b.bits !== null) return countBits(a.bits, b.bits);
  if (a.list === null) return commonSize(b, a);
  if (b.list !== null) return common(a.list, a.size, b.list, b.size, unused);
  let size = 0;
  for (let at = 0; at < a.size; at++) if (b.has(a.list[at]!)) size += 1;
  return size;
}

function grown(list: Uint16Array): Uint16Array {
  const more = new Uint16Array(Math.min(LIST_MAX, Math.max(LIST_FIRST, list.length * 2)));
  more.set(list);
  return more;
}
