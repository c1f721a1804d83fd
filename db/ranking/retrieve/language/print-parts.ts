/** The smallest parts of a statement as text: names, values, durations, lists. */
import { TruthError } from '../../../errors.ts';
import { isParameter, type KeyOperand, type Parameter, type TimeOperand } from './ast.ts';
import { UNITS, type Unit } from './lexer.ts';
import { formatTime } from './time-text.ts';
import { isFreeWord } from './words.ts';

const PLAIN_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const PLAIN_KEY = /^[A-Za-z0-9_.:/+-]+$/;
const SHOWN_UNITS: readonly Unit[] = ['d', 'h', 'm', 's', 'ms', 'us'];

export function printName(name: string): string {
  return PLAIN_NAME.test(name) && isFreeWord(name) ? name : quotedName(name);
}

/** In backticks, also where it need not be. */
export function quotedName(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}

export function printNames(names: readonly string[]): string {
  return names.map(printName).join(', ');
}

export function printText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** Errors: INVALID_ARGUMENT for NaN and infinities, which the language has no words for. */
export function printNumber(value: number): string {
  if (!Number.isFinite(value)) {
    throw new TruthError(
      'INVALID_ARGUMENT',
      `${value} cannot be written in a statement; give a finite number`,
    );
  }
  return String(value);
}

export function printValue(value: string | number | boolean | Parameter): string {
  if (isParameter(value)) return `$${value.parameter}`;
  if (typeof value === 'string') return printText(value);
  return typeof value === 'number' ? printNumber(value) : String(value).toUpperCase();
}

export function printKey(key: KeyOperand): string {
  if (isParameter(key)) return `$${key.parameter}`;
  return PLAIN_KEY.test(key) ? `@${key}` : `@${printText(key)}`;
}

export function printKeys(keys: readonly KeyOperand[]): string {
  return `[${keys.map(printKey).join(', ')}]`;
}

export function printTime(time: TimeOperand): string {
  return isParameter(time) ? `$${time.parameter}` : printText(formatTime(time));
}

/** In the largest unit of which it is a whole number. */
export function printDuration(micros: number): string {
  const unit = SHOWN_UNITS.find((candidate) => micros % UNITS[candidate] === 0) ?? 'us';
  return `${printNumber(micros / UNITS[unit])}${unit}`;
}
