/** A set of groups as it was when a question was asked: in order for runs, as bits for single events. */
export class GroupSet {
  /** Ascending. */
  readonly numbers: Uint32Array;
  readonly #bits: Uint32Array;

  /** `numbers`: ascending, not to be changed any more. */
  constructor(numbers: Uint32Array) {
    this.numbers = numbers;
    this.#bits = new Uint32Array(numbers.length === 0 ? 0 : (numbers.at(-1)! >>> 5) + 1);
    for (const number of numbers) this.#bits[number >>> 5]! |= 1 << (number & 31);
  }

  has(number: number): boolean {
    return ((this.#bits[number >>> 5] ?? 0) & (1 << (number & 31))) !== 0;
  }

  isSameAs(other: GroupSet): boolean {
    if (this.numbers.length !== other.numbers.length) return false;
    for (let at = 0; at < this.numbers.length; at++) if (this.numbers[at] !== other.numbers[at]) return false;
    return true;
  }

  /** Those that are in this one only. */
  without(other: GroupSet): GroupSet {
    return new GroupSet(this.numbers.filter((number) => !other.has(number)));
  }
}
