/**
 * JSON without silent loss: numbers a double cannot hold (ids of 64 bits, long decimals) keep their digits from input to
 * output. The slow way is taken only where a number looks as if it might need it.
 */
import { TruthError } from '../errors.ts';

/** Sixteen digits in a row, or an exponent: the forms in which a number may not survive as a double. */
const RISKY_NUMBER = /\d{16}|\d[eE][+-]?\d\d/;

/** Errors: INVALID_ARGUMENT saying where `what` stops being JSON. */
export function parseJson(text: string, what: string): unknown {
  try {
    return RISKY_NUMBER.test(text) ? JSON.parse(text, keepDigits) : JSON.parse(text);
  } catch (cause) {
    throw new TruthError(
      'INVALID_ARGUMENT',
      `${what} is not JSON: ${(cause as Error).message}`,
      {},
      { cause },
    );
  }
}

interface SourceText {
  readonly source?: string;
}

function keepDigits(_key: string, value: unknown, context?: SourceText): unknown {
  const source = context?.source;
  if (typeof value !== 'number' || source === undefined || sameNumber(value, source)) return value;
  return rawJson(source);
}

/** Whether the double says the same number as the digits: printed again, it has the same significant digits. */
function sameNumber(value: number, source: string): boolean {
  return Number.isFinite(value) && significant(String(value)) === significant(source);
}

function significant(text: string): string {
  const [mantissa = '', exponent = '0'] = text.toLowerCase().split('e');
  const [whole = '', fraction = ''] = mantissa.replace('-', '').split('.');
  const digits = (whole + fraction).replace(/^0+/, '');
  const trimmed = digits.replace(/0+$/, '');
  if (trimmed === '') return '0';
  const scale = Number(exponent) - fraction.length + (digits.length - trimmed.length);
  return `${trimmed}e${scale}`;
}

function rawJson(source: string): unknown {
  return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(source);
}

/** Errors: INVALID_ARGUMENT when JSON has no word for it. */
export function jsonText(value: unknown, what: string): string {
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) {
    throw new TruthError('INVALID_ARGUMENT', `${what} is ${typeof value}, which JSON cannot say`);
  }
  return text;
}
