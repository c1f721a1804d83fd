/** What a time that somebody gives may be, seen from the time it is recorded at. */
import { MICROS_PER_MINUTE, type Micros } from '../ground.ts';

/** Clocks of clients may be ahead by this much. */
const AHEAD_MICROS_MAX = 2 * MICROS_PER_MINUTE;
const MICROS_PER_MILLI = 1_000;

/** Why a thing cannot have happened then, or null. Nothing happened before 1970 but what `least` allows. */
export function timeProblem(what: string, at: number, now: Micros, least: number): string | null {
  if (!Number.isSafeInteger(at) || at < least)
    return `${what} has the time ${at}: give microseconds since 1970 as a whole number${least === 0 ? ' from 0' : ''}`;
  if (at - now <= AHEAD_MICROS_MAX) return null;
  return `${what} has the time ${shownTime(at)}, more than two minutes ahead of the server's ${shownTime(now)}: set the clock, or give no time`;
}

/** ISO 8601, as far as it reaches. */
function shownTime(micros: number): string {
  const milliseconds = Math.floor(micros / MICROS_PER_MILLI);
  const date = new Date(milliseconds);
  return Number.isNaN(date.getTime()) ? `${micros} µs` : date.toISOString();
}
