/**
 * The sum of any number of doubles without rounding on the way: the same in whatever order they come, and what was added can
 * be taken away again. It is a whole number times a power of two, as long as it must be; only what it is read as is rounded.
 */
import { TruthError } from '../errors.ts';

const MANTISSA_BITS = 53;
const EXPONENT_MIN = -1_074;
/** Bits 52 to 62 of a double, and what 1.0 has there. */
const EXPONENT_MASK = 0x7ff;
const EXPONENT_BIAS = 1_075;
const HIGH_MANTISSA = 0x10_0000;
const U32 = 0x1_0000_0000;

/** All there is to a sum: equal sums have equal states. */
export interface ExactSumState {
  /** Odd, or 0. */
  readonly mantissa: bigint;
  readonly exponent: number;
  /** How many of each were added and not taken away. */
  readonly nans: number;
  readonly positiveInfinities: number;
  readonly negativeInfinities: number;
}

const bits = new DataView(new ArrayBuffer(8));

export class ExactSum {
  #mantissa = 0n;
  #exponent = 0;
  #nans = 0;
  #positiveInfinities = 0;
  #negativeInfinities = 0;

  static from(state: ExactSumState): ExactSum {
    const sum = new ExactSum();
    sum.#mantissa = state.mantissa;
    sum.#exponent = state.exponent;
    sum.#nans = state.nans;
    sum.#positiveInfinities = state.positiveInfinities;
    sum.#negativeInfinities = state.negativeInfinities;
    return sum;
  }

  add(value: number): void {
    if (Number.isFinite(value)) this.#accumulate(value);
    else this.#count(value, 1);
  }

  /** Of a value that was added before. */
  subtract(value: number): void {
    if (Number.isFinite(value)) this.#accumulate(-value);
    else this.#count(value, -1);
  }

  /** The nearest double, a tie to the even one; infinite where the sum is too large for one. A sum of zero is 0, never -0. */
  toDouble(): number {
    const isPositive = this.#positiveInfinities > 0;
    const isNegative = this.#negativeInfinities > 0;
    if (this.#nans > 0 || (isPositive && isNegative)) return Number.NaN;
    if (isPositive) return Number.POSITIVE_INFINITY;
    if (isNegative) return Number.NEGATIVE_INFINITY;
    return rounded(this.#mantissa, this.#exponent);
  }

  /** Whether an infinity or NaN is among what was added. */
  get isFinite(): boolean {
    return this.#nans + this.#positiveInfinities + this.#negativeInfinities === 0;
  }

  state(): ExactSumState {
    const { mantissa, exponent } = reduced(this.#mantissa, this.#exponent);
    return {
      mantissa,
      exponent,
      nans: this.#nans,
      positiveInfinities: this.#positiveInfinities,
      negativeInfinities: this.#negativeInfinities,
    };
  }

  #accumulate(value: number): void {
    if (value === 0) return;
    bits.setFloat64(0, value);
    const high = bits.getUint32(0);
    const raw = (high >>> 20) & EXPONENT_MASK;
    // Below the normal numbers there is no leading bit, and the exponent stays that of the smallest of them.
    const head = raw === 0 ? high & (HIGH_MANTISSA - 1) : (high & (HIGH_MANTISSA - 1)) | HIGH_MANTISSA;
    const exponent = (raw === 0 ? 1 : raw) - EXPONENT_BIAS;
    const size = BigInt(head * U32 + bits.getUint32(4));
    const mantissa = value < 0 ? -size : size;
    if (this.#mantissa === 0n) {
      this.#mantissa = mantissa;
      this.#exponent = exponent;
    } else if (exponent >= this.#exponent) {
      this.#mantissa += mantissa << BigInt(exponent - this.#exponent);
    } else {
      this.#mantissa = (this.#mantissa << BigInt(this.#exponent - exponent)) + mantissa;
      this.#exponent = exponent;
    }
  }

  #count(value: number, step: 1 | -1): void {
    if (Number.isNaN(value)) this.#nans += step;
    else if (value > 0) this.#positiveInfinities += step;
    else this.#negativeInfinities += step;
    if (Math.min(this.#nans, this.#positiveInfinities, this.#negativeInfinities) < 0) {
      throw new TruthError(
        'INTERNAL',
        `${value} was taken from a sum it was never added to; please report it`,
      );
    }
  }
}

function reduced(mantissa: bigint, exponent: number): { mantissa: bigint; exponent: number } {
  if (mantissa === 0n) return { mantissa, exponent: 0 };
  const size = (mantissa < 0n ? -mantissa : mantissa).toString(2);
  const zeros = size.length - 1 - size.lastIndexOf('1');
  return { mantissa: mantissa >> BigInt(zeros), exponent: exponent + zeros };
}

function rounded(mantissa: bigint, exponent: number): number {
  if (mantissa === 0n) return 0;
  const isNegative = mantissa < 0n;
  const size = isNegative ? -mantissa : mantissa;
  const length = size.toString(16).length * 4;
  const leading = size.toString(16).charCodeAt(0);
  // The first hexadecimal digit has one to four bits.
  const spare = leading <= 0x31 ? 3 : leading <= 0x33 ? 2 : leading <= 0x37 ? 1 : 0;
  const unit = Math.max(length - spare + exponent - MANTISSA_BITS, EXPONENT_MIN);
  const value = scaled(Number(shiftedToEven(size, unit - exponent)), unit);
  return isNegative ? -value : value;
}

/** `size` without its lowest `count` bits, a tie to the even number; with zeros behind it where `count` is negative. */
function shiftedToEven(size: bigint, count: number): bigint {
  if (count <= 0) return size << BigInt(-count);
  const kept = size >> BigInt(count);
  const rest = size - (kept << BigInt(count));
  const half = 1n << BigInt(count - 1);
  return rest > half || (rest === half && (kept & 1n) === 1n) ? kept + 1n : kept;
}

/** A whole number of at most 53 bits times two to the `unit`, which gives a double exactly, or is too large. */
function scaled(whole: number, unit: number): number {
  // No single power reaches from the smallest to the largest.
  if (unit > 971) return Number.POSITIVE_INFINITY;
  if (unit < -1_022) return whole * Number.MIN_VALUE * powerOfTwo(unit - EXPONENT_MIN);
  return whole * powerOfTwo(unit);
}

/** `exponent` from -1022 to 1023. */
function powerOfTwo(exponent: number): number {
  bits.setUint32(0, (exponent + 1_023) << 20);
  bits.setUint32(4, 0);
  return bits.getFloat64(0);
}
