/** Parts that definitions of several kinds have: how a weight decays, and between which bounds it is. */
import type { WeightDefinition } from '../../schema/definition.ts';
import type { Decay } from '../../schema/model.ts';
import type { Reader } from './reader.ts';

/** Errors: INVALID_ARGUMENT. Behind DECAY. */
export function decayOf(reader: Reader): Decay {
  if (reader.accept('none')) return { kind: 'none' };
  if (reader.accept('linear')) {
    reader.expect('lifetime');
    return { kind: 'linear', lifetimeMicros: reader.duration(1) };
  }
  if (!reader.accept('exponential')) reader.fail('NONE', 'EXPONENTIAL', 'LINEAR');
  reader.expect('half');
  reader.expect('life');
  return { kind: 'exponential', halfLifeMicros: reader.duration(1) };
}

/** Errors: INVALID_ARGUMENT. Behind WEIGHT; without a default it is 1, or the nearest that the bounds allow. */
export function weightOf(reader: Reader): WeightDefinition {
  const { min, max } = bounds(reader);
  const usual = reader.accept('default') ? reader.signed('a number') : Math.min(Math.max(1, min), max);
  return { min, max, default: usual };
}

/** `0..10`. Errors: INVALID_ARGUMENT. */
export function bounds(reader: Reader): { readonly min: number; readonly max: number } {
  const min = reader.signed('bounds such as 0..10');
  reader.expectSign('..');
  return { min, max: reader.signed('a number') };
}
