/** Parts of timestamps, and timestamps cut to a unit. There is no time zone in it. */
import { Decimal } from '../../numeric/index.ts';
import { sqlError } from '../types/sql-error.ts';
import { type Civil, civilOf, DAY_MICROS, daysFromCivil } from '../types/timestamp-text.ts';
import { type FunctionTable, from2 } from './function-table.ts';
import { DECIMAL, DOUBLE, TEXT, TIMESTAMP } from './operand.ts';

/** Abbreviations that PostgreSQL takes, by the word they stand for. */
const UNIT_WORDS = {
  microseconds: 'us usec usecs usecond useconds microsecond microseconds',
  milliseconds: 'ms msec msecs msecond mseconds millisecond milliseconds',
  second: 's sec secs second seconds',
  minute: 'min mins minute minutes',
  hour: 'h hr hrs hour hours',
  day: 'd day days',
  week: 'w week weeks',
  month: 'mon mons month months',
  quarter: 'qtr quarter',
  year: 'y yr yrs year years',
  decade: 'dec decs decade decades',
  century: 'c cent century centuries',
  millennium: 'mil mils millennia millennium',
  epoch: 'epoch',
  dow: 'dow',
  isodow: 'isodow',
  doy: 'doy',
  isoyear: 'isoyear',
} as const;
type Unit = keyof typeof UNIT_WORDS;
const UNITS = new Map<string, Unit>(
  Object.entries(UNIT_WORDS).flatMap(([unit, words]) =>
    words.split(' ').map((word) => [word, unit as Unit] as const),
  ),
);
const DAY_LENGTH = Number(DAY_MICROS);
const LENGTHS: Partial<Record<Unit, number>> = {
  microseconds: 1,
  milliseconds: 1_000,
  second: 1_000_000,
  minute: 60_000_000,
  hour: 3_600_000_000,
  day: DAY_LENGTH,
};
const MICRO_DIGITS = 6;
const MILLI_DIGITS = 3;

export const TIME_FUNCTIONS: FunctionTable = {
  date_trunc: [from2(TEXT, TIMESTAMP, TIMESTAMP, truncate)],
  extract: [from2(TEXT, TIMESTAMP, DECIMAL, (unit: string, micros: bigint) => part(unit, micros))],
  date_part: [
    from2(TEXT, TIMESTAMP, DOUBLE, (unit: string, micros: bigint) => part(unit, micros).toDouble()),
  ],
};

function truncate(unitText: string, micros: bigint): bigint {
  const unit = unitOf(unitText);
  const civil = civilOf(micros);
  const length = LENGTHS[unit];
  if (length !== undefined) {
    return BigInt(civil.days) * DAY_MICROS + BigInt(civil.timeMicros - (civil.timeMicros % length));
  }
  const { year, month, days } = civil;
  switch (unit) {
    case 'week':
      return BigInt(days - weekday(days)) * DAY_MICROS;
    case 'month':
      return startOf(year, month);
    case 'quarter':
      return startOf(year, month - ((month - 1) % 3));
    case 'year':
      return startOf(year, 1);
    case 'decade':
      return startOf(decadeOf(year) * 10, 1);
    case 'century':
      return startOf(firstYear(year, 100), 1);
    case 'millennium':
      return startOf(firstYear(year, 1_000), 1);
    default:
      throw notSupported(unitText);
  }
}

function part(unitText: string, micros: bigint): Decimal {
  const unit = unitOf(unitText);
  if (unit === 'epoch') return new Decimal(micros, MICRO_DIGITS);
  const civil = civilOf(micros);
  const minuteMicros = BigInt(civil.timeMicros % 60_000_000);
  if (unit === 'second') return new Decimal(minuteMicros, MICRO_DIGITS);
  if (unit === 'milliseconds') return new Decimal(minuteMicros, MILLI_DIGITS);
  return unit === 'microseconds' ? new Decimal(minuteMicros, 0) : Decimal.fromInteger(wholePart(unit, civil));
}

function wholePart(unit: Unit, { year, month, day, days, timeMicros }: Civil): number {
  switch (unit) {
    case 'minute':
      return Math.floor(timeMicros / 60_000_000) % 60;
    case 'hour':
      return Math.floor(timeMicros / 3_600_000_000);
    case 'day':
      return day;
    case 'dow':
      return (weekday(days) + 1) % 7;
    case 'isodow':
      return weekday(days) + 1;
    case 'doy':
      return days - daysFromCivil(year, 1, 1) + 1;
    case 'week':
      return isoWeek(days).week;
    case 'isoyear':
      return shownYear(isoWeek(days).year);
    case 'month':
      return month;
    case 'quarter':
      return Math.floor((month - 1) / 3) + 1;
    case 'decade':
      return decadeOf(year);
    case 'century':
      return shownAge(year, 100);
    case 'millennium':
      return shownAge(year, 1_000);
    default:
      return shownYear(year);
  }
}

function unitOf(text: string): Unit {
  const unit = UNITS.get(text.toLowerCase());
  if (unit === undefined) {
    throw sqlError('22023', `unit "${text}" not recognized for type timestamp without time zone`);
  }
  return unit;
}

function notSupported(unit: string): Error {
  return sqlError('22023', `unit "${unit}" not supported for type timestamp without time zone`);
}

function startOf(year: number, month: number): bigint {
  return BigInt(daysFromCivil(year, month, 1)) * DAY_MICROS;
}

/** 0 for Monday. The day the count begins with was a Thursday. */
function weekday(days: number): number {
  return (((days + 3) % 7) + 7) % 7;
}

/** Weeks begin on Monday; the first of a year is the one with its first Thursday. */
function isoWeek(days: number): { year: number; week: number } {
  const thursday = days - weekday(days) + 3;
  const { year } = civilOf(BigInt(thursday) * DAY_MICROS);
  return { year, week: Math.floor((thursday - daysFromCivil(year, 1, 1)) / 7) + 1 };
}

/** Years before the first have no 0 in between when they are shown. */
function shownYear(year: number): number {
  return year > 0 ? year : year - 1;
}

/** timestamp.c: -0.5 to 9.5 is decade 0, before it they are counted backwards. */
function decadeOf(year: number): number {
  return year >= 0 ? Math.floor(year / 10) : -Math.floor((8 - (year - 1)) / 10);
}

/** The first century begins with year 1, and there is none numbered 0. */
function shownAge(year: number, length: number): number {
  return year > 0
    ? Math.floor((year + length - 1) / length)
    : -Math.floor((length - 1 - (year - 1)) / length);
}

function firstYear(year: number, length: number): number {
  const age = shownAge(year, length);
  return age > 0 ? (age - 1) * length + 1 : age * length + 1;
}
