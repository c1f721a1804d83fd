/**
 * What trending means, one formula for everybody, for a cohort, and within a set of candidates:
 *
 *     velocity(w) + CARRIED · min(velocity(w⁺), velocity(w)) + RISING · max(0, acceleration(w))
 *
 * w⁺ is the next longer window that the signal keeps. The second summand is what lasts: something that was wanted all week is
 * likelier to be wanted tomorrow than what one day brought up, but what is gone today is not carried. The third is what is on
 * its way up. An acceleration is at most the velocity, so a trend is at most 1 + CARRIED + RISING times the velocity: that
 * is how far down a list by velocity the best by trend have to be looked for.
 */
import type { SignalId } from '../../ground.ts';
import type { Scalar, SignalMeasure, SignalType, WindowName } from '../../schema/model.ts';
import { add, least, most, multiply, number } from './measure.ts';

const CARRIED = 1;
const RISING = 0.1;

/** No trend is more than this times the velocity. */
export const TREND_BY_VELOCITY_MAX = 1 + CARRIED + RISING;

const WINDOWS: readonly WindowName[] = Object.freeze(['1h', '24h', '7d', '30d', 'all']);

/** The trend of a signal over a window, or over the one nearest to it that the signal keeps. */
export function trendOf(signal: SignalType, window: WindowName): Scalar {
  const kept = keptWindow(signal, window);
  const velocity = measured(signal.id, { measure: 'velocity', window: kept });
  if (kept === 'all') return velocity;
  const wider = widerWindow(signal, kept);
  const carried = wider === null ? velocity : measured(signal.id, { measure: 'velocity', window: wider });
  const rising = most(measured(signal.id, { measure: 'acceleration', window: kept }), number(0));
  return add(velocity, multiply(number(CARRIED), least(carried, velocity)), multiply(number(RISING), rising));
}

/** The window itself where the signal keeps it, else the next longer one, else the longest shorter one, else all of time. */
export function keptWindow(signal: SignalType, window: WindowName): WindowName {
  if (window === 'all' || signal.windows.includes(window)) return window;
  const shorter = WINDOWS.slice(0, WINDOWS.indexOf(window)).findLast((one) => signal.windows.includes(one));
  return widerWindow(signal, window) ?? shorter ?? 'all';
}

function widerWindow(signal: SignalType, window: WindowName): WindowName | null {
  const wider = WINDOWS.slice(WINDOWS.indexOf(window) + 1).filter((one) => one !== 'all');
  return wider.find((one) => signal.windows.includes(one)) ?? null;
}

export function measured(signal: SignalId, measure: SignalMeasure): Scalar {
  return { scalar: 'signal', signal, measure };
}

/** What lists of the best by velocity are asked for; over all of time the order by velocity is nobody's, that by count is kept. */
export function velocityWithin(signal: SignalType, window: WindowName): SignalMeasure {
  const kept = keptWindow(signal, window);
  return kept === 'all' ? { measure: 'count', window: kept } : { measure: 'velocity', window: kept };
}
