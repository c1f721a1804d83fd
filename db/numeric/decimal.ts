/**
 * Exact decimal numbers, PostgreSQL's `numeric` without NaN and the infinities: `unscaled` / 10^`scale`. The scale is part of
 * how a number is written (1.50), not of its value; how many digits a result keeps follows numeric.c of PostgreSQL 15, digit
 * for digit. Never changed once made.
 */
import { TruthError } from '../errors.ts';
import { powerOfTen } from './powers.ts';

/** Digits behind the point a number can have, and digits before it: PostgreSQL's limits. */
const SCALE_MAX = 16_383;
const INTEGER_DIGITS_MAX = 131_072;
/** A division gives at least this many significant digits, and never more than 1000 digits behind the point. */
const SIGNIFICANT_DIGITS_MIN = 16;
const DIVISION_SCALE_MAX = 1_000;
/** PostgreSQL computes in digits of base 10,000, and its rules for scales count those. */
const BASE_DIGITS = 4;
/** Significant decimal digits that PostgreSQL takes from a double. */
const DOUBLE_DIGITS = 15;
const TEXT = /^[ \t\n\v\f\r]*([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?[ \t\n\v\f\r]*$/;

export class Decimal {
  static readonly ZERO = new Decimal(0n, 0);

  readonly unscaled: bigint;
  readonly scale: number;

  /** `scale`: whole, 0 to 16383. The caller answers for both; what comes from outside goes through `parse`. */
  constructor(unscaled: bigint, scale: number) {
    this.unscaled = unscaled;
    this.scale = scale;
  }

  /** Reads `-12.50`, `.5`, `1e3`, blanks around it. Throws INVALID_ARGUMENT, 22P02 or 22003 where it is too long. */
  static parse(text: string): Decimal {
    const match = TEXT.exec(text);
    const whole = match?.[2] ?? '';
    const fraction = match?.[3] ?? '';
    if (match === null || whole.length + fraction.length === 0) throw invalid(text);
    const exponent = match[4] === undefined ? 0 : Number(match[4]);
    if (Math.abs(exponent) > INTEGER_DIGITS_MAX + SCALE_MAX) throw overflow();
    const digits = (whole + fraction).replace(/^0+/, '');
    // Reading a number takes longer the more it has: what has too many is not read.
    if (digits.length > INTEGER_DIGITS_MAX + SCALE_MAX) throw overflow();
    const size = BigInt(digits);
    const unscaled = match[1] === '-' ? -size : size;
    const scale = fraction.length - exponent;
    return scale >= 0
      ? checked(unscaled, scale)
      : checked(unscaled === 0n ? 0n : unscaled * powerOfTen(-scale), 0);
  }

  static fromInteger(value: bigint | number): Decimal {
    return new Decimal(BigInt(value), 0);
  }

  /** The 15 significant digits that PostgreSQL takes. Throws INVALID_ARGUMENT (22003) for NaN and infinities. */
  static fromDouble(value: number): Decimal {
    if (!Number.isFinite(value)) {
      throw new TruthError(
        'INVALID_ARGUMENT',
        `cannot convert ${Number.isNaN(value) ? 'NaN' : 'infinity'} to numeric: decimals are finite here; keep it as DOUBLE`,
        { sqlstate: '22003' },
      );
    }
    const [mantissa = '0', exponent] = roundedDigits(value).split('e');
    const short = mantissa.includes('.') ? mantissa.replace(/\.?0+$/, '') : mantissa;
    return Decimal.parse(exponent === undefined ? short : `${short}e${exponent}`);
  }

  toString(): string {
    if (this.scale === 0) return this.unscaled.toString();
    const negative = this.unscaled < 0n;
    const digits = (negative ? -this.unscaled : this.unscaled).toString().padStart(this.scale + 1, '0');
    const point = digits.length - this.scale;
    return `${negative ? '-' : ''}${digits.slice(0, point)}.${digits.slice(point)}`;
  }

  get sign(): -1 | 0 | 1 {
    return this.unscaled > 0n ? 1 : this.unscaled < 0n ? -1 : 0;
  }

  /** By value: 1.0 and 1.00 are equal. */
  compare(other: Decimal): -1 | 0 | 1 {
    let left = this.unscaled;
    let right = other.unscaled;
    if (this.scale < other.scale) left *= powerOfTen(other.scale - this.scale);
    else if (this.scale > other.scale) right *= powerOfTen(this.scale - other.scale);
    return left < right ? -1 : left > right ? 1 : 0;
  }

  equals(other: Decimal): boolean {
    return this.compare(other) === 0;
  }

  add(other: Decimal): Decimal {
    if (this.scale === other.scale) return checked(this.unscaled + other.unscaled, this.scale);
    const scale = Math.max(this.scale, other.scale);
    return checked(this.unscaledAt(scale) + other.unscaledAt(scale), scale);
  }

  subtract(other: Decimal): Decimal {
    return this.add(other.negate());
  }

  multiply(other: Decimal): Decimal {
    const scale = this.scale + other.scale;
    const product = this.unscaled * other.unscaled;
    return scale > SCALE_MAX
      ? checked(divideRounded(product, powerOfTen(scale - SCALE_MAX)), SCALE_MAX)
      : checked(product, scale);
  }

  /** As many digits as PostgreSQL keeps: at least 16 significant ones. Throws INVALID_ARGUMENT (22012) when `other` is 0. */
  divide(other: Decimal): Decimal {
    if (other.unscaled === 0n) throw divisionByZero();
    return this.divideTo(other, divisionScale(this, other));
  }

  /** With a given number of digits behind the point, rounded; `other` is not 0. */
  divideTo(other: Decimal, scale: number): Decimal {
    const shift = scale + other.scale - this.scale;
    const dividend = shift > 0 ? this.unscaled * powerOfTen(shift) : this.unscaled;
    const divisor = shift < 0 ? other.unscaled * powerOfTen(-shift) : other.unscaled;
    return checked(divideRounded(dividend, divisor), scale);
  }

  /** What is left of a division that cuts towards zero; the sign is this one's. Throws INVALID_ARGUMENT (22012). */
  remainder(other: Decimal): Decimal {
    if (other.unscaled === 0n) throw divisionByZero();
    const scale = Math.max(this.scale, other.scale);
    return new Decimal(this.unscaledAt(scale) % other.unscaledAt(scale), scale);
  }

  negate(): Decimal {
    return new Decimal(-this.unscaled, this.scale);
  }

  absolute(): Decimal {
    return this.unscaled < 0n ? this.negate() : this;
  }

  /** To `scale` digits behind the point, halves away from zero; negative: to tens, hundreds … The result then has scale 0. */
  round(scale: number): Decimal {
    return this.toScale(scale, divideRounded);
  }

  /** Like `round`, but cuts towards zero. */
  truncate(scale: number): Decimal {
    return this.toScale(scale, (dividend, divisor) => dividend / divisor);
  }

  floor(): Decimal {
    const cut = this.truncate(0);
    return cut.compare(this) > 0 ? new Decimal(cut.unscaled - 1n, 0) : cut;
  }

  ceiling(): Decimal {
    const cut = this.truncate(0);
    return cut.compare(this) < 0 ? new Decimal(cut.unscaled + 1n, 0) : cut;
  }

  /** The square root with PostgreSQL's number of digits. Throws INVALID_ARGUMENT (2201F) below zero. */
  squareRoot(): Decimal {
    if (this.unscaled < 0n) {
      throw new TruthError('INVALID_ARGUMENT', 'cannot take square root of a negative number', {
        sqlstate: '2201F',
      });
    }
    const scale = rootScale(this);
    // One digit more than asked for, cut: it rounds the way the exact root does, as no root ends in exactly 5 there unless it is exact.
    const wanted = 2 * (scale + 1);
    const root = integerRoot(
      wanted >= this.scale
        ? this.unscaled * powerOfTen(wanted - this.scale)
        : this.unscaled / powerOfTen(this.scale - wanted),
    );
    return new Decimal(divideRounded(root, 10n), scale);
  }

  /** The nearest whole number, halves away from zero. */
  toInteger(): bigint {
    return this.scale === 0 ? this.unscaled : divideRounded(this.unscaled, powerOfTen(this.scale));
  }

  /** The nearest double; infinite where there is none. */
  toDouble(): number {
    return Number(this.toString());
  }

  /** The same value without zeros at the end. */
  normalized(): Decimal {
    if (this.scale === 0 || this.unscaled % 10n !== 0n) return this;
    if (this.unscaled === 0n) return Decimal.ZERO;
    const digits = this.unscaled.toString();
    let zeros = 0;
    while (zeros < this.scale && digits.charCodeAt(digits.length - 1 - zeros) === 0x30) zeros++;
    return new Decimal(this.unscaled / powerOfTen(zeros), this.scale - zeros);
  }

  /** `scale` is at least this one's. */
  private unscaledAt(scale: number): bigint {
    return scale === this.scale ? this.unscaled : this.unscaled * powerOfTen(scale - this.scale);
  }

  private toScale(scale: number, divide: (dividend: bigint, divisor: bigint) => bigint): Decimal {
    const wanted = Math.min(scale, SCALE_MAX);
    if (wanted === this.scale) return this;
    if (wanted > this.scale) return checked(this.unscaledAt(wanted), wanted);
    // Farther left than any number has digits nothing remains, whatever was asked for.
    const drop = Math.min(this.scale - wanted, this.scale + INTEGER_DIGITS_MAX + 1);
    const kept = divide(this.unscaled, powerOfTen(drop));
    if (wanted >= 0) return new Decimal(kept, wanted);
    return kept === 0n ? Decimal.ZERO : checked(kept * powerOfTen(drop - this.scale), 0);
  }
}

const ALWAYS_FITS = powerOfTen(1_000);

function checked(unscaled: bigint, scale: number): Decimal {
  if (scale > SCALE_MAX) throw overflow();
  const size = unscaled < 0n ? -unscaled : unscaled;
  if (size >= ALWAYS_FITS && size >= powerOfTen(INTEGER_DIGITS_MAX + scale)) throw overflow();
  return new Decimal(unscaled, scale);
}

/** Halves go away from zero. */
function divideRounded(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor;
  const rest = dividend % divisor;
  const twice = (rest < 0n ? -rest : rest) * 2n;
  if (twice < (divisor < 0n ? -divisor : divisor)) return quotient;
  return dividend < 0n === divisor < 0n ? quotient + 1n : quotient - 1n;
}

/** numeric.c, select_div_scale. */
function divisionScale(dividend: Decimal, divisor: Decimal): number {
  const left = leadingDigit(dividend);
  const right = leadingDigit(divisor);
  // With equal first digits the quotient may be either; it is taken to be the smaller one.
  const weight = left.weight - right.weight - (left.digit <= right.digit ? 1 : 0);
  const scale = Math.max(SIGNIFICANT_DIGITS_MIN - weight * BASE_DIGITS, dividend.scale, divisor.scale, 0);
  return Math.min(scale, DIVISION_SCALE_MAX);
}

/** The first digit other than 0 in base 10,000, and its place: 0 stands before the point, -1 behind it. */
function leadingDigit(value: Decimal): { digit: number; weight: number } {
  if (value.unscaled === 0n) return { digit: 0, weight: 0 };
  const digits = value.absolute().unscaled.toString();
  const last = digits.length - value.scale - 1;
  const weight = Math.floor(last / BASE_DIGITS);
  const length = last - weight * BASE_DIGITS + 1;
  return { digit: Number(digits.slice(0, length).padEnd(length, '0')), weight };
}

/** numeric.c, numeric_sqrt. */
function rootScale(value: Decimal): number {
  const { weight } = leadingDigit(value);
  const digits =
    weight >= 0 ? Math.floor((weight * BASE_DIGITS) / 2) + 1 : 1 - Math.floor((-weight * BASE_DIGITS) / 2);
  return Math.min(Math.max(SIGNIFICANT_DIGITS_MIN - digits, value.scale, 0), DIVISION_SCALE_MAX);
}

/** The largest whole number whose square is at most `value`: Newton's method from above. */
function integerRoot(value: bigint): bigint {
  if (value < 2n) return value;
  let root = 1n << BigInt((value.toString(16).length * 4 + 1) >> 1);
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

/** `%.15g` as C has it: a tie goes to the even digit, where JavaScript goes up. */
function roundedDigits(value: number): string {
  const rounded = value.toPrecision(DOUBLE_DIGITS);
  const longer = value.toPrecision(DOUBLE_DIGITS + 1);
  if (!/5(e|$)/.test(longer)) return rounded;
  const tie = Decimal.parse(value.toPrecision(100)).equals(Decimal.parse(longer));
  const before = longer.replace('.', '').at(longer.search(/5(e|$)/) - (longer.includes('.') ? 2 : 1));
  return tie && Number(before) % 2 === 0 ? longer.replace(/5(e|$)/, '0$1') : rounded;
}

function invalid(text: string): TruthError {
  const shown = text.length > 100 ? `${text.slice(0, 100)}…` : text;
  return new TruthError('INVALID_ARGUMENT', `invalid input syntax for type numeric: "${shown}"`, {
    sqlstate: '22P02',
  });
}

function overflow(): TruthError {
  return new TruthError(
    'INVALID_ARGUMENT',
    `value overflows numeric format: at most ${INTEGER_DIGITS_MAX} digits before the point and ${SCALE_MAX} behind it`,
    { sqlstate: '22003' },
  );
}

function divisionByZero(): TruthError {
  return new TruthError('INVALID_ARGUMENT', 'division by zero', { sqlstate: '22012' });
}
