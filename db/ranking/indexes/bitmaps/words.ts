/** Bits of 65,536 numbers as 2,048 words of 32, bit 0 of word 0 first. */

export const WORDS = 2_048;

export function bitsOf(list: Uint16Array, size: number): Uint32Array {
  const bits = new Uint32Array(WORDS);
  for (let at = 0; at < size; at++) {
    const low = list[at]!;
    bits[low >>> 5]! |= 1 << (low & 31);
  }
  return bits;
}

/** The numbers whose bits are set, ascending; `size` says how many there are. */
export function listOf(bits: Uint32Array, size: number): Uint16Array {
  const list = new Uint16Array(size);
  let at = 0;
  for (let word = 0; word < WORDS; word++) {
    for (let rest = bits[word]! | 0; rest !== 0; rest &= rest - 1)
      list[at++] = (word << 5) + 31 - Math.clz32(rest & -rest);
  }
  return list;
}

/** The same of the bits that are set in both. */
export function commonListOf(a: Uint32Array, b: Uint32Array, size: number): Uint16Array {
  const list = new Uint16Array(size);
  let at = 0;
  for (let word = 0; word < WORDS; word++) {
    for (let rest = a[word]! & b[word]!; rest !== 0; rest &= rest - 1)
      list[at++] = (word << 5) + 31 - Math.clz32(rest & -rest);
  }
  return list;
}

/** How many bits are set in both. */
export function countBits(a: Uint32Array, b: Uint32Array): number {
  let count = 0;
  for (let word = 0; word < WORDS; word++) count += ones(a[word]! & b[word]!);
  return count;
}

/** Set bits of a word of 32. Source: Warren, Hacker's Delight (2013), 5-1. */
function ones(word: number): number {
  const pairs = word - ((word >>> 1) & 0x5555_5555);
  const fours = (pairs & 0x3333_3333) + ((pairs >>> 2) & 0x3333_3333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
}
