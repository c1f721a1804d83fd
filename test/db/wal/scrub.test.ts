import { describe, expect, test } from 'vitest';
import type { Sequence } from '../../../db/types.ts';
import { Pace } from '../../../db/wal/pace.ts';
import { nextToScrub } from '../../../db/wal/scrub.ts';
import type { SegmentName } from '../../../db/wal/segment.ts';

const SECOND = 1_000_000_000n;

describe('the pace of a scrub', () => {
  test('is so many bytes a second, however they are read', () => {
    const pace = new Pace(1000);
    expect(pace.delayAfter(100, 0n)).toBe(SECOND / 10n);
    // The reader did not wait: the second read waits for both.
    expect(pace.delayAfter(100, 0n)).toBe(SECOND / 5n);
    // It waited, and took some time to read.
    expect(pace.delayAfter(100, SECOND / 5n + 7n)).toBe(SECOND / 10n);
  });

  test('does not catch up on time in which nothing was read', () => {
    const pace = new Pace(1000);
    pace.delayAfter(1000, 0n);
    expect(pace.delayAfter(1000, 3600n * SECOND)).toBe(SECOND);
  });
});

describe('the order of a scrub', () => {
  const segment = (index: number, state: SegmentName['state']): SegmentName => ({
    index,
    firstSequence: (index * 10) as Sequence,
    state,
  });

  test('is that of the log, never the open segment, and goes on behind what was pruned', () => {
    const segments = [segment(3, 'archived'), segment(4, 'sealed'), segment(5, 'open')];
    expect(nextToScrub(segments, 0)?.index).toBe(3);
    expect(nextToScrub(segments, 3)?.index).toBe(4);
    expect(nextToScrub(segments, 4)).toBeNull();
  });
});
