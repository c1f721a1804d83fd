/** Timestamps as PostgreSQL reads and writes them with `datestyle` ISO: microseconds since 1970, no time zone. */
import { withoutBlanks } from './blanks.ts';
import { sqlError } from './sql-error.ts';

export const DAY_MICROS = 86_400_000_000n;
const SECOND_MICROS = 1_000_000;
const MINUTE_MICROS = 60 * SECOND_MICROS;
const HOUR_MICROS = 60 * MINUTE_MICROS;
/** As far as PostgreSQL goes: 4714-11-24 BC to 294276-12-31. */
const MICROS_FIRST = BigInt(daysFromCivil(-4_713, 11, 24)) * DAY_MICROS;
const MICROS_END = BigInt(daysFromCivil(294_277, 1, 1)) * DAY_MICROS;
const FORM =
  /^(\d{4,6})-(\d{1,2})-(\d{1,2})(?:(?:[T ]|\s+)(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d*))?)?)?\s*(?:Z|UTC|GMT|[+-]\d{1,2}(?::?\d{2}){0,2})?(\s*(?:BC|AD))?$/i;

/**
 * Reads `2026-01-31`, `2026-01-31 12:30`, `2026-01-31T12:30:00.123456Z` and the like, and `epoch`. A time zone is read and, as
 * in PostgreSQL, means nothing to this type. Throws 22007 for any other form, 22008 for a date or time that does not exist.
 */
export function parseTimestamp(text: string): bigint {
  const trimmed = withoutBlanks(text);
  const match = FORM.exec(trimmed);
  if (match === null) {
    if (/^epoch$/i.test(trimmed)) return 0n;
    throw sqlError(
      '22007',
      `invalid input syntax for type timestamp: "${text}"; write it as 2026-01-31 12:30:00.123456`,
    );
  }
  const [, years, months, days, hours = '0', minutes = '0', seconds = '0', fraction = ''] = match;
  const isBefore = match[8] !== undefined && /bc/i.test(match[8]);
  const year = isBefore ? 1 - Number(years) : Number(years);
  const month = Number(months);
  const day = Number(days);
  const time =
    Number(hours) * HOUR_MICROS +
    Number(minutes) * MINUTE_MICROS +
    Number(seconds) * SECOND_MICROS +
    microsOf(fraction);
  const isDate = Number(years) > 0 && month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month);
  const isSecond = Number(seconds) < 60 || (Number(seconds) === 60 && microsOf(fraction) === 0);
  const isTime = Number(minutes) < 60 && isSecond && time <= 24 * HOUR_MICROS;
  if (!isDate || !isTime) throw sqlError('22008', `date/time field value out of range: "${text}"`);
  return checkTimestamp(BigInt(daysFromCivil(year, month, day)) * DAY_MICROS + BigInt(time), text);
}

export function formatTimestamp(micros: bigint): string {
  const { year, month, day, timeMicros } = civilOf(micros);
  const shown = year > 0 ? year : 1 - year;
  const date = `${String(shown).padStart(4, '0')}-${two(month)}-${two(day)}`;
  const fraction = timeMicros % SECOND_MICROS;
  const seconds = Math.floor(timeMicros / SECOND_MICROS);
  const time = `${two(Math.floor(seconds / 3_600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  const rest = fraction === 0 ? '' : `.${String(fraction).padStart(6, '0').replace(/0+$/, '')}`;
  return `${date} ${time}${rest}${year > 0 ? '' : ' BC'}`;
}

/** Year 0 is 1 BC; `timeMicros` since midnight. */
export interface Civil {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly timeMicros: number;
  /** Days since 1970-01-01. */
  readonly days: number;
}

export function civilOf(micros: bigint): Civil {
  let day = micros / DAY_MICROS;
  if (micros < 0n && day * DAY_MICROS !== micros) day -= 1n;
  const days = Number(day);
  return { ...civilFromDays(days), days, timeMicros: Number(micros - day * DAY_MICROS) };
}

/** Throws 22008 outside PostgreSQL's range. */
export function checkTimestamp(micros: bigint, shown: string): bigint {
  if (micros < MICROS_FIRST || micros >= MICROS_END) {
    throw sqlError('22008', `timestamp out of range: "${shown}"; it reaches from 4713 BC to 294276`);
  }
  return micros;
}

/** Days since 1970-01-01 in the Gregorian calendar, also before it was made. */
export function daysFromCivil(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

function civilFromDays(days: number): { year: number; month: number; day: number } {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1_460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1,
  };
}

function daysIn(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** PostgreSQL rounds what is finer than a microsecond, a tie to the even one. */
function microsOf(fraction: string): number {
  const exact = Number(`0.${fraction}0`) * SECOND_MICROS;
  const whole = Math.floor(exact);
  const rest = exact - whole;
  return rest > 0.5 || (rest === 0.5 && whole % 2 === 1) ? whole + 1 : whole;
}

function two(value: number): string {
  return value < 10 ? `0${value}` : String(value);
}
