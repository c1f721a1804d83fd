import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DiskActivity } from '../../../db/wal/disk-activity.ts';

const SECOND = 1_000_000_000n;

test('the busy fraction is that of the last seconds, not of all time', () => {
  const activity = new DiskActivity(0n);
  expect(activity.busyFraction).toBe(0);
  expect(activity.sample(4n * SECOND, 2_000_000, 0).busyFraction).toBe(0.5);
  for (let second = 5n; second <= 60n; second++) activity.sample(second * SECOND, 2_000_000, 0);
  expect(activity.busyFraction).toBe(0);
});

test('a suggested delay is what the queued bytes take at the pace of the last seconds', () => {
  const activity = new DiskActivity(0n);
  activity.sample(SECOND, 500_000, 50_000_000);
  expect(activity.millisFor(10_000_000)).toBe(100);
  for (let second = 2n; second <= 60n; second++) {
    activity.sample(second * SECOND, 500_000 * Number(second), 50_000_000 + 5_000_000 * Number(second));
  }
  expect(activity.millisFor(1_000_000)).toBe(100);
});

test('a suggested delay is always between a millisecond and a second, and grows with what is queued', () => {
  const count = fc.integer({ min: 0, max: 2 ** 40 });
  fc.assert(
    fc.property(count, count, count, count, (micros, written, a, b) => {
      const activity = new DiskActivity(0n).sample(SECOND, micros, written);
      const [less, more] = [activity.millisFor(Math.min(a, b)), activity.millisFor(Math.max(a, b))];
      expect(less).toBeGreaterThanOrEqual(1);
      expect(more).toBeLessThanOrEqual(1000);
      expect(less).toBeLessThanOrEqual(more);
    }),
  );
});
