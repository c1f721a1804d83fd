/** What is left of a weight after a while. */
import { halfLifeFactor } from '../../numeric/index.ts';
import type { Decay } from '../schema/model.ts';

/** From 0 to 1; 1 where no time has passed, or less than none. */
export function fading(decay: Decay, elapsedMicros: number): number {
  if (elapsedMicros <= 0 || decay.kind === 'none') return 1;
  if (decay.kind === 'exponential') return halfLifeFactor(elapsedMicros, decay.halfLifeMicros);
  return Math.max(0, 1 - elapsedMicros / decay.lifetimeMicros);
}
