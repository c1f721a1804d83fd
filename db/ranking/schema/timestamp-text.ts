/** Times as people write them in conditions: ISO 8601 in UTC, a date alone meaning its midnight. */
import { MICROS_PER_HOUR, MICROS_PER_MINUTE, MICROS_PER_SECOND, type Micros } from '../ground.ts';
import { refusedAt, shownName } from './names.ts';

const ISO =
  /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?(?:Z|([+-])(\d\d):?(\d\d))?)?$/;
const MICROS_PER_MILLI = 1_000;
const DIGITS_OF_SECOND = 6;
/** Date.UTC takes two digits for the years of the last century. */
const YEAR_LEAST = 1000;

/** Microseconds since 1970. Errors: INVALID_ARGUMENT. */
export function timestampOf(text: string, place: string): Micros {
  const parts = ISO.exec(text);
  const [year, month, day] = [part(parts, 1), part(parts, 2), part(parts, 3)];
  const midnight = Date.UTC(year, month - 1, day) * MICROS_PER_MILLI;
  const [hour, minute, second] = [part(parts, 4), part(parts, 5), part(parts, 6)];
  const valid =
    parts !== null &&
    year >= YEAR_LEAST &&
    isDay(year, month, day) &&
    hour < 24 &&
    minute < 60 &&
    second < 60;
  if (!valid)
    throw refusedAt(
      place,
      `${shownName(text)} is no time`,
      'write it like 2026-01-31 or 2026-01-31T12:00:00Z',
    );
  const fraction = Number((parts[7] ?? '').padEnd(DIGITS_OF_SECOND, '0'));
  const zone =
    (part(parts, 9) * MICROS_PER_HOUR + part(parts, 10) * MICROS_PER_MINUTE) * (parts[8] === '-' ? -1 : 1);
  const ofDay = hour * MICROS_PER_HOUR + minute * MICROS_PER_MINUTE + second * MICROS_PER_SECOND + fraction;
  return (midnight + ofDay - zone) as Micros;
}

function part(parts: RegExpExecArray | null, index: number): number {
  return Number(parts?.[index] ?? 0);
}

const MONTH_DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

function isDay(year: number, month: number, day: number): boolean {
  if (month < 1 || month > 12 || day < 1 || day > MONTH_DAYS[month - 1]!) return false;
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return month !== 2 || day < 29 || leap;
}
