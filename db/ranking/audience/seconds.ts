/** Times in a word: whole seconds since 1970, which last until 2106. 0 is "never", and what lies outside is brought to an end. */
import { MICROS_PER_SECOND, type Micros } from '../ground.ts';

const SECONDS_MAX = 0xffff_ffff;

export function secondsOf(at: Micros): number {
  return Math.min(SECONDS_MAX, Math.max(0, Math.floor(at / MICROS_PER_SECOND)));
}

export function microsOf(seconds: number): Micros {
  return (seconds * MICROS_PER_SECOND) as Micros;
}
