import { expect, test } from 'vitest';
import { type FollowerState, lagOf } from '../../../db/follow/follower-state.ts';
import { COPY_START } from '../../../db/follow/receiver.ts';
import type { RecordedAt, Sequence } from '../../../db/types.ts';

const SECOND = 1_000_000_000n;

function stateAt(segment: number, offset: number, sequence: number, recordedAt: bigint): FollowerState {
  return {
    source: 'there:9650',
    connected: true,
    identity: { logId: new Uint8Array(16), segmentBytes: 1_000_000, entryBytesMax: 1000, hash: 'sha256' },
    durable: {
      ...COPY_START,
      segment,
      offset,
      sequence: sequence as Sequence,
      recordedAt: recordedAt as RecordedAt,
    },
    sourceEnd: {
      segment: 3,
      offset: 5000,
      sequence: 100 as Sequence,
      recordedAt: (90n * SECOND) as RecordedAt,
    },
    reconnects: 0,
    problem: null,
  };
}

test('lag counts entries, bytes of the files in between, and recorded time', () => {
  expect(lagOf(stateAt(1, 6000, 40, 30n * SECOND))).toEqual({ entries: 60, bytes: 1_999_000, seconds: 60 });
  expect(lagOf(stateAt(3, 4000, 98, 89n * SECOND))).toEqual({ entries: 2, bytes: 1000, seconds: 1 });
});

test('a copy that has caught up, or is ahead of what it heard last, is not behind', () => {
  expect(lagOf(stateAt(3, 5000, 100, 90n * SECOND))).toEqual({ entries: 0, bytes: 0, seconds: 0 });
  expect(lagOf(stateAt(3, 9000, 120, 95n * SECOND))).toEqual({ entries: 0, bytes: 0, seconds: 0 });
});

test('lag is not known before the source and the copy have said where they are', () => {
  const state = stateAt(1, 6000, 40, 0n);
  expect(lagOf({ ...state, durable: null })).toBeNull();
  expect(lagOf({ ...state, sourceEnd: null })).toBeNull();
});
