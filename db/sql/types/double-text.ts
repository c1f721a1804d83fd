/** Doubles as PostgreSQL reads and writes them: the shortest text that reads back as the same number. */
import { withoutBlanks } from './blanks.ts';
import { sqlError } from './sql-error.ts';

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const WORD = /^([+-]?)(?:(nan)|inf(?:inity)?)$/i;
/** Fixed notation from 10^-4 on, below 10^15. */
const FIXED_EXPONENT_MIN = -4;
const FIXED_EXPONENT_MAX = 15;
/** Only between these can a text of up to 17 digits lie exactly half-way between two doubles. */
const HALFWAY_MIN = 9_007_199_254_740_992;
const HALFWAY_MAX = 1e41;
const DIGITS_MAX = 17;

/** Throws 22P02, or 22003 where the number is too large or too close to zero. */
export function parseDouble(text: string): number {
  const trimmed = withoutBlanks(text);
  if (NUMBER.test(trimmed)) {
    const value = Number(trimmed);
    if (!Number.isFinite(value) || (value === 0 && /[1-9]/.test(trimmed.split(/[eE]/)[0]!))) {
      throw sqlError('22003', `"${trimmed}" is out of range for type double precision`);
    }
    return value;
  }
  const word = WORD.exec(trimmed);
  if (word === null) throw sqlError('22P02', `invalid input syntax for type double precision: "${text}"`);
  if (word[2] !== undefined) return Number.NaN;
  return word[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

export function formatDouble(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return Object.is(value, -0) ? '-0' : String(value);
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity';
  const sign = value < 0 ? '-' : '';
  const { digits, exponent } = shortest(Math.abs(value));
  if (exponent >= FIXED_EXPONENT_MAX || exponent < FIXED_EXPONENT_MIN) {
    const mantissa = digits.length === 1 ? digits : `${digits[0]}.${digits.slice(1)}`;
    const size = String(Math.abs(exponent)).padStart(2, '0');
    return `${sign}${mantissa}e${exponent < 0 ? '-' : '+'}${size}`;
  }
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  const fraction = digits.slice(exponent + 1);
  return fraction === '' ? `${sign}${whole}` : `${sign}${whole}.${fraction}`;
}

/** Digits without zeros at either end, the first one standing for 10^exponent. */
function shortest(value: number): { digits: string; exponent: number } {
  const text = value.toExponential();
  if (value < HALFWAY_MIN || value > HALFWAY_MAX || !isHalfway(text, value)) return split(text);
  // JavaScript takes a text half-way to the next double if reading it comes back here; PostgreSQL wants one strictly nearer.
  for (let digits = 1; digits < DIGITS_MAX; digits++) {
    const longer = value.toExponential(digits);
    if (Number(longer) === value && !isHalfway(longer, value)) return split(longer);
  }
  return split(value.toExponential(DIGITS_MAX - 1));
}

function split(text: string): { digits: string; exponent: number } {
  const [mantissa = '', exponent] = text.split('e');
  const digits = mantissa.replace('.', '');
  return {
    digits: digits.includes('0') ? digits.replace(/0+$/, '') || '0' : digits,
    exponent: Number(exponent),
  };
}

/** Whether a text names the middle between a double of at least 2^53 and a neighbour. */
function isHalfway(text: string, value: number): boolean {
  const { digits, exponent } = split(text);
  if (exponent < digits.length - 1) return false;
  const named = BigInt(digits + '0'.repeat(exponent - digits.length + 1));
  const exact = BigInt(value);
  const away = named < exact ? exact - named : named - exact;
  if (away === 0n) return false;
  const bits = exact.toString(2);
  const gap = 1n << BigInt(bits.length - 53);
  const isPowerOfTwo = !bits.includes('1', 1);
  return named < exact && isPowerOfTwo ? away * 4n === gap : away * 2n === gap;
}
