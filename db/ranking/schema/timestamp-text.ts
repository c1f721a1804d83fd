/**
 * Times as people write and read them: ISO 8601 in UTC, a date alone meaning its midnight. Days are counted by arithmetic, after
 * "chrono-compatible low-level date algorithms" (Hinnant): years begin in March, so that leap days come last.
 */
import {
  MICROS_PER_DAY,
  MICROS_PER_HOUR,
  MICROS_PER_MINUTE,
  MICROS_PER_SECOND,
  type Micros,
} from '../ground.ts';
import { refusedAt, shownName } from './names.ts';

const ISO =
  /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?(?:Z|([+-])(\d\d):?(\d\d))?)?$/;
const DIGITS_OF_SECOND = 6;
const DAYS_OF_ERA = 146_097;
const YEARS_OF_ERA = 400;
/** From the first of March of the year 0 to 1970. */
const DAYS_TO_1970 = 719_468;

/** Microseconds since 1970. Errors: INVALID_ARGUMENT. */
export function timestampOf(text: string, place: string): Micros {
  const parts = ISO.exec(text);
  const [year, month, day] = [part(parts, 1), part(parts, 2), part(parts, 3)];
  const [hour, minute, second] = [part(parts, 4), part(parts, 5), part(parts, 6)];
  const valid = parts !== null && isDay(year, month, day) && hour < 24 && minute < 60 && second < 60;
  if (!valid)
    throw refusedAt(
      place,
      `${shownName(text)} is no time`,
      'write it like 2026-01-31 or 2026-01-31T12:00:00Z',
    );
  const fraction = Number((parts[7] ?? '').padEnd(DIGITS_OF_SECOND, '0'));
  const ahead = part(parts, 9) * MICROS_PER_HOUR + part(parts, 10) * MICROS_PER_MINUTE;
  const zone = parts[8] === '-' ? -ahead : ahead;
  const ofDay = hour * MICROS_PER_HOUR + minute * MICROS_PER_MINUTE + second * MICROS_PER_SECOND + fraction;
  return (daysOf(year, month, day) * MICROS_PER_DAY + ofDay - zone) as Micros;
}

/** To the second, as far as the calendar of four digits reaches; in microseconds beyond. */
export function timestampText(micros: number): string {
  const days = Math.floor(micros / MICROS_PER_DAY);
  const [year, month, day] = dateOf(days);
  if (!(year >= 0 && year <= 9999)) return `${micros} µs`;
  const seconds = Math.floor((micros - days * MICROS_PER_DAY) / MICROS_PER_SECOND);
  const clock = [seconds / 3600, (seconds / 60) % 60, seconds % 60].map((each) =>
    digits(Math.floor(each), 2),
  );
  return `${digits(year, 4)}-${digits(month, 2)}-${digits(day, 2)}T${clock.join(':')}Z`;
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

/** Days since 1970. */
function daysOf(year: number, month: number, day: number): number {
  const marchYear = month > 2 ? year : year - 1;
  const era = Math.floor(marchYear / YEARS_OF_ERA);
  const yearOfEra = marchYear - era * YEARS_OF_ERA;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * DAYS_OF_ERA + dayOfEra - DAYS_TO_1970;
}

function dateOf(days: number): readonly [year: number, month: number, day: number] {
  const since = days + DAYS_TO_1970;
  const era = Math.floor(since / DAYS_OF_ERA);
  const dayOfEra = since - era * DAYS_OF_ERA;
  const leapDays =
    Math.floor(dayOfEra / 1_460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096);
  const yearOfEra = Math.floor((dayOfEra - leapDays) / 365);
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
  const day = dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1;
  return [yearOfEra + era * YEARS_OF_ERA + (month <= 2 ? 1 : 0), month, day];
}

function digits(value: number, count: number): string {
  return String(value).padStart(count, '0');
}
