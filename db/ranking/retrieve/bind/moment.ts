/** The time a query asks about, and where its page begins. */
import { MICROS_PER_MINUTE, type Micros } from '../../ground.ts';
import { timestampText } from '../../schema/index.ts';
import { refusedAt } from '../../schema/names.ts';
import { decodeCursor } from '../execute/cursor.ts';
import {
  isParameter,
  type Moment,
  numberValue,
  type QueryStatement,
  textValue,
  timeValue,
} from '../language/index.ts';
import type { Cursor } from '../query.ts';
import type { BindInput } from './input.ts';

/** Clocks of clients may be as far ahead of the server's. */
const AHEAD_MICROS_MAX = 2 * MICROS_PER_MINUTE;
const OFFSET_MAX = 100_000;

/** AS OF, for whoever chooses the views before anything is bound; null: views as they are. */
export type AsOf =
  | { readonly asOf: 'position'; readonly position: number }
  | { readonly asOf: 'timestamp'; readonly time: Micros };

/** Errors: INVALID_ARGUMENT. */
export function asOfMoment(moment: Moment | null, parameters: BindInput['parameters']): AsOf | null {
  if (moment === null || moment.moment === 'at') return null;
  if (moment.moment === 'as of timestamp') {
    return { asOf: 'timestamp', time: timeValue(moment.time, parameters) };
  }
  const position = numberValue(moment.position, parameters);
  if (!Number.isSafeInteger(position) || position < 0) {
    throw refusedAt(
      'AS OF POSITION',
      `${position} is no position`,
      'give a whole number, as an answer named it',
    );
  }
  return { asOf: 'position', position };
}

export interface BoundMoment {
  readonly now: Micros;
  readonly seed: number;
  readonly cursor: Cursor | null;
}

/**
 * A cursor carries the time and the seed of the first page. Without, the seed is the time, so that the same question at the same
 * time has the same answer.
 *
 * Errors: INVALID_ARGUMENT.
 */
export function momentOf(statement: QueryStatement, input: BindInput): BoundMoment {
  const { cursor: given, moment, seed } = statement;
  if (given !== null) return pageOf(decodeCursor(textValue(given, input.parameters)), input.now);
  const now =
    moment?.moment === 'at' ? atTime(timeValue(moment.time, input.parameters), input.now) : input.now;
  return { now, seed: seed === null ? now : seedOf(seed, input), cursor: null };
}

function pageOf(cursor: Cursor, now: Micros): BoundMoment {
  if (cursor.offset > OFFSET_MAX) {
    throw refusedAt(
      'CURSOR',
      `it begins after ${cursor.offset} results`,
      `ask for less, at most ${OFFSET_MAX}, with a narrower FILTER`,
    );
  }
  return { now: atTime(cursor.now, now), seed: cursor.seed, cursor };
}

function atTime(time: Micros, now: Micros): Micros {
  if (time - now > AHEAD_MICROS_MAX) {
    const ahead = `${timestampText(time)} is ${hours(time - now)} ahead of the server's clock`;
    throw refusedAt('AT', ahead, 'nothing is known of the future; set the clock, or leave AT out');
  }
  if (time < 0)
    throw refusedAt('AT', `${time} microseconds is before 1970`, 'there are no signals from then');
  return time;
}

function hours(micros: number): string {
  const minutes = Math.ceil(micros / MICROS_PER_MINUTE);
  return minutes < 120 ? `${minutes} minutes` : `${Math.round(minutes / 60)} hours`;
}

function seedOf(seed: NonNullable<QueryStatement['seed']>, input: BindInput): number {
  const value = numberValue(seed, input.parameters);
  if (Number.isSafeInteger(value)) return value;
  const shown = isParameter(seed) ? `$${seed.parameter}` : String(value);
  throw refusedAt('SEED', `${shown} is no whole number`, 'give one, any');
}
