/**
 * The order of cells in a hash table, by group, then item: few are put in place one by one, many byte by byte from the least
 * (radix sort), without comparisons.
 */

const FEW = 40;
/** Where item and group lie in a slot. */
const ITEM = 0;
const GROUP = 1;

/** Slots in order; they are not in any order afterwards themselves. A slot is `stride` of the `words`; `bits` are those that any item, and any group, has. */
export function cellOrder(
  slots: Uint32Array,
  words: Uint32Array,
  stride: number,
  bits: readonly [number, number],
): Uint32Array {
  return slots.length <= FEW ? placed(slots, words, stride) : scattered(slots, words, stride, bits);
}

function placed(order: Uint32Array, words: Uint32Array, stride: number): Uint32Array {
  for (let next = 1; next < order.length; next++) {
    const slot = order[next]! * stride;
    let at = next;
    while (at > 0 && isBehind(words, order[at - 1]! * stride, slot)) {
      order[at] = order[at - 1]!;
      at -= 1;
    }
    order[at] = slot / stride;
  }
  return order;
}

function isBehind(words: Uint32Array, one: number, other: number): boolean {
  if (words[one + GROUP] !== words[other + GROUP]) return words[one + GROUP]! > words[other + GROUP]!;
  return words[one + ITEM]! > words[other + ITEM]!;
}

function scattered(
  slots: Uint32Array,
  words: Uint32Array,
  stride: number,
  bits: readonly [number, number],
): Uint32Array {
  let from = slots;
  let to: Uint32Array = new Uint32Array(slots.length);
  for (const key of [ITEM, GROUP] as const) {
    for (let shift = 0; shift < 32; shift += 8) {
      if (((bits[key] >>> shift) & 0xff) === 0) continue;
      scatter(from, to, words, stride, key, shift);
      [from, to] = [to, from];
    }
  }
  return from;
}

const next = new Uint32Array(257);

function scatter(
  from: Uint32Array,
  to: Uint32Array,
  words: Uint32Array,
  stride: number,
  key: number,
  shift: number,
): void {
  next.fill(0);
  for (let at = 0; at < from.length; at++)
    next[((words[from[at]! * stride + key]! >>> shift) & 0xff) + 1]! += 1;
  for (let byte = 0; byte < 256; byte++) next[byte + 1]! += next[byte]!;
  for (let at = 0; at < from.length; at++) {
    const slot = from[at]!;
    const byte = (words[slot * stride + key]! >>> shift) & 0xff;
    to[next[byte]!++] = slot;
  }
}
