/**
 * Exponentials and logarithms whose every bit is the same on every machine. The processor's own and the engine's differ in the
 * last digit (docs/decisions/0065), so these use nothing but + - * / of doubles, which IEEE 754 fixes, and the bits of a double.
 *
 * Ranges, reductions and coefficients are those of fdlibm (Sun Microsystems, 1993: e_exp.c, e_log.c, e_pow.c, s_expm1.c,
 * s_log1p.c) and of FreeBSD's e_log2.c. Results are within one unit in the last place of the true ones; special values are
 * IEEE's and JavaScript's.
 */

const HIGH_MANTISSA = 0xf_ffff;
const HIDDEN_BIT = 0x10_0000;
const HIGH_OF_ONE = 0x3ff0_0000;
/** High word of √2 / 2, a little below: fractions are taken from there to √2. */
const HIGH_OF_ROOT_HALF = 0x3fe6_a09e;
const EXPONENT_BIAS = 1_023;
const EXPONENT_MIN = -1_022;
const TWO_54 = 18_014_398_509_481_984;
const MIN_NORMAL = 2.2250738585072014e-308;

const LN2 = Math.LN2;
/** The first 32 bits of ln 2, so that products with small whole numbers are exact, and the rest. */
const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.9082149292705877e-10;
const ONE_BY_LN2 = Math.LOG2E;
const ONE_BY_LN2_HIGH = 1.4426950407214463;
const ONE_BY_LN2_LOW = 1.6751713164886512e-10;

const EXP_MAX = 709.782712893384;
const EXP_MIN = -745.1332191019411;

/** A double and its two halves, low word first: little-endian on every machine this runs on. */
const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);

export function exp(x: number): number {
  if (x > EXP_MAX) return Number.POSITIVE_INFINITY;
  if (x < EXP_MIN) return 0;
  if (Number.isNaN(x)) return x;
  const power = Math.floor(ONE_BY_LN2 * x + 0.5);
  return scaled(expOfSmall(x - power * LN2_HIGH, power * LN2_LOW), power);
}

/** 2 to the power of `x`; exact for whole numbers. */
export function exp2(x: number): number {
  if (x >= 1_024) return Number.POSITIVE_INFINITY;
  if (x <= -1_075) return 0;
  if (Number.isNaN(x)) return x;
  const power = Math.floor(x + 0.5);
  const rest = x - power;
  const high = upperHalf(rest);
  return scaled(expOfSmall(high * LN2_HIGH, -((rest - high) * LN2 + high * LN2_LOW)), power);
}

/** e^x - 1, without losing digits near 0. */
export function expm1(x: number): number {
  if (x > EXP_MAX) return Number.POSITIVE_INFINITY;
  if (x < -39) return -1;
  if (Number.isNaN(x) || (x < 5e-17 && x > -5e-17)) return x;
  const isSmall = x < 0.5 * LN2 && x > -0.5 * LN2;
  const power = isSmall ? 0 : Math.floor(ONE_BY_LN2 * x + 0.5);
  const high = x - power * LN2_HIGH;
  const low = power * LN2_LOW;
  const r = high - low;
  const lost = high - r - low;
  const half = 0.5 * r;
  const square = r * half;
  const series =
    1 +
    square *
      (-0.03333333333333313 +
        square *
          (0.0015873015872548146 +
            square *
              (-0.0000793650757867488 +
                square * (0.000004008217827329362 + square * -2.0109921818362437e-7))));
  const t = 3 - series * half;
  const quotient = square * ((series - t) / (6 - r * t));
  if (power === 0) return r - (r * quotient - square);
  return expm1Scaled(r, r * (quotient - lost) - lost - square, power);
}

/** (1 + r - rest) · 2^power - 1, subtracting 1 where it costs no digits. */
function expm1Scaled(r: number, rest: number, power: number): number {
  if (power === -1) return 0.5 * (r - rest) - 0.5;
  if (power === 1) return r < -0.25 ? -2 * (rest - (r + 0.5)) : 1 + 2 * (r - rest);
  if (power < 0 || power > 56) return scaled(r - rest + 1, power) - 1;
  const inverse = powerOfTwo(-power);
  return (power < 20 ? r - rest + (1 - inverse) : r - (rest + inverse) + 1) * powerOfTwo(power);
}

/** Natural logarithm: NaN below 0, minus infinity at 0. */
export function log(x: number): number {
  if (!(x > 0 && x < Number.POSITIVE_INFINITY)) return logOfSpecial(x);
  const power = split(x);
  const f = fraction - 1;
  const half = 0.5 * f * f;
  const s = f / (2 + f);
  return s * (half + logSeries(s)) + power * LN2_LOW - half + f + power * LN2_HIGH;
}

/** ln(1 + x), without losing digits near 0. */
export function log1p(x: number): number {
  if (!(x > -1 && x < Number.POSITIVE_INFINITY)) return logOfSpecial(x + 1);
  if (x < 1e-16 && x > -1e-16) return x;
  const sum = 1 + x;
  let power = 0;
  let f = x;
  let lost = 0;
  if (x >= 0.41421356 || x < -0.29289) {
    power = split(sum);
    f = fraction - 1;
    // What adding 1 has rounded away, in proportion.
    if (power < 54) lost = (power >= 2 ? 1 - (sum - x) : x - (sum - 1)) / sum;
  }
  const half = 0.5 * f * f;
  const s = f / (2 + f);
  return s * (half + logSeries(s)) + (power * LN2_LOW + lost) - half + f + power * LN2_HIGH;
}

/** Logarithm to base 2; exact for powers of two. */
export function log2(x: number): number {
  if (!(x > 0 && x < Number.POSITIVE_INFINITY)) return logOfSpecial(x);
  const power = split(x);
  const f = fraction - 1;
  const half = 0.5 * f * f;
  const s = f / (2 + f);
  const high = upperHalf(f - half);
  const low = f - high - half + s * (half + logSeries(s));
  const product = high * ONE_BY_LN2_HIGH;
  const sum = power + product;
  return power - sum + product + ((low + high) * ONE_BY_LN2_LOW + low * ONE_BY_LN2_HIGH) + sum;
}

/** `x` to the power of `y`, with the special values of JavaScript: anything to the power of 0 is 1, ±1 to an infinite one is NaN. */
export function power(x: number, y: number): number {
  if (y === 0) return 1;
  if (y === 1 || Number.isNaN(x)) return x;
  if (Number.isNaN(y)) return y;
  if (y === Number.POSITIVE_INFINITY || y === Number.NEGATIVE_INFINITY) return powerOfInfinite(x, y);
  const size = x < 0 ? -x : x;
  const isOdd = isOddWhole(y);
  if (size === 0 || size === Number.POSITIVE_INFINITY) return signed(powerOfExtreme(size, y), x, isOdd);
  if (x < 0 && !isOdd && Math.floor(y) !== y) return Number.NaN;
  return signed(size === 1 ? 1 : powerOfPositive(size, y), x, isOdd);
}

export function tanh(x: number): number {
  const size = x < 0 ? -x : x;
  let value = size;
  if (size > 22) value = 1;
  else if (size > 0.5493) value = 1 - 2 / (expm1(2 * size) + 2);
  else if (size > 0.2554) {
    const grown = expm1(2 * size);
    value = grown / (grown + 2);
  } else if (size > 1e-8) {
    const shrunk = expm1(-2 * size);
    value = -shrunk / (shrunk + 2);
  }
  return x < 0 ? -value : x === 0 ? x : value;
}

/** 1 / (1 + e^-x). */
export function sigmoid(x: number): number {
  if (x >= 0) return 1 / (1 + exp(-x));
  const grown = exp(x);
  return grown / (1 + grown);
}

/** What is left of 1 after `elapsed`, in the unit of `halfLife`: a half after each. */
export function halfLifeFactor(elapsed: number, halfLife: number): number {
  return exp2(-elapsed / halfLife);
}

/** e^(high - low) of a sum within half of ln 2 around 0. */
function expOfSmall(high: number, low: number): number {
  const r = high - low;
  const square = r * r;
  const c = r - square * expSeries(square);
  return 1 - (low - (r * c) / (2 - c) - high);
}

function expSeries(square: number): number {
  return (
    0.16666666666666602 +
    square *
      (-0.0027777777777015593 +
        square *
          (0.00006613756321437934 + square * (-0.0000016533902205465252 + square * 4.1381367970572385e-8)))
  );
}

/** (ln(1 + s) - ln(1 - s) - 2s) / s, about, for s within (√2 - 1) / (√2 + 1) around 0. */
function logSeries(s: number): number {
  const z = s * s;
  const w = z * z;
  const even = w * (0.3999999999940942 + w * (0.22222198432149784 + w * 0.15313837699209373));
  const odd =
    z * (0.6666666666666735 + w * (0.2857142874366239 + w * (0.1818357216161805 + w * 0.14798198605116586)));
  return odd + even;
}

function logOfSpecial(x: number): number {
  if (x === 0) return Number.NEGATIVE_INFINITY;
  return x > 0 ? x : Number.NaN;
}

/** Set by `split`: what is left of a positive number without its power of two, from √½ to √2. */
let fraction = 1;

/** The power of two of a positive, finite number, such that the rest is near 1. */
function split(x: number): number {
  let power = 0;
  double[0] = x;
  if (x < MIN_NORMAL) {
    power = -54;
    double[0] = x * TWO_54;
  }
  const high = words[1]! + (HIGH_OF_ONE - HIGH_OF_ROOT_HALF);
  words[1] = (high & HIGH_MANTISSA) + HIGH_OF_ROOT_HALF;
  fraction = double[0]!;
  return power + (high >>> 20) - EXPONENT_BIAS;
}

/** The first 21 bits of a number, so that products of two such are exact. */
function upperHalf(x: number): number {
  double[0] = x;
  words[0] = 0;
  return double[0]!;
}

/** 2 to a whole power from -1022 to 1023. */
function powerOfTwo(exponent: number): number {
  words[0] = 0;
  words[1] = (exponent + EXPONENT_BIAS) << 20;
  return double[0]!;
}

/** x · 2^power, rounded once, for an x near 1. */
function scaled(x: number, power: number): number {
  if (power > EXPONENT_BIAS) return x * powerOfTwo(EXPONENT_BIAS) * powerOfTwo(power - EXPONENT_BIAS);
  if (power >= EXPONENT_MIN) return x * powerOfTwo(power);
  return x * powerOfTwo(power - EXPONENT_MIN) * powerOfTwo(EXPONENT_MIN);
}

function isOddWhole(y: number): boolean {
  return Math.floor(y) === y && Math.floor(y / 2) * 2 !== y;
}

function signed(size: number, base: number, isOdd: boolean): number {
  const isNegative = base < 0 || Object.is(base, -0);
  return isOdd && isNegative ? -size : size;
}

function powerOfInfinite(x: number, y: number): number {
  if (x === 1 || x === -1) return Number.NaN;
  const isLarge = x > 1 || x < -1;
  return isLarge === y > 0 ? Number.POSITIVE_INFINITY : 0;
}

/** Of 0 and infinity. */
function powerOfExtreme(size: number, y: number): number {
  return (size === 0) === y > 0 ? 0 : Number.POSITIVE_INFINITY;
}

/** Beyond it every base but 1 is 0 or infinity: the nearest to 1 are 2^-53 away. */
const POWER_MAX = 1e20;

function powerOfPositive(x: number, y: number): number {
  if (y > POWER_MAX || y < -POWER_MAX) return x > 1 === y > 0 ? Number.POSITIVE_INFINITY : 0;
  splitLog2(x);
  const upper = upperHalf(y);
  const low = (y - upper) * log2High + y * log2Low;
  const high = upper * log2High;
  const sum = low + high;
  if (sum >= 1_025) return Number.POSITIVE_INFINITY;
  if (sum <= -1_076) return 0;
  return exp2OfSum(high, low);
}

/** Set by `splitLog2`: a logarithm to base 2 in two parts, the first of at most 21 bits. */
let log2High = 0;
let log2Low = 0;

/** Two thirds of 1 / ln 2, whole and in two parts. */
const CP = 0.9617966939259756;
const CP_HIGH = 0.9617967009544373;
const CP_LOW = -7.028461650952758e-9;
/** log2(1.5) in two parts. */
const LOG2_OF_3_HALVES_HIGH = 0.5849624872207642;
const LOG2_OF_3_HALVES_LOW = 1.350039202129749e-8;

/** log2 of a positive number, with about 15 bits more than a double has. */
function splitLog2(x: number): void {
  let power = 0;
  double[0] = x;
  if (x < MIN_NORMAL) {
    power = -54;
    double[0] = x * TWO_54;
  }
  power += (words[1]! >>> 20) - EXPONENT_BIAS;
  const head = words[1]! & HIGH_MANTISSA;
  words[1] = head | HIGH_OF_ONE;
  // The logarithm is taken around 1 or 1.5, whichever is near.
  const isAroundOne = head <= 0x3_988e || head >= 0xb_b67a;
  if (head >= 0xb_b67a) {
    power += 1;
    words[1] -= HIDDEN_BIT;
  }
  const mantissa = double[0]!;
  const center = isAroundOne ? 1 : 1.5;
  const u = mantissa - center;
  const v = 1 / (mantissa + center);
  const s = u * v;
  const sHigh = upperHalf(s);
  const tHigh = upperHalf(mantissa + center);
  const tLow = mantissa - (tHigh - center);
  const sLow = v * (u - sHigh * tHigh - sHigh * tLow);
  const rest = log2Rest(s * s) + sLow * (sHigh + s);
  addUpLog2(s, sHigh, sLow, rest, power, isAroundOne);
}

function log2Rest(square: number): number {
  return (
    square *
    square *
    (0.5999999999999946 +
      square *
        (0.4285714285785502 +
          square *
            (0.33333332981837743 +
              square * (0.272728123808534 + square * (0.23066074577556175 + square * 0.20697501780033842)))))
  );
}

function addUpLog2(
  s: number,
  sHigh: number,
  sLow: number,
  rest: number,
  power: number,
  isAroundOne: boolean,
): void {
  const square = sHigh * sHigh;
  const tHigh = upperHalf(3 + square + rest);
  const tLow = rest - (tHigh - 3 - square);
  const u = sHigh * tHigh;
  const v = sLow * tHigh + tLow * s;
  const pHigh = upperHalf(u + v);
  const pLow = v - (pHigh - u);
  const zHigh = CP_HIGH * pHigh;
  const zLow = CP_LOW * pHigh + pLow * CP + (isAroundOne ? 0 : LOG2_OF_3_HALVES_LOW);
  const offset = isAroundOne ? 0 : LOG2_OF_3_HALVES_HIGH;
  log2High = upperHalf(zHigh + zLow + offset + power);
  log2Low = zLow - (log2High - power - offset - zHigh);
}

/** ln 2 rounded up to 24 bits, and what that is too much. */
const LG2_HIGH = 0.6931471824645996;
const LG2_LOW = -1.904654299957768e-9;

/** 2^(high + low). */
function exp2OfSum(high: number, low: number): number {
  const power = Math.floor(high + low + 0.5);
  const rest = high - power;
  const t = upperHalf(low + rest);
  const u = t * LG2_HIGH;
  const v = (low - (t - rest)) * LN2 + t * LG2_LOW;
  const z = u + v;
  const w = v - (z - u);
  const square = z * z;
  const c = z - square * expSeries(square);
  return scaled(1 - ((z * c) / (c - 2) - (w + z * w) - z), power);
}
