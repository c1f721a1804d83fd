/**
 * A set of numbers below 2^32 in little memory: by their upper 16 bits, each with a container of its own. A copy shares the
 * containers until one of the two changes them, so it costs a few words for each 65,536 numbers.
 */
import { invariant } from '../../../kernel/index.ts';
import type { NumberSet } from '../../reading.ts';
import { difference, intersection, union } from './combine.ts';
import { Container, commonSize } from './container.ts';
import { WORDS } from './words.ts';

const CONTAINER_NUMBERS = 65_536;
const ALL_ONES = 0xffff_ffff;

export class Bitmap implements NumberSet {
  /** Upper 16 bits, ascending; each beside its container. None is without members. */
  #keys: number[] = [];
  #containers: Container[] = [];
  #size = 0;
  /** What `freeze` gave, as long as nothing has changed since. */
  #snapshot: Bitmap | null = null;
  #frozen = false;

  static of(numbers: Iterable<number>): Bitmap {
    const bitmap = new Bitmap();
    for (const number of numbers) bitmap.add(number);
    return bitmap;
  }

  /** Of ascending numbers without doubles. */
  static fromSorted(numbers: Uint32Array): Bitmap {
    const bitmap = new Bitmap();
    for (let from = 0, to = 0; from < numbers.length; from = to) {
      const key = numbers[from]! >>> 16;
      while (to < numbers.length && numbers[to]! >>> 16 === key) to += 1;
      bitmap.#push(key, Container.ofMembers(Uint16Array.from(numbers.subarray(from, to))));
    }
    return bitmap;
  }

  /** All numbers from `first` to before `end`. */
  static range(first: number, end: number): Bitmap {
    const bitmap = new Bitmap();
    for (let from = first, to = 0; from < end; from = to) {
      const key = Math.floor(from / CONTAINER_NUMBERS);
      to = Math.min(end, (key + 1) * CONTAINER_NUMBERS);
      bitmap.#push(key, rangeContainer(from % CONTAINER_NUMBERS, to - from));
    }
    return bitmap;
  }

  /** Takes over what a parser made: keys ascending, no container without members. */
  static ofContainers(entries: readonly (readonly [key: number, container: Container])[]): Bitmap {
    const bitmap = new Bitmap();
    for (const [key, container] of entries) bitmap.#push(key, container);
    return bitmap;
  }

  get size(): number {
    return this.#size;
  }

  has(number: number): boolean {
    const at = this.#find(number >>> 16);
    return at >= 0 && this.#containers[at]!.has(number & 0xffff);
  }

  /** Whether it was new. */
  add(number: number): boolean {
    invariant(!this.#frozen, 'a frozen bitmap is not changed');
    const key = number >>> 16;
    const at = this.#find(key);
    const container = at >= 0 ? this.#containers[at]! : this.#insert(~at, key);
    if (container.shared && container.has(number & 0xffff)) return false;
    if (!this.#own(at >= 0 ? at : ~at).add(number & 0xffff)) return false;
    this.#changed(1);
    return true;
  }

  /** Whether it was there. */
  remove(number: number): boolean {
    invariant(!this.#frozen, 'a frozen bitmap is not changed');
    const at = this.#find(number >>> 16);
    if (at < 0 || !this.#containers[at]!.has(number & 0xffff)) return false;
    const container = this.#own(at);
    container.remove(number & 0xffff);
    if (container.size === 0) {
      this.#keys.splice(at, 1);
      this.#containers.splice(at, 1);
    }
    this.#changed(-1);
    return true;
  }

  and(other: Bitmap): Bitmap {
    const result = new Bitmap();
    this.#withCommonKeys(other, (key, mine, theirs) => {
      const container = intersection(mine, theirs);
      if (container !== null) result.#push(key, container);
    });
    return result;
  }

  or(other: Bitmap): Bitmap {
    const result = new Bitmap();
    let theirs = 0;
    for (let mine = 0; mine < this.#keys.length; mine++) {
      const key = this.#keys[mine]!;
      for (; theirs < other.#keys.length && other.#keys[theirs]! < key; theirs++)
        result.#pushShared(other.#keys[theirs]!, other.#containers[theirs]!);
      if (other.#keys[theirs] === key)
        result.#push(key, union(this.#containers[mine]!, other.#containers[theirs++]!));
      else result.#pushShared(key, this.#containers[mine]!);
    }
    for (; theirs < other.#keys.length; theirs++)
      result.#pushShared(other.#keys[theirs]!, other.#containers[theirs]!);
    return result;
  }

  /** What this one has and the other does not. */
  andNot(other: Bitmap): Bitmap {
    const result = new Bitmap();
    for (let mine = 0; mine < this.#keys.length; mine++) {
      const key = this.#keys[mine]!;
      const theirs = other.#find(key);
      if (theirs < 0) {
        result.#pushShared(key, this.#containers[mine]!);
        continue;
      }
      const container = difference(this.#containers[mine]!, other.#containers[theirs]!);
      if (container !== null) result.#push(key, container);
    }
    return result;
  }

  /** Size of `and`, without making it. */
  andSize(other: Bitmap): number {
    let size = 0;
    this.#withCommonKeys(other, (_, mine, theirs) => {
      size += commonSize(mine, theirs);
    });
    return size;
  }

  *[Symbol.iterator](): Generator<number> {
    for (let at = 0; at < this.#keys.length; at++) {
      const container = this.#containers[at]!;
      const numbers = new Uint32Array(container.size);
      container.copyTo(numbers, 0, this.#keys[at]! * CONTAINER_NUMBERS);
      yield* numbers;
    }
  }

  /** Ascending, in an array of its own. */
  toArray(): Uint32Array {
    const numbers = new Uint32Array(this.#size);
    let next = 0;
    for (let at = 0; at < this.#keys.length; at++)
      next = this.#containers[at]!.copyTo(numbers, next, this.#keys[at]! * CONTAINER_NUMBERS);
    return numbers;
  }

  /** One with the same members that goes its own way. */
  clone(): Bitmap {
    const copy = new Bitmap();
    copy.#keys = this.#keys.slice();
    copy.#containers = this.#containers.slice();
    copy.#size = this.#size;
    for (const container of this.#containers) container.shared = true;
    return copy;
  }

  /** The members of this moment, for good. The same one is given until something changes. */
  freeze(): Bitmap {
    if (this.#frozen) return this;
    if (this.#snapshot === null) {
      this.#snapshot = this.clone();
      this.#snapshot.#frozen = true;
    }
    return this.#snapshot;
  }

  /** Upper 16 bits and what is below them, ascending. Not to be changed. */
  containers(): readonly (readonly [key: number, container: Container])[] {
    return this.#keys.map((key, at) => [key, this.#containers[at]!] as const);
  }

  /** Memory taken, about; what is shared counts for each that has it. */
  get bytes(): number {
    return this.#containers.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Index of a key, or the complement of where it belongs. */
  #find(key: number): number {
    const keys = this.#keys;
    // Entity numbers are dense, so mostly a key stands at its own index.
    if (keys[key] === key) return key;
    let low = 0;
    let high = keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (keys[middle]! < key) low = middle + 1;
      else high = middle;
    }
    return keys[low] === key ? low : ~low;
  }

  #insert(at: number, key: number): Container {
    const container = Container.empty();
    this.#keys.splice(at, 0, key);
    this.#containers.splice(at, 0, container);
    return container;
  }

  #own(at: number): Container {
    const container = this.#containers[at]!;
    if (!container.shared) return container;
    const copy = container.copy();
    this.#containers[at] = copy;
    return copy;
  }

  #changed(by: number): void {
    this.#size += by;
    this.#snapshot = null;
  }

  #push(key: number, container: Container): void {
    this.#keys.push(key);
    this.#containers.push(container);
    this.#size += container.size;
  }

  #pushShared(key: number, container: Container): void {
    container.shared = true;
    this.#push(key, container);
  }

  #withCommonKeys(other: Bitmap, use: (key: number, mine: Container, theirs: Container) => void): void {
    let theirs = 0;
    for (let mine = 0; mine < this.#keys.length; mine++) {
      const key = this.#keys[mine]!;
      while (theirs < other.#keys.length && other.#keys[theirs]! < key) theirs += 1;
      if (theirs === other.#keys.length) return;
      if (other.#keys[theirs] === key) use(key, this.#containers[mine]!, other.#containers[theirs]!);
    }
  }
}

/** `count` members from `first` on. */
function rangeContainer(first: number, count: number): Container {
  if (first === 0 && count === CONTAINER_NUMBERS)
    return Container.ofBits(new Uint32Array(WORDS).fill(ALL_ONES), CONTAINER_NUMBERS);
  const members = new Uint16Array(count);
  for (let each = 0; each < count; each++) members[each] = first + each;
  return Container.ofMembers(members);
}
