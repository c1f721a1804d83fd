/** Containers out of two others. What goes in stays as it is; null stands for one without members. */
import { Container, LIST_AGAIN, LIST_MAX } from './container.ts';
import { common, merged } from './sorted.ts';
import { commonListOf, countBits, WORDS } from './words.ts';

export function intersection(a: Container, b: Container): Container | null {
  if (a.list !== null && b.list !== null) {
    const list = new Uint16Array(Math.min(a.size, b.size));
    return nonEmptyList(list, common(a.list, a.size, b.list, b.size, list));
  }
  if (a.list !== null) return filtered(a, b, true);
  if (b.list !== null) return filtered(b, a, true);
  const [aBits, bBits] = [a.bits!, b.bits!];
  const size = countBits(aBits, bBits);
  if (size === 0) return null;
  if (size < LIST_AGAIN) return Container.ofList(commonListOf(aBits, bBits, size), size);
  const bits = new Uint32Array(WORDS);
  for (let word = 0; word < WORDS; word++) bits[word] = aBits[word]! & bBits[word]!;
  return Container.ofBits(bits, size);
}

export function union(a: Container, b: Container): Container {
  if (a.list !== null && b.list !== null && a.size + b.size <= LIST_MAX) {
    const list = new Uint16Array(a.size + b.size);
    return Container.ofList(list, merged(a.list, a.size, b.list, b.size, list));
  }
  if (a.bits === null && b.bits !== null) return union(b, a);
  const bits = a.asBits();
  let { size } = a;
  if (b.list !== null) {
    for (let at = 0; at < b.size; at++) size += setBit(bits, b.list[at]!);
    return Container.ofBits(bits, size);
  }
  const others = b.bits!;
  for (let word = 0; word < WORDS; word++) bits[word]! |= others[word]!;
  return Container.ofBits(bits, countBits(bits, bits));
}

/** What `a` has and `b` does not. */
export function difference(a: Container, b: Container): Container | null {
  if (a.list !== null) return filtered(a, b, false);
  const bits = a.bits!.slice();
  let { size } = a;
  if (b.list !== null) {
    for (let at = 0; at < b.size; at++) size -= clearBit(bits, b.list[at]!);
  } else {
    const others = b.bits!;
    for (let word = 0; word < WORDS; word++) bits[word]! &= ~others[word]!;
    size = countBits(bits, bits);
  }
  return size === 0 ? null : Container.ofBits(bits, size);
}

/** Those of a list that another has, or those that it lacks. */
function filtered({ list, size }: Container, other: Container, wanted: boolean): Container | null {
  const kept = new Uint16Array(size);
  let count = 0;
  for (let at = 0; at < size; at++) {
    const low = list![at]!;
    if (other.has(low) === wanted) kept[count++] = low;
  }
  return nonEmptyList(kept, count);
}

function nonEmptyList(list: Uint16Array, size: number): Container | null {
  return size === 0 ? null : Container.ofList(size * 2 < list.length ? list.slice(0, size) : list, size);
}

/** 1 where it was not set. */
function setBit(bits: Uint32Array, low: number): 0 | 1 {
  const word = low >>> 5;
  const before = bits[word]!;
  bits[word] = before | (1 << (low & 31));
  return bits[word] === before ? 0 : 1;
}

/** 1 where it was set. */
function clearBit(bits: Uint32Array, low: number): 0 | 1 {
  const word = low >>> 5;
  const before = bits[word]!;
  bits[word] = before & ~(1 << (low & 31));
  return bits[word] === before ? 0 : 1;
}
