/** Why a window is not answered. */
import { TruthError } from '../../errors.ts';
import type { Micros } from '../ground.ts';
import type { SignalType, WindowName } from '../schema/model.ts';
import { GRAIN_MICROS } from './window.ts';

export function windowNotKept({ name, windows }: SignalType, window: WindowName): TruthError {
  const kept = [...windows.filter((each) => each !== 'all'), 'all'].join(', ');
  return new TruthError(
    'INVALID_ARGUMENT',
    `the signal "${name}" keeps no window ${window}: it has ${kept}. Ask for one of these, or define the signal with it`,
    { signal: name, window },
  );
}

/** `horizon`: when the newest event was. */
export function windowGone(
  { name }: SignalType,
  window: WindowName,
  now: Micros,
  horizon: Micros,
): TruthError {
  const hours = Math.round((horizon - now) / GRAIN_MICROS.hour);
  return new TruthError(
    'PRUNED',
    `what the window ${window} of the signal "${name}" held ${hours} hours before its newest event is not kept any more: ask about a later time, or ask AS OF that one`,
    { signal: name, window },
  );
}
