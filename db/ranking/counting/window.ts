/**
 * Time in buckets. A window that is asked about at `now` ends with the bucket that `now` is in, which counts whole: half-open
 * buckets of UTC, in the window's own grain, so that nothing moves until the next one begins.
 */
import type { Scratch } from '../../materializer/index.ts';
import { MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_MINUTE, type Micros } from '../ground.ts';
import type { WindowName } from '../schema/model.ts';

export const GRAINS = Object.freeze(['minute', 'hour', 'day'] as const);
export type Grain = (typeof GRAINS)[number];

/** Place of each in `GRAINS`, for columns by grain. */
export const GRAIN_INDEX: Readonly<Record<Grain, number>> = Object.freeze({ minute: 0, hour: 1, day: 2 });

export const GRAIN_MICROS: Readonly<Record<Grain, number>> = Object.freeze({
  minute: MICROS_PER_MINUTE,
  hour: MICROS_PER_HOUR,
  day: MICROS_PER_DAY,
});

/** Windows that end. */
type RollingWindow = Exclude<WindowName, 'all'>;

export interface WindowShape {
  readonly grain: Grain;
  readonly buckets: number;
  readonly hours: number;
}

export const WINDOWS: Readonly<Record<RollingWindow, WindowShape>> = Object.freeze({
  '1h': Object.freeze({ grain: 'minute', buckets: 60, hours: 1 }),
  '24h': Object.freeze({ grain: 'hour', buckets: 24, hours: 24 }),
  '7d': Object.freeze({ grain: 'hour', buckets: 168, hours: 168 }),
  '30d': Object.freeze({ grain: 'day', buckets: 30, hours: 720 }),
});

/**
 * Buckets that are kept for a window: its own, those of the window before it, and some more, so that questions about a moment
 * not long ago (the next page of an answer) have the same answer as then.
 */
const KEPT: Readonly<Record<RollingWindow, number>> = Object.freeze({
  '1h': 180,
  '24h': 72,
  '7d': 360,
  '30d': 64,
});

/** How many buckets of each grain a signal with these windows keeps; 0: it has none. */
export function keptBuckets(windows: readonly WindowName[]): Record<Grain, number> {
  const kept = { minute: 0, hour: 0, day: 0 };
  for (const window of windows) {
    if (window === 'all') continue;
    const { grain } = WINDOWS[window];
    kept[grain] = Math.max(kept[grain], KEPT[window]);
  }
  return kept;
}

/**
 * Buckets behind the newest that are read all the time: those of an hour in minutes and of a day in hours, with the hour and the
 * day before. Older ones are added up once for a window that is longer, and taken off when they leave it.
 */
const WARM: Readonly<Record<Grain, number>> = Object.freeze({ minute: 120, hour: 48, day: 1 });

/** What is spilled first, and what next: from which bucket on it stays in memory. */
const SPILL_ORDER = Object.freeze(['cold', 'closed'] as const);
export type SpillOrder = (typeof SPILL_ORDER)[number];

/** Has counters spill at least so many bytes, all of them the coldest first; returns how many they did. */
export function spillInOrder(
  spilling: () => Iterable<{ spill(order: SpillOrder, bytes: number, scratch: Scratch): number }>,
  bytes: number,
  scratch: Scratch | null,
): number {
  let freed = 0;
  if (scratch === null) return freed;
  for (const order of SPILL_ORDER)
    for (const one of spilling()) if (freed < bytes) freed += one.spill(order, bytes - freed, scratch);
  return freed;
}

export function spilledBefore(newest: number, grain: Grain, order: SpillOrder): number {
  return order === 'cold' ? newest + 1 - WARM[grain] : newest;
}

/** The bucket that a moment is in. */
export function bucketOf(at: Micros, grain: Grain): number {
  return Math.floor(at / GRAIN_MICROS[grain]);
}

/** The bucket behind the window that ends with `now`. */
export function endOf(now: Micros, grain: Grain): number {
  return bucketOf(now, grain) + 1;
}
