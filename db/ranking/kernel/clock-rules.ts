/** What a time that somebody gives may be, seen from the time it is recorded at. */
import { MICROS_PER_MINUTE, type Micros } from '../ground.ts';
import { timestampText } from '../schema/index.ts';

/** Clocks of clients may be ahead by this much. */
const AHEAD_MICROS_MAX = 2 * MICROS_PER_MINUTE;

/** Why a thing cannot have happened then, or null. Nothing happened before 1970 but what `least` allows. */
export function timeProblem(what: string, at: number, now: Micros, least: number): string | null {
  if (!Number.isSafeInteger(at) || at < least)
    return `${what} has the time ${at}: give microseconds since 1970 as a whole number${least === 0 ? ' from 0' : ''}`;
  if (at - now <= AHEAD_MICROS_MAX) return null;
  return `${what} has the time ${timestampText(at)}, more than two minutes ahead of the server's ${timestampText(now)}: set the clock, or give no time`;
}
